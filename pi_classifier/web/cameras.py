"""All cameras as the page and the API show them."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from pi_classifier.contracts.prediction import Prediction
from pi_classifier.sinks.objects import Object, detection_objects, score_objects, state_object, watch_objects
from pi_classifier.statistics import CameraStatistics
from pi_classifier.web.view import CameraView, GroupView

if TYPE_CHECKING:
    # Imported only where a camera has a group.
    from pi_classifier.contracts.group import Group, Member


class Cameras:
    """Each camera with its view and its statistics, and their groups.

    A `Sink` and a `GroupSink`: predictions and groups go to the views.
    """

    def __init__(
        self,
        views: Sequence[CameraView],
        statistics: Sequence[CameraStatistics],
        groups: Sequence[GroupView] = (),
    ) -> None:
        """`statistics` and `groups`: of the same cameras."""
        self._views: Mapping[str, CameraView] = {view.camera: view for view in views}
        self._statistics = {one.camera: one for one in statistics}
        self.groups: Mapping[str, GroupView] = {group.name: group for group in groups}
        """By name."""
        self._group_of = {camera: group.name for group in groups for camera in group.cameras}

    def __iter__(self) -> Iterator[CameraView]:
        return iter(self._views.values())

    def get(self, camera: str) -> CameraView | None:
        """The view of a camera; None: there is none of this name."""
        return self._views.get(camera)

    def offer(self, prediction: Prediction) -> None:
        """Hand a prediction to its camera's view."""
        self._views[prediction.camera].offer(prediction)

    def offer_group(self, group: "Group") -> None:
        """Hand a group to its view."""
        self.groups[group.name].offer(group)

    def error(self, camera: str) -> str:
        """Why it does not, with the remedy; empty while nothing is wrong with it."""
        return self._statistics[camera].snapshot().error

    def status(self, camera: str) -> Object:
        """How it is, and what became of its frames."""
        snapshot, now = self._statistics[camera].snapshot(), time.monotonic()
        last = snapshot.last_frame_at
        return {
            "name": camera,
            "group": self._group_of.get(camera),
            "up": snapshot.up,
            "error": snapshot.error,
            "fps": round(snapshot.fps, 3),
            "captured": snapshot.captured,
            "classified": snapshot.classified,
            "dropped": snapshot.dropped,
            "reconnects": snapshot.reconnects,
            "last_frame_age": None if last is None else round(max(0.0, now - last), 3),
        }

    def all_statuses(self) -> list[Object]:
        """Of all of them."""
        return [self.status(camera) for camera in self._views]


def prediction_object(prediction: Prediction) -> Object:
    """What the model says of a frame, and what its camera shows with it."""
    return {
        "camera": prediction.camera,
        "sequence": prediction.sequence,
        "age": round(max(0.0, time.monotonic() - prediction.captured_at), 4),
        "state": state_object(prediction),
        "watches": watch_objects(prediction),
        "predictions": score_objects(prediction.scores),
        **detection_objects(prediction),
    }


def member_object(group: "Group", member: "Member") -> Object:
    """The same of one frame of a group, and what it needs to be shown together with the others."""
    about = {
        "name": group.name,
        "sequence": group.number,
        "frames": len(group.members),
        "skew": round(group.skew, 6),
        "offset": round(member.offset, 6),
        "missing": list(group.missing),
    }
    return {**prediction_object(member.prediction), "group": about}

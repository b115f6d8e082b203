"""All cameras as the page and the API show them."""

import time
from collections.abc import Iterator, Mapping, Sequence

from pi_classifier.contracts.prediction import Prediction
from pi_classifier.sinks.objects import Object, score_objects, state_object, watch_objects
from pi_classifier.statistics import CameraStatistics
from pi_classifier.web.view import CameraView


class Cameras:
    """Each camera with its view and its statistics. A `Sink`: the predictions go to the views."""

    def __init__(self, views: Sequence[CameraView], statistics: Sequence[CameraStatistics]) -> None:
        """`statistics`: of the same cameras."""
        self._views: Mapping[str, CameraView] = {view.camera: view for view in views}
        self._statistics = {one.camera: one for one in statistics}

    def __iter__(self) -> Iterator[CameraView]:
        return iter(self._views.values())

    def get(self, camera: str) -> CameraView | None:
        """The view of a camera; None: there is none of this name."""
        return self._views.get(camera)

    def offer(self, prediction: Prediction) -> None:
        """Hand a prediction to its camera's view."""
        self._views[prediction.camera].offer(prediction)

    def error(self, camera: str) -> str:
        """Why it does not, with the remedy; empty while nothing is wrong with it."""
        return self._statistics[camera].snapshot().error

    def status(self, camera: str) -> Object:
        """How it is, and what became of its frames."""
        snapshot, now = self._statistics[camera].snapshot(), time.monotonic()
        last = snapshot.last_frame_at
        return {
            "name": camera,
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
    }

"""Decides what happened: another label, a camera gone or back, a summary now and then."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pi_classifier.contracts.event import Event, EventKind
from pi_classifier.contracts.prediction import Prediction, Score
from pi_classifier.errors import CaptureError
from pi_classifier.statistics import Snapshot


@dataclass(slots=True)
class _View:
    """What one camera has been seeing."""

    best: Score
    since: float
    """When that class became the best."""
    announced: str = ""
    """The label of the last event."""


class EventMonitor:
    """Watches all cameras and publishes events. A `Sink`, a `Reporter` and a `CameraObserver`."""

    def __init__(
        self,
        publish: Sequence[Callable[[Event], None]],
        *,
        label_hold_seconds: float,
        summary_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Watch from now on.

        Args:
            publish: each takes every event, and must not block.
            label_hold_seconds: a label is an event once it has been the best of every prediction for so long.
            summary_seconds: how often each camera's numbers are an event; 0 never.
            clock: seconds, never backwards.
        """
        self._publish = tuple(publish)
        self._hold = label_hold_seconds
        self._summary = summary_seconds
        self._clock = clock
        self._views: dict[str, _View] = {}
        self._last_summary: dict[str, tuple[float, Snapshot]] = {}
        self._lock = threading.Lock()
        self._down: dict[str, type[CaptureError]] = {}
        """The kind of failure of each camera that is down."""

    def camera_down(self, camera: str, error: CaptureError) -> None:
        """An attempt at the camera failed: an event if it worked before, or fails in another way now."""
        with self._lock:
            # A camera may be disconnected for days: not every attempt is news.
            news = self._down.get(camera) is not type(error)
            self._down[camera] = type(error)
        if news:
            self._happened(EventKind.CAMERA_DOWN, camera, error=str(error))

    def camera_up(self, camera: str) -> None:
        """The camera delivers frames after it was down."""
        with self._lock:
            self._down.pop(camera, None)
        self._happened(EventKind.CAMERA_UP, camera)

    def offer(self, prediction: Prediction) -> None:
        """Take note of a prediction."""
        if not prediction.scores:
            return
        best = prediction.scores[0]
        view = self._views.get(prediction.camera)
        if view is None:
            self._views[prediction.camera] = _View(best, self._clock())
            return
        if view.best.class_id != best.class_id:
            view.since = self._clock()
        view.best = best

    def report(self, snapshot: Snapshot) -> None:
        """Once an interval: publish what is due of one camera."""
        view = self._views.get(snapshot.camera)
        if view is not None and snapshot.up:
            self._label(view, snapshot)
        now = self._clock()
        then, before = self._last_summary.setdefault(snapshot.camera, (now, snapshot))
        if self._summary and now - then >= self._summary:
            self._last_summary[snapshot.camera] = (now, snapshot)
            self._summarise(before, snapshot, now - then)

    def finish(self, snapshot: Snapshot, seconds: float) -> None:
        """The totals of one camera after `seconds` of running."""
        self._happened(
            EventKind.TOTALS,
            snapshot.camera,
            seconds=seconds,
            captured=snapshot.captured,
            classified=snapshot.classified,
            fps=snapshot.classified / seconds if seconds else 0.0,
            **{f"dropped_{reason}": count for reason, count in snapshot.dropped.items()},
        )

    def _label(self, view: _View, snapshot: Snapshot) -> None:
        best = view.best
        if best.label == view.announced or self._clock() - view.since < self._hold:
            return
        view.announced = best.label
        self._happened(
            EventKind.LABEL, snapshot.camera, label=best.label, probability=best.probability, fps=snapshot.fps
        )

    def _summarise(self, before: Snapshot, snapshot: Snapshot, seconds: float) -> None:
        classified = snapshot.classified - before.classified
        self._happened(
            EventKind.SUMMARY,
            snapshot.camera,
            seconds=seconds,
            classified=classified,
            dropped=sum(snapshot.dropped.values()) - sum(before.dropped.values()),
            errors=sum(snapshot.errors.values()) - sum(before.errors.values()),
            fps=classified / seconds,
        )

    def _happened(self, kind: EventKind, camera: str, **fields: str | float) -> None:
        event = Event(kind, camera, time.time(), fields)
        for publish in self._publish:
            publish(event)

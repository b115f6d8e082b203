"""Tells what happened: something seen or no longer, a camera gone or back, a summary now and then."""

import threading
import time
import uuid
from collections.abc import Callable, Sequence

from pi_classifier.contracts.event import Event, EventKind
from pi_classifier.contracts.state import Change
from pi_classifier.errors import CaptureError
from pi_classifier.statistics import Snapshot


class EventMonitor:
    """Watches all cameras and publishes events. A `Reporter` and a `CameraObserver`."""

    def __init__(
        self,
        publish: Sequence[Callable[[Event], None]],
        *,
        summary_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Watch from now on.

        Args:
            publish: each takes every event, and must not block.
            summary_seconds: how often each camera's numbers are an event; 0 never.
            clock: seconds, never backwards.
        """
        self._publish = tuple(publish)
        self._summary = summary_seconds
        self._clock = clock
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

    def changed(self, change: Change) -> None:
        """What a camera shows is another."""
        what: dict[str, str | float] = (
            {"watch": change.watch, **({"zone": change.zone} if change.zone else {})}
            if change.watch is not None
            else {
                "label": change.label or "",
                "class_id": change.class_id or 0,
            }
        )
        kind = EventKind.STARTED if change.started else EventKind.STOPPED
        age = self._clock() - change.at
        self._happened(kind, change.camera, age=age, **what, probability=change.probability, reason=change.reason)

    def report(self, snapshot: Snapshot) -> None:
        """Once an interval: publish what is due of one camera."""
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

    def _happened(self, kind: EventKind, camera: str, *, age: float = 0.0, **fields: str | float) -> None:
        """`age`: how many seconds ago."""
        event = Event(kind, camera, time.time() - age, uuid.uuid4().hex, fields)
        for publish in self._publish:
            publish(event)

"""The statistics of one camera: what became of every frame.

A frame is counted when its fate is known, as captured and as classified or dropped in one step: so
`captured = classified + dropped` holds at every moment, and at most two frames (one being pre-processed or waiting, one
in the model) are on their way and not yet counted.
"""

import threading
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple, Protocol


class Snapshot(NamedTuple):
    """The statistics at one moment, consistent in themselves."""

    camera: str
    captured: int
    classified: int
    dropped: dict[str, int]
    """Frames that were never classified, by reason: `stale` (a newer one came), `corrupt`, `limited` (by max_fps),
    `shutdown`."""
    errors: dict[str, int]
    """Failures of the camera by kind: `timeout`, `lost`, `frozen`."""
    reconnects: int
    up: bool
    """Whether the source is delivering frames."""
    last_frame_at: float | None
    """`captured_at` of the newest frame: seconds of `time.monotonic()`."""
    fps: float
    """Frames classified a second, over the last interval."""
    error: str
    """Why the camera is disconnected, with the remedy, in one line; empty while it is up."""


class Reporter(Protocol):
    """Who receives the statistics of each camera, one camera after another."""

    def report(self, snapshot: Snapshot, /) -> None:
        """An interval is over."""

    def finish(self, snapshot: Snapshot, seconds: float, /) -> None:
        """The run is over, after so many seconds."""


class CameraStatistics:
    """Counts for one camera; every method may be called from any thread."""

    def __init__(self, camera: str, now: float) -> None:
        """`now`: seconds of `time.monotonic()`, the start of the first interval."""
        self.camera = camera
        self._lock = threading.Lock()
        self._captured = 0
        self._classified = 0
        # Every reason a running camera can have is there from the first scrape on: rate() needs the zero.
        self._dropped = Counter(stale=0, corrupt=0, limited=0)
        self._errors = Counter(timeout=0, lost=0, frozen=0)
        self._reconnects = 0
        self._up = False
        self._was_up = False
        self._error = ""
        self._last_frame_at: float | None = None
        self._fps = 0.0
        self._interval_start = now
        self._interval_classified = 0

    def frame_arrived(self, captured_at: float) -> bool:
        """A frame came from the source: the camera is up. True if it was disconnected before."""
        with self._lock:
            returned = bool(self._error)
            if not self._up:
                self._reconnects += self._was_up
                self._up = self._was_up = True
                self._error = ""
            self._last_frame_at = captured_at
            return returned

    def frame_classified(self) -> None:
        """Count one frame that the model has seen."""
        with self._lock:
            self._captured += 1
            self._classified += 1

    def frame_dropped(self, reason: str) -> None:
        """Count one frame that the model will never see."""
        with self._lock:
            self._captured += 1
            self._dropped[reason] += 1

    def camera_failed(self, kind: str, error: str) -> None:
        """The camera is down until the next frame arrives; `error` says why, with the remedy."""
        with self._lock:
            self._errors[kind] += 1
            self._up = False
            self._error = error

    def source_ended(self) -> None:
        """The source came to its own end."""
        with self._lock:
            self._up = False

    def end_interval(self, now: float) -> Snapshot:
        """End the interval that `fps` is measured over, and start the next. `now`: seconds of `time.monotonic()`."""
        with self._lock:
            elapsed = now - self._interval_start
            if elapsed > 0:
                self._fps = (self._classified - self._interval_classified) / elapsed
                self._interval_start, self._interval_classified = now, self._classified
        return self.snapshot()

    def snapshot(self) -> Snapshot:
        """The statistics as they stand."""
        with self._lock:
            return Snapshot(
                camera=self.camera,
                captured=self._captured,
                classified=self._classified,
                dropped=dict(self._dropped),
                errors=dict(self._errors),
                reconnects=self._reconnects,
                up=self._up,
                last_frame_at=self._last_frame_at,
                fps=self._fps,
                error=self._error,
            )


def totals_line(
    camera: str, *, captured: float, classified: float, dropped: Mapping[str, float], seconds: float
) -> str:
    """What became of all frames of one camera in `seconds`, in words; `dropped` is by reason."""
    reasons = ", ".join(f"{count:.0f} {reason}" for reason, count in dropped.items() if count)
    return (
        f"{camera} done: {captured:.0f} captured = {classified:.0f} classified + "
        f"{sum(dropped.values()):.0f} dropped{f' ({reasons})' if reasons else ''} "
        f"in {seconds:.1f} s, {classified / seconds if seconds else 0.0:.1f} fps"
    )

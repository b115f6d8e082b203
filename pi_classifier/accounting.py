"""The books of one camera: what became of every frame.

A frame is entered when its fate is known, both sides of the entry in one step: so `captured = classified + dropped`
holds at every moment, and at most two frames (one waiting, one in the model) are on their way and not yet entered.
"""

import threading
from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The books at one moment, consistent in themselves."""

    camera: str
    captured: int
    classified: int
    dropped: dict[str, int]
    """Frames that were never classified, by reason: `stale` (a newer one came), `corrupt`, `shutdown`."""
    errors: dict[str, int]
    """Failures of the camera by kind: `timeout`, `lost`."""
    reconnects: int
    up: bool
    """Whether the source is delivering frames."""
    last_frame_at: float | None
    """`captured_at` of the newest frame: seconds of `time.monotonic()`."""
    fps: float
    """Frames classified a second, over the last closed interval."""
    trouble: str
    """Why the camera is away, in one line; empty while it is up."""
    trouble_at: float
    """When that was found, again at every attempt to open it: seconds of `time.monotonic()`."""


class Account:
    """Counts for one camera; every method may be called from any thread."""

    def __init__(self, camera: str, now: float) -> None:
        """`now`: seconds of `time.monotonic()`, the start of the first interval."""
        self.camera = camera
        self._lock = threading.Lock()
        self._captured = 0
        self._classified = 0
        # Both reasons a running camera can have are there from the first scrape on: rate() needs the zero.
        self._dropped = Counter(stale=0, corrupt=0)
        self._errors = Counter(timeout=0, lost=0)
        self._reconnects = 0
        self._up = False
        self._was_up = False
        self._trouble = ""
        self._trouble_at = now
        self._last_frame_at: float | None = None
        self._fps = 0.0
        self._interval_start = now
        self._interval_classified = 0

    def arrived(self, captured_at: float) -> bool:
        """A frame came from the source: the camera is up. True if it was away before."""
        with self._lock:
            returned = bool(self._trouble)
            if not self._up:
                self._reconnects += self._was_up
                self._up = self._was_up = True
                self._trouble = ""
            self._last_frame_at = captured_at
            return returned

    def classified(self) -> None:
        """Enter one frame that the model has seen."""
        with self._lock:
            self._captured += 1
            self._classified += 1

    def dropped(self, reason: str) -> None:
        """Enter one frame that the model will never see."""
        with self._lock:
            self._captured += 1
            self._dropped[reason] += 1

    def lost(self, kind: str, why: str, now: float) -> None:
        """The camera failed: it is down until the next frame arrives. `now`: seconds of `time.monotonic()`."""
        with self._lock:
            self._errors[kind] += 1
            self._up = False
            self._trouble = why
            self._trouble_at = now

    def ended(self) -> None:
        """The source came to its own end."""
        with self._lock:
            self._up = False

    def close_interval(self, now: float) -> Snapshot:
        """End the interval that `fps` is measured over, and start the next. `now`: seconds of `time.monotonic()`."""
        with self._lock:
            elapsed = now - self._interval_start
            if elapsed > 0:
                self._fps = (self._classified - self._interval_classified) / elapsed
                self._interval_start, self._interval_classified = now, self._classified
        return self.snapshot()

    def snapshot(self) -> Snapshot:
        """The books as they stand."""
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
                trouble=self._trouble,
                trouble_at=self._trouble_at,
            )

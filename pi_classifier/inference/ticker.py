"""Something to be done at a steady interval, off the inference loop."""

import threading
import time
from collections.abc import Callable

HUNG_SECONDS = 15.0
"""An action that takes longer hangs, on a full pipe say."""


class Ticker:
    """Calls a function every `interval_seconds` on a thread of its own, until stopped. A `Component`."""

    def __init__(self, interval_seconds: float, action: Callable[[], None]) -> None:
        self._interval = interval_seconds
        self._action = action
        self._stopping = threading.Event()
        self._done_by = float("inf")
        """When the action that runs, or the next one, is over at the latest."""
        self._thread = threading.Thread(target=self._run, name="ticker", daemon=True)

    def start(self) -> None:
        """Begin; the first call comes after one interval."""
        self._done_by = time.monotonic() + self._interval + HUNG_SECONDS
        self._thread.start()

    def stop(self) -> None:
        """End; does not wait for an action that hangs."""
        self._stopping.set()
        self._thread.join(0.2)

    def healthy(self, now: float) -> bool:
        """Whether the action is done when it should be."""
        return now < self._done_by

    def _run(self) -> None:
        due = time.monotonic() + self._interval
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            self._action()
            # Ticks that were missed while the action took its time are left out, not made up for.
            due = max(due + self._interval, time.monotonic())
            self._done_by = due + HUNG_SECONDS

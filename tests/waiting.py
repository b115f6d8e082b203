"""How tests wait: on conditions, with generous deadlines. It is imported where torch is not, as in the guest."""

import threading
import time
from collections.abc import Callable

DEADLINE_SECONDS = 120.0
"""How long a test waits for what should take a second or two: machines have bad hours."""


def eventually(condition: Callable[[], object], what: str, *, every: float = 0.002) -> None:
    """Wait until a condition holds, asked for every so many seconds; `what` it is that has to happen."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"no {what} within {DEADLINE_SECONDS} s"
        pause.wait(every)

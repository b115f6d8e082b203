"""How often something may happen."""

import math
import time
from collections.abc import Callable


class Rate:
    """A token bucket: so many a second on average, some more at once. For one thread."""

    def __init__(self, a_second: float, at_once: int, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock`: seconds, never backwards."""
        self._a_second = a_second
        self._at_once = at_once
        self._clock = clock
        self._left = float(at_once)
        self._at = clock()

    def seconds_until_next(self) -> int:
        """0, and one is taken; or whole seconds until there is one again, at least 1."""
        now = self._clock()
        self._left = min(self._at_once, self._left + (now - self._at) * self._a_second)
        self._at = now
        if self._left < 1:
            return math.ceil((1 - self._left) / self._a_second)
        self._left -= 1
        return 0

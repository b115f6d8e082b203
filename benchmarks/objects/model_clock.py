"""What of a process's time is its model's."""

import statistics
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from benchmarks.viewing.meter import WARM_UP_FRAMES

P = ParamSpec("P")
T = TypeVar("T")


class ModelClock:
    """Takes the processor time of a model's calls, on the thread that calls it: all of it, with one compute thread."""

    def __init__(self) -> None:
        self._seconds: list[float] = []

    def timed(self, model: Callable[P, T]) -> Callable[P, T]:
        """The model, watched; called once a frame."""

        def call(*arguments: P.args, **keywords: P.kwargs) -> T:
            before = time.thread_time()
            answer = model(*arguments, **keywords)
            self._seconds.append(time.thread_time() - before)
            return answer

        return call

    def cpu_ms(self) -> float:
        """Of a call, the mean of those for the frames that a `Meter` counts."""
        return 1e3 * statistics.mean(self._seconds[WARM_UP_FRAMES:])

"""What a loop's time goes into, and how old its frames become."""

import gc
import os
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.loops.loop_figures import Figures, Task
from benchmarks.shared.process_figures import process_figures

WARM_UP_FRAMES = 10


class Stopwatch:
    """Measures one task: the whole process's time, the model's, and the age of frames."""

    def __init__(self, task: Task) -> None:
        self._traced = task.traced
        self._interval = 1 / task.fps if task.fps else 0.0
        self._ages: list[float] = []
        self._allowed: list[float] = []
        self._model_cpu = self._inference = 0.0
        self._peaks: list[int] = []
        self._left = task.frames + WARM_UP_FRAMES
        self._frames = task.frames
        self.done = False
        # Now, for it takes as long as several frames: with the camera running, they would be those that are dropped.
        gc.collect()

    def timed(self, model: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """The model, its processor time taken on the thread that calls it: all of it, with one compute thread."""

        def call(argument: Any) -> Any:
            started, before = time.monotonic(), time.thread_time()
            answer = model(argument)
            self._model_cpu += time.thread_time() - before
            self._inference = time.monotonic() - started
            return answer

        return call

    def frame(self, captured_at: float) -> None:
        """A frame is finished."""
        self._left -= 1
        if self._left == self._frames:
            self._begin()
        elif self._left < self._frames:
            self._ages.append(time.monotonic() - captured_at)
            self._allowed.append(self._interval + self._inference)
            if self._traced:
                self._peaks.append(tracemalloc.get_traced_memory()[1] - self._base)
                self._watch()
        if self._left == 0:
            self._wall = time.perf_counter() - self._wall_started
            self._cpu = time.process_time() - self._cpu_started
            self.done = True

    def figures(self, captured: int, dropped: dict[str, int]) -> Figures:
        """The result."""
        ages = np.array(self._ages) * 1000
        cpu_ms, model_ms = self._cpu * 1000 / self._frames, self._model_cpu * 1000 / self._frames
        return Figures(
            fps=self._frames / self._wall,
            cpu_ms=cpu_ms,
            model_cpu_ms=model_ms,
            other_cpu_ms=cpu_ms - model_ms,
            age_ms_p50=float(np.percentile(ages, 50)),
            age_ms_p99=float(np.percentile(ages, 99)),
            age_p99_over_interval_and_inference=float(np.percentile(np.divide(self._ages, self._allowed), 99)),
            captured=captured,
            dropped=dropped,
            rss_mb=process_figures(os.getpid()).rss_mb,
            allocated_kb=float(np.median(self._peaks)) / 1024 if self._peaks else 0.0,
        )

    def _begin(self) -> None:
        self._model_cpu = 0.0
        if self._traced:
            self._watch()
        self._wall_started, self._cpu_started = time.perf_counter(), time.process_time()

    def _watch(self) -> None:
        tracemalloc.reset_peak()
        self._base = tracemalloc.get_traced_memory()[0]

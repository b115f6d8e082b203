"""What a site's frames cost, and how old they become."""

import os
import time
from pathlib import Path

import numpy as np

from benchmarks.shared.process_figures import process_figures
from benchmarks.viewing.case import SiteFigures

WARM_UP_FRAMES = 20


class Meter:
    """Measures one process for so many seconds, once it has warmed up."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._left = WARM_UP_FRAMES
        self._ages: list[float] = []
        self.done = False

    def frame(self, captured_at: float) -> None:
        """A frame's turn is over; called by the thread that runs the model."""
        now = time.monotonic()
        if self._left:
            self._left -= 1
            self._began, self._cpu_began, self._loop_began = now, time.process_time(), time.thread_time()
        elif not self.done:
            self._ages.append(now - captured_at)
            self._ended, self._cpu_ended, self._loop_ended = now, time.process_time(), time.thread_time()
            self.done = now >= self._began + self._seconds

    def figures(self) -> SiteFigures:
        """The result."""
        ages = 1e3 * np.array(self._ages)
        return SiteFigures(
            began=self._began,
            ended=self._ended,
            fps=len(ages) / (self._ended - self._began),
            age_ms_p50=float(np.percentile(ages, 50)),
            age_ms_p99=float(np.percentile(ages, 99)),
            cpu_ms=1e3 * (self._cpu_ended - self._cpu_began) / len(ages),
            loop_cpu_ms=1e3 * (self._loop_ended - self._loop_began) / len(ages),
            rss_mb=process_figures(os.getpid()).rss_mb,
            peak_rss_mb=_peak_rss_mb(),
        )


def _peak_rss_mb() -> float:
    """Of this program; what getrusage(2) tells may be its parent's, from before it was started."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise LookupError("/proc/self/status has no VmHWM")

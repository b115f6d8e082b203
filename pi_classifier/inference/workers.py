"""Several models at once: a thread for each.

Threads with a model of one compute thread each give more than one model of several, and need far less memory than
processes: the runtimes leave Python's lock while they compute.
"""

import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from queue import SimpleQueue
from typing import Any, NamedTuple

from pi_classifier.contracts.executor import Finished
from pi_classifier.contracts.job import Tensor
from pi_classifier.contracts.model import Predictor
from pi_classifier.errors import InferenceThreadDied

HUNG_SECONDS = 15.0
"""An inference that takes longer hangs: the slowest model needs a second on a Raspberry Pi."""
STOP_SECONDS = 0.5


class Workers:
    """A thread for each predictor. An `Executor`."""

    waits = False

    def __init__(self, predictors: Sequence[Predictor], work_available: threading.Event) -> None:
        """`work_available`: wakes the inference loop when something is done."""
        self._done: deque[_Done] = deque()
        self._workers = [
            _Worker(predictor, f"inference-{number}", self._done, work_available)
            for number, predictor in enumerate(predictors)
        ]
        self._free = deque(self._workers)

    def start(self) -> None:
        """Start the threads."""
        for worker in self._workers:
            worker.start()

    def stop(self) -> None:
        """End them; one that is still computing is waited for, but not for long."""
        until = time.monotonic() + STOP_SECONDS
        for worker in self._workers:
            worker.end()
        for worker in self._workers:
            worker.join(max(0.0, until - time.monotonic()))

    def healthy(self, now: float) -> bool:
        """Whether no thread hangs, however well the others do."""
        return all(worker.healthy(now) for worker in self._workers)

    @property
    def free(self) -> bool:
        """Whether a thread has nothing to do."""
        return bool(self._free)

    def begin(self, tensor: Tensor, context: Any) -> None:
        """Give it to the thread that has been free for longest."""
        self._free.popleft().begin(tensor, context)

    def finished(self) -> Iterator[Finished]:
        """What the threads have done."""
        while self._done:
            done = self._done.popleft()
            yield done.finished
            done.worker.free_since = time.perf_counter()
            self._free.append(done.worker)
        if any(worker.died for worker in self._workers):
            raise InferenceThreadDied("an inference ended on the error above", remedy="please report it")


class _Done(NamedTuple):
    worker: "_Worker"
    finished: Finished


class _Worker:
    """One thread with its predictor."""

    def __init__(self, predictor: Predictor, name: str, done: deque[_Done], work_available: threading.Event) -> None:
        self._predictor = predictor
        self._given: SimpleQueue[tuple[Tensor, Any] | None] = SimpleQueue()
        self._done = done
        self._work_available = work_available
        self._busy_since: float | None = None
        self._has_ended = False
        self.free_since = time.perf_counter()
        # A daemon thread: one that hangs must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self.free_since = time.perf_counter()
        self._thread.start()

    def end(self) -> None:
        self._given.put(None)

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)

    @property
    def died(self) -> bool:
        return not self._thread.is_alive() and not self._has_ended

    def healthy(self, now: float) -> bool:
        since = self._busy_since
        return not self.died and (since is None or now - since < HUNG_SECONDS)

    def begin(self, tensor: Tensor, context: Any) -> None:
        self._busy_since = time.monotonic()
        self._given.put((tensor, context))

    def _run(self) -> None:
        try:
            while given := self._given.get():
                tensor, context = given
                started = time.perf_counter()
                outputs = self._predictor.infer(tensor)
                ended = time.perf_counter()
                finished = Finished(context, self._predictor, outputs, started - self.free_since, ended - started)
                self._busy_since = None
                self._done.append(_Done(self, finished))
                self._work_available.set()
            self._has_ended = True
        finally:
            self._work_available.set()

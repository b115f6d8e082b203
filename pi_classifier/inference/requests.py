"""What others than cameras want classified: a short queue, emptied by the inference loop, one request a turn."""

import queue
import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING

from pi_classifier.contracts.job import Tensor
from pi_classifier.contracts.prediction import Result
from pi_classifier.contracts.request import Answer

if TYPE_CHECKING:
    # Not imported for a classifier.
    from pi_classifier.contracts.detection import Geometry

WAITING = 4
"""Requests at most that wait: more would only wait longer."""


class Requests:
    """A `RequestSource`. Anybody may ask, from any thread."""

    def __init__(self, work_available: threading.Event) -> None:
        """`work_available`: wakes the inference loop."""
        self._waiting: queue.Queue[_Asked] = queue.Queue(WAITING)
        self._work_available = work_available

    def ask(self, tensor: Tensor, geometry: "Geometry | None" = None) -> Future[Answer] | None:
        """Have a tensor run, which must not be changed until then; None if too many wait already.

        `geometry`: what the pre-processor gave with it. A cancelled one is not classified, unless its turn has come.
        """
        asked = _Asked(tensor, geometry)
        try:
            self._waiting.put_nowait(asked)
        except queue.Full:
            return None
        self._work_available.set()
        return asked.reply

    def take(self) -> "_Asked | None":
        """The oldest request that waits; None if there is none."""
        try:
            asked = self._waiting.get_nowait()
        except queue.Empty:
            return None
        if not self._waiting.empty():
            # One a turn: the next turn comes at once, and looks at the cameras first.
            self._work_available.set()
        return asked


class _Asked:
    """A `Request`."""

    def __init__(self, tensor: Tensor, geometry: "Geometry | None") -> None:
        self.tensor = tensor
        self.geometry = geometry
        self.reply: Future[Answer] = Future()
        self._asked_at = time.monotonic()
        self._queue_seconds = 0.0

    def begin(self) -> bool:
        self._queue_seconds = time.monotonic() - self._asked_at
        return self.reply.set_running_or_notify_cancel()

    def answer(self, result: Result, inference_seconds: float) -> None:
        own = result._replace(probabilities=result.probabilities.copy())
        self.reply.set_result(Answer(own, self._queue_seconds, inference_seconds))

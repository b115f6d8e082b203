"""What others than cameras want classified: a short queue, emptied by the inference loop, one request a turn."""

import queue
import threading
import time
from concurrent.futures import Future

from pi_classifier.contracts.job import Tensor
from pi_classifier.contracts.request import Answer, Request

WAITING = 4
"""Requests at most that wait: more would only wait longer."""


class Requests:
    """A `RequestSource`. Anybody may ask, from any thread."""

    def __init__(self, work_available: threading.Event) -> None:
        """`work_available`: wakes the inference loop."""
        self._waiting: queue.Queue[Request] = queue.Queue(WAITING)
        self._work_available = work_available

    def ask(self, tensor: Tensor) -> Future[Answer] | None:
        """Have a tensor classified, which must not be changed until then; None if too many wait already.

        A cancelled one is not classified, unless its turn has come.
        """
        answer: Future[Answer] = Future()
        request = Request(tensor, answer, time.monotonic())
        try:
            self._waiting.put_nowait(request)
        except queue.Full:
            return None
        self._work_available.set()
        return answer

    def take(self) -> Request | None:
        """The oldest request that waits; None if there is none."""
        try:
            request = self._waiting.get_nowait()
        except queue.Empty:
            return None
        if not self._waiting.empty():
            # One a turn: the next turn comes at once, and looks at the cameras first.
            self._work_available.set()
        return request

"""One camera's newest frame, in memory that several processes share."""

from multiprocessing.context import BaseContext
from multiprocessing.shared_memory import SharedMemory

import numpy as np

from pi_classifier.contracts.frame import Pixels


class NewestFrame:
    """Written by one process; each frame is taken by one of the others, unless a newer one came before."""

    def __init__(self, context: BaseContext, width: int, height: int) -> None:
        """By whoever starts the processes, which are given it."""
        self._memory = SharedMemory(create=True, size=height * width * 3)
        self._shape = (height, width, 3)
        self._news = context.Condition()
        self._written = context.Value("Q", 0, lock=False)
        self._taken = context.Value("Q", 0, lock=False)

    def write(self, pixels: Pixels) -> None:
        """uint8, height x width x 3, BGR; wakes one who waits."""
        with self._news:
            np.copyto(self._pixels(), pixels)
            self._written.value += 1
            self._news.notify()

    def take(self, pixels: Pixels) -> None:
        """Wait for a frame that nobody has, and copy it."""
        with self._news:
            self._news.wait_for(lambda: self._written.value > self._taken.value)
            self._taken.value = self._written.value
            np.copyto(pixels, self._pixels())

    def close(self) -> None:
        """By whoever made it, when the processes have ended."""
        self._memory.close()
        self._memory.unlink()

    def _pixels(self) -> Pixels:
        """Each process's own view of the memory."""
        return np.ndarray(self._shape, np.uint8, self._memory.buf)

"""A camera that every loop reads alike, and the pictures that it shows."""

import threading
import time
from collections import deque
from pathlib import Path

import cv2
import numpy as np

from benchmarks.shared.photographs import SIZE
from pi_classifier.contracts.frame import Pixels
from pi_classifier.runtimes.preprocess import centre_crop

DRIVER_BUFFERS = 4
"""What a V4L2 driver usually has: a reader that is too slow reads what has waited in all of them."""


class Camera:
    """Shows pictures at a rate, through a driver's ring of buffers, oldest first."""

    def __init__(self, pictures: list[Pixels], fps: float) -> None:
        self._pictures = pictures
        self._interval = 1 / fps if fps else 0.0
        self._started: float | None = None
        self._filled: deque[tuple[int, float]] = deque()
        self._next = 0
        self._wait = threading.Event().wait
        self.overrun = 0
        """Frames that the driver had no buffer for."""

    def read(self) -> tuple[float, Pixels]:
        """The oldest filled buffer: when it was captured, seconds of `time.monotonic()`, and its pixels."""
        if not self._interval:
            self._next += 1
            return time.monotonic(), self._pictures[self._next % len(self._pictures)]
        # A camera streams from when it is first read, or the first reader would find its buffers full of old frames.
        if self._started is None:
            self._started = time.monotonic()
        self._fill(self._started)
        while not self._filled:
            self._wait(max(0.0, self._started + self._next * self._interval - time.monotonic()))
            self._fill(self._started)
        number, captured_at = self._filled.popleft()
        return captured_at, self._pictures[number % len(self._pictures)]

    def _fill(self, started: float) -> None:
        while (captured_at := started + self._next * self._interval) <= time.monotonic():
            if len(self._filled) < DRIVER_BUFFERS:
                self._filled.append((self._next, captured_at))
            else:
                self.overrun += 1
            self._next += 1


def pictures(folder: Path | None) -> list[Pixels]:
    """224 x 224 pictures: the middle of a folder's JPEGs, or noise."""
    files = sorted(folder.glob("*.jpg"))[:32] if folder else []
    if not files:
        random = np.random.default_rng(0)
        return [random.integers(0, 256, (SIZE, SIZE, 3), np.uint8) for _ in range(8)]
    return [np.ascontiguousarray(centre_crop(np.asarray(cv2.imread(str(file)), np.uint8), SIZE)) for file in files]

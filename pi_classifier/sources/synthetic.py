"""A moving test pattern, for a machine without a camera."""

import itertools
import time
from collections.abc import Generator

import numpy as np

from pi_classifier.contracts.frame import Frame, Pixels


class Synthetic:
    """Colour gradients that drift by two pixels a frame, so that no two frames in a row are alike."""

    def __init__(self, camera: str, *, width: int, height: int, fps: float) -> None:
        self.pace_fps: float | None = fps
        self._camera = camera
        self._width = width
        self._pattern = _pattern(width, height)
        self._pixels = np.empty((height, width, 3), np.uint8)
        self._numbers = itertools.count()

    def __str__(self) -> str:
        height, width = self._pixels.shape[:2]
        return f"synthetic pattern, {width}x{height} at {self.pace_fps:g} fps"

    def frames(self) -> Generator[Frame, None, None]:
        """Frames without end."""
        for number in self._numbers:
            start = 2 * number % self._width
            np.copyto(self._pixels, self._pattern[:, start : start + self._width])
            yield Frame(self._camera, number, time.monotonic(), self._pixels)


def _pattern(width: int, height: int) -> Pixels:
    """uint8, height x 2 width x 3: blue rises to the right, green downwards, red along the diagonal; seamless."""
    across = np.abs(np.linspace(-255, 255, width))
    down = np.linspace(0, 255, height)
    blue = np.broadcast_to(across, (height, width))
    green = np.broadcast_to(down[:, None], (height, width))
    picture = np.stack([blue, green, (blue + green) / 2], axis=2).astype(np.uint8)
    return np.concatenate([picture, picture], axis=1)

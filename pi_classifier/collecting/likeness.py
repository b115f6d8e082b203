"""Which pictures are practically the same one: a camera that stands still takes the same picture again and again.

Features of the network do not tell. Of a scene in which nothing moves they have a cosine of 0.95 to 0.98 half a second
apart, as much as with an object that is slowly turned, for int8 features repeat the noise; and they cost 20 ms a
picture and a prepared model. The pixels tell at once: scaled down, the noise averages out, and what moves stays.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from pi_classifier.contracts.frame import Pixels

SIDE = 16
"""Cells of the scaled picture in each direction: of 224 pixels one is the mean of 196, with the noise of a level."""
LEAST_CHANGE = 8.0
"""Levels of grey, of 255, by which at least one cell changes in another picture. Half a second apart in real videos:
1 to 4 where nothing moves, 12 to 18 where something does, from 30 on where all is different."""


class Likeness:
    """Remembers pictures, and tells those that are practically one of them."""

    def __init__(self) -> None:
        self._seen: list[NDArray[np.float32]] = []

    def is_new(self, pixels: Pixels) -> bool:
        """Whether a picture is like none before; then it is remembered. `pixels`: uint8, height x width x 3, BGR."""
        grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
        cells = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
        if self._seen and float(np.abs(np.stack(self._seen) - cells).max(axis=(1, 2)).min()) < LEAST_CHANGE:
            return False
        self._seen.append(cells)
        return True

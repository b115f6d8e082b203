"""Pixels to the model's quantised input, bit for bit what the reference transform gives, by one table look-up.

ToTensor, Normalize and quantisation map each of the 256 values of a channel to one stored value, whatever its
neighbours are. So they are done once, for 3 x 256 values, and each frame only looks its bytes up: no float is touched
while frames come in. This module knows no torch: the model brings its table along.
"""

import cv2
import numpy as np

from pi_classifier.contracts.frame import Pixels


class Preprocessor:
    """Fills the model's input from BGR pixels of any size. One per thread: it owns its scratch buffers."""

    def __init__(self, table: Pixels, size: int) -> None:
        """`table`: the stored byte for every byte of R, G and B, uint8, shape (1, 256, 3). `size`: of the input."""
        self._size = size
        self._table = table
        self._scaled = np.empty((self._size, self._size, 3), np.uint8)
        self._rgb = np.empty_like(self._scaled)

    def __call__(self, pixels: Pixels, out: Pixels) -> None:
        """A camera's frame: the largest centred crop of the model's aspect, scaled to the model's size.

        Args:
            pixels: uint8, height x width x 3, BGR.
            out: the model's input to fill, uint8, size x size x 3, quantised RGB.
        """
        if pixels.shape[:2] != (self._size, self._size):
            pixels = self._scale(centre_crop(pixels, min(pixels.shape[:2])))
        cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB, dst=self._rgb)
        cv2.LUT(self._rgb, self._table, dst=out)

    def _scale(self, pixels: Pixels) -> Pixels:
        # Bilinear at any factor: averaging costs several times as much and names no more photographs rightly
        # (benchmarks/scaling.py).
        cv2.resize(pixels, (self._size, self._size), dst=self._scaled, interpolation=cv2.INTER_LINEAR)
        return self._scaled


def centre_crop(pixels: Pixels, size: int) -> Pixels:
    """The size x size pixels in the middle, a view; offsets rounded as torchvision's center_crop rounds them."""
    height, width = pixels.shape[:2]
    top, left = round((height - size) / 2), round((width - size) / 2)
    return pixels[top : top + size, left : left + size]

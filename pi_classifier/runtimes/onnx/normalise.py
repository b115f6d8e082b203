"""A camera's frame to a float input, bit for bit as torchvision's ToTensor and Normalize have it, by tables."""

import cv2
import numpy as np
from numpy.typing import NDArray

from pi_classifier.contracts.frame import Pixels
from pi_classifier.contracts.job import Tensor
from pi_classifier.runtimes.onnx.pictures import CHANNELS
from pi_classifier.runtimes.preprocess import Preprocessor, centre_crop

Three = tuple[float, float, float]


class Normaliser(Preprocessor):
    """Fills a model's float input from BGR pixels of any size. One per thread: it owns its scratch buffers.

    As for quantised inputs each value depends on one byte alone, so that tables hold all that torchvision's ToTensor
    and Normalize can give, to the bit.
    """

    def __init__(self, mean: Three, std: Three, size: int, *, channels_last: bool) -> None:
        """`mean`, `std`: of RGB values in [0, 1]. `size`: height and width of the input."""
        table = normalised(mean, std)
        super().__init__(np.zeros((1, 256, CHANNELS), np.uint8), size)
        self._channels_last = channels_last
        self._interleaved = np.ascontiguousarray(table[None])
        self._tables = [np.ascontiguousarray(table[:, channel]) for channel in range(CHANNELS)]
        self._planes = [np.empty((size, size), np.uint8) for _ in range(CHANNELS)]
        """R, G, B."""

    def __call__(self, pixels: Pixels, out: Tensor) -> None:
        """A camera's frame: the largest centred crop of the model's aspect, scaled to the model's size.

        Args:
            pixels: uint8, height x width x 3, BGR.
            out: the model's input to fill: float32, 1 x 3 x size x size, or 1 x size x size x 3; RGB, normalised.
        """
        if pixels.shape[:2] != (self._size, self._size):
            pixels = self._scale(centre_crop(pixels, min(pixels.shape[:2])))
        if self._channels_last:
            cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB, dst=self._rgb)
            cv2.LUT(self._rgb, self._interleaved, dst=out[0])
            return
        cv2.split(pixels, self._planes[::-1])
        for plane, table, channel in zip(self._planes, self._tables, out[0], strict=True):
            cv2.LUT(plane, table, dst=channel)


def normalised(mean: Three, std: Three) -> NDArray[np.float32]:
    """What ToTensor and Normalize make of every byte of R, G and B: float32, shape (256, 3)."""
    values = np.arange(256, dtype=np.float32)[:, None] / np.float32(255)
    table: NDArray[np.float32] = np.subtract(values, mean, dtype=np.float32)
    table /= np.array(std, np.float32)
    return table

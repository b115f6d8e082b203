"""A camera's frame to a detector's input: scaled, padded, its bytes looked up in a table; and where it lies there."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import DTypeLike

from pi_classifier.contracts.detection import Geometry
from pi_classifier.contracts.frame import Pixels
from pi_classifier.contracts.job import Tensor
from pi_classifier.detection.geometry import Placement, Size, fitted, scaled_size

CHANNELS = 3
Three = tuple[float, float, float]


class PictureFormat(NamedTuple):
    """How a kind of detector wants its picture: value = (byte - mean) / std, by channel."""

    bgr: bool
    """Whether its channels are blue, green, red and not red, green, blue."""
    mean: Three
    """Of bytes, 0 to 255, in the order of the channels."""
    std: Three
    placement: Placement
    pad: int = 114
    """The byte beside the picture."""


class InputLayout(NamedTuple):
    """How a model's input lies in memory."""

    size: Size
    channels_last: bool
    """Whether its shape is 1 x height x width x 3, and not 1 x 3 x height x width."""
    dtype: DTypeLike = np.float32

    def new_tensor(self) -> Tensor:
        """Memory for one input."""
        height, width = self.size
        return np.zeros(
            (1, height, width, CHANNELS) if self.channels_last else (1, CHANNELS, height, width), self.dtype
        )


class Letterbox:
    """Fills a detector's input from BGR pixels of any size. One per thread: it owns its scratch buffers."""

    def __init__(self, wanted: PictureFormat, layout: InputLayout, camera: str = "") -> None:
        """`wanted`: by the model; `layout`: of its input; `camera`: whose frames they are."""
        self._wanted, self._layout, self._camera = wanted, layout, camera
        mean, std = np.array(wanted.mean, np.float32), np.array(wanted.std, np.float32)
        values = (np.arange(256, dtype=np.float32)[:, None] - mean) / std
        table = values.astype(layout.dtype)
        self._interleaved = np.ascontiguousarray(table[None])
        self._tables = [np.ascontiguousarray(table[:, channel]) for channel in range(CHANNELS)]
        self._canvas = np.empty((*layout.size, CHANNELS), np.uint8)
        self._ordered = np.empty_like(self._canvas)
        self._planes = [np.empty(layout.size, np.uint8) for _ in range(CHANNELS)]
        """In the order of the model's channels."""
        self._geometry: Geometry | None = None
        """Of the last frame: what is beside the picture stays until another size comes."""

    def __call__(self, pixels: Pixels, out: Tensor) -> Geometry:
        """A frame, whole.

        Args:
            pixels: uint8, height x width x 3, BGR.
            out: the model's input to fill, as its layout has it.

        Returns:
            Where the frame lies in it.
        """
        geometry = self._geometry
        if geometry is None or pixels.shape[:2] != (geometry.height, geometry.width):
            fitting = fitted(Size(*pixels.shape[:2]), self._layout.size, self._wanted.placement)
            geometry = self._geometry = fitting._replace(camera=self._camera)
            self._canvas[:] = self._wanted.pad
        height, width = scaled_size(geometry)
        place = self._canvas[geometry.top : geometry.top + height, geometry.left : geometry.left + width]
        if pixels.shape == place.shape:
            np.copyto(place, pixels)
        else:
            # Bilinear at any factor, as the models' authors have it.
            cv2.resize(pixels, (width, height), dst=place, interpolation=cv2.INTER_LINEAR)
        self._look_up(out)
        return geometry

    def _look_up(self, out: Tensor) -> None:
        if self._layout.channels_last:
            ordered = self._canvas if self._wanted.bgr else cv2.cvtColor(self._canvas, cv2.COLOR_BGR2RGB, self._ordered)
            cv2.LUT(ordered, self._interleaved, dst=out[0])
            return
        cv2.split(self._canvas, self._planes if self._wanted.bgr else self._planes[::-1])
        for plane, table, channel in zip(self._planes, self._tables, out[0], strict=True):
            cv2.LUT(plane, table, dst=channel)

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
        self._bytes_stay = np.array_equal(table, np.broadcast_to(np.arange(256)[:, None], table.shape))
        """Whether each byte's value is the byte itself: then copying is cheaper than looking up."""
        self._fit(layout.size)

    def __call__(self, pixels: Pixels, out: Tensor) -> Geometry:
        """A frame, whole.

        Args:
            pixels: uint8, height x width x 3, BGR.
            out: the model's input to fill, as its layout has it.

        Returns:
            Where the frame lies in it.
        """
        if pixels.shape[:2] != (self._geometry.height, self._geometry.width):
            self._fit(Size(*pixels.shape[:2]))
        if pixels.shape != self._scaled.shape:
            # Bilinear at any factor, as the models' authors have it.
            height, width, _ = self._scaled.shape
            cv2.resize(pixels, (width, height), dst=self._scaled, interpolation=cv2.INTER_LINEAR)
            pixels = self._scaled
        self._look_up(pixels, out[0])
        return self._geometry

    def _fit(self, picture: Size) -> None:
        """Prepare for frames of this size."""
        geometry = fitted(picture, self._layout.size, self._wanted.placement)
        self._geometry = geometry._replace(camera=self._camera)
        height, width = scaled_size(geometry)
        rows, columns = slice(geometry.top, geometry.top + height), slice(geometry.left, geometry.left + width)
        self._place = (rows, columns)
        self._beside = (
            (slice(rows.start), slice(None)),
            (slice(rows.stop, None), slice(None)),
            (rows, slice(columns.start)),
            (rows, slice(columns.stop, None)),
        )
        self._scaled = np.empty((height, width, CHANNELS), np.uint8)
        self._ordered = np.empty_like(self._scaled)
        self._planes = [np.empty((height, width), np.uint8) for _ in range(CHANNELS)]
        """In the order of the model's channels."""

    def _look_up(self, scaled: Pixels, out: Tensor) -> None:
        """A picture as the model has it. `out`: of the model's size, with what is beside the picture, too."""
        if self._layout.channels_last:
            ordered = scaled if self._wanted.bgr else cv2.cvtColor(scaled, cv2.COLOR_BGR2RGB, self._ordered)
            self._fill(out, np.asarray(ordered), self._interleaved, self._interleaved[0])
            return
        cv2.split(scaled, self._planes if self._wanted.bgr else self._planes[::-1])
        for channel, plane, table in zip(out, self._planes, self._tables, strict=True):
            self._fill(channel, plane, table, table)

    def _fill(self, out: Tensor, values: Pixels, table: Tensor, by_byte: Tensor) -> None:
        if self._bytes_stay:
            np.copyto(out[self._place], values)
        else:
            cv2.LUT(values, table, dst=out[self._place])
        for place in self._beside:
            out[place] = by_byte[self._wanted.pad]

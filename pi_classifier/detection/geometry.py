"""Where a picture lies in a model's input, exactly, and boxes from there back to the picture.

Coordinates count from outer edges, not from pixels' centres: a picture of width w reaches from 0 to w.
"""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pi_classifier.contracts.detection import Geometry

Placement = Literal["centred", "top-left", "stretched"]
"""Of a picture in an input of another shape: letterboxed, its padding around it or right and below; or not in shape."""
Boxes = NDArray[np.float32]
"""float32, shape (n, 4): left, top, right, bottom."""


class Size(NamedTuple):
    """Of a picture or an input, in pixels."""

    height: int
    width: int


CAMERA_SIZES = tuple(
    Size(height, width)
    for width, height in ((160, 120), (320, 240), (640, 480), (1280, 720), (1920, 1080), (2592, 1944))
)
"""That most cameras have, from small to large."""


def camera_size(given: Size, placement: Placement) -> Size:
    """The smallest usual size of a camera's picture that is not enlarged for an input of the size `given`."""
    for size in CAMERA_SIZES:
        geometry = fitted(size, given, placement)
        if geometry.scale_x <= 1 and geometry.scale_y <= 1:
            return size
    return CAMERA_SIZES[-1]


def fitted(picture: Size, given: Size, placement: Placement) -> Geometry:
    """Where a picture lies in an input of the size `given`.

    It is scaled to whole pixels, as large as fits. Each side has its own scale, what the rounding really gave: with one
    scale for both a box would come back askew by up to half a pixel of the input.
    """
    if placement == "stretched":
        return Geometry(given.width / picture.width, given.height / picture.height, 0, 0, picture.width, picture.height)
    scale = min(given.height / picture.height, given.width / picture.width)
    width, height = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    left, top = ((given.width - width) // 2, (given.height - height) // 2) if placement == "centred" else (0, 0)
    return Geometry(width / picture.width, height / picture.height, left, top, picture.width, picture.height)


def scaled_size(geometry: Geometry) -> Size:
    """What the picture measures in the input."""
    return Size(round(geometry.height * geometry.scale_y), round(geometry.width * geometry.scale_x))


def to_picture(boxes: Boxes, geometry: Geometry) -> Boxes:
    """Boxes in pixels of the input to pixels of the picture, cut at its edges; those outside it become empty."""
    offset = np.array([geometry.left, geometry.top] * 2, np.float32)
    scale = np.array([geometry.scale_x, geometry.scale_y] * 2, np.float32)
    edges = np.array([geometry.width, geometry.height] * 2, np.float32)
    placed: Boxes = np.clip((boxes - offset) / scale, 0, edges)
    return placed

"""What a usual loop does by hand before its model and after it, as a tutorial for one kind of model has it."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from pi_classifier.contracts.frame import Pixels
from pi_classifier.detection.geometry import Size

Outputs = Sequence[NDArray[np.float32]]
"""A model's."""


class Prepared(NamedTuple):
    """A frame as its model wants it."""

    tensor: NDArray[np.float32]
    """Shape (1, 3, height, width)."""
    ratio: float
    """Pixels of the input for one of the frame."""
    left: int
    top: int
    """Pixels of padding."""


class Found(NamedTuple):
    """One object."""

    class_id: int
    score: float
    left: int
    top: int
    right: int
    bottom: int
    """In pixels of the frame."""


class Steps(Protocol):
    """The module of a kind of model."""

    def prepared(self, frame: Pixels, size: Size) -> Prepared:
        """What the model gets. `frame`: BGR. `size`: of its input."""

    def found(self, outputs: Outputs, prepared: Prepared, size: Size) -> Sequence[Found]:
        """What its outputs tell of."""


def corners(boxes: NDArray[np.float32]) -> NDArray[Any]:
    """Boxes of centre, width and height as left, top, right, bottom: shape (n, 4)."""
    half = boxes[:, 2:4] / 2
    return np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], 1)

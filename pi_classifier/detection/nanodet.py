"""NanoDet: https://github.com/opencv/opencv_zoo/tree/main/models/object_detection_nanodet."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pi_classifier.detection.decoding import Grid, Outputs, Shapes, chosen, levels
from pi_classifier.detection.geometry import Size
from pi_classifier.detection.letterbox import PictureFormat
from pi_classifier.detection.suppression import Candidates

BINS = 8
"""Of the distribution of each distance, in strides."""


@dataclass(frozen=True, slots=True, eq=False)
class NanoDet:
    """Two outputs a level: scores, 1 x cells x classes, and distances from cells' centres to sides, 1 x cells x 32.

    In which order they come differs, and their names mislead: shapes tell them apart.
    """

    name: ClassVar[str] = "nanodet"
    picture: ClassVar[PictureFormat] = PictureFormat(
        bgr=True, mean=(103.53, 116.28, 123.675), std=(57.375, 57.12, 58.395), placement="centred", pad=0
    )
    suppressed: ClassVar[bool] = False
    rows_vary: ClassVar[bool] = False
    background: ClassVar[bool] = False
    classes: int
    grid: Grid
    scores: tuple[int, ...]
    """Which outputs are scores, level by level."""
    distances: tuple[int, ...]

    @classmethod
    def of(cls, shapes: Shapes, size: Size, *, certain: bool) -> "NanoDet | None":  # noqa: ARG003 - a `Kind`
        """A `Kind`; None, too, where there are as many classes as distances, so that nothing tells them apart."""
        widths = {shape[2] for shape in shapes if len(shape) == 3}
        if len(widths) != 2 or 4 * BINS not in widths:
            return None
        (classes,) = widths - {4 * BINS}
        counts = [height * width for height, width in levels(size)]
        wanted = [(1, count, width) for width in (classes, 4 * BINS) for count in counts]
        if sorted(shapes) != sorted(wanted) or len(set(counts)) < len(counts):
            return None
        found = [list(shapes).index(shape) for shape in wanted]
        return cls(classes, Grid.over(size), tuple(found[: len(counts)]), tuple(found[len(counts) :]))

    def candidates(self, outputs: Outputs, confidence: float) -> Candidates:
        """As the contract has it."""
        found = chosen(np.concatenate([outputs[index][0] for index in self.scores]), confidence)
        places, strides = self.grid.places[found.cells], self.grid.strides[found.cells]
        logits = np.concatenate([outputs[index][0] for index in self.distances])[found.cells]
        distances = _expected(logits) * strides
        # Of the cell's first and last pixel, not of its edges.
        centres = places * strides + np.float32(0.5) * (strides - 1)
        boxes = np.hstack([centres - distances[:, :2], centres + distances[:, 2:]])
        return Candidates(boxes, found.scores, found.class_ids)


def _expected(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the distributions give on average: shape (n, 32) to (n, 4), in strides."""
    bins = logits.reshape(-1, 4, BINS)
    weights = np.exp(bins - bins.max(axis=2, keepdims=True))
    expected: NDArray[np.float32] = weights @ np.arange(BINS, dtype=np.float32) / weights.sum(axis=2)
    return expected

"""YOLOX: https://github.com/Megvii-BaseDetection/YOLOX, `demo_postprocess`."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pi_classifier.detection.decoding import HIGHEST, Grid, Outputs, Shapes, cells, chosen, from_centres
from pi_classifier.detection.geometry import Size
from pi_classifier.detection.letterbox import PictureFormat
from pi_classifier.detection.suppression import Candidates


@dataclass(frozen=True, slots=True, eq=False)
class YoloX:
    """One output, 1 x cells x (5 + classes): centre, logarithms of width and height, all in cells; objectness, scores.

    Its pictures keep their bytes, 0 to 255.
    """

    name: ClassVar[str] = "yolox"
    picture: ClassVar[PictureFormat] = PictureFormat(bgr=True, mean=(0, 0, 0), std=(1, 1, 1), placement="top-left")
    suppressed: ClassVar[bool] = False
    rows_vary: ClassVar[bool] = False
    background: ClassVar[bool] = False
    classes: int
    grid: Grid

    @classmethod
    def of(cls, shapes: Shapes, size: Size, *, certain: bool) -> "YoloX | None":  # noqa: ARG003 - a `Kind`
        """A `Kind`."""
        fits = len(shapes) == 1 and len(shapes[0]) == 3 and shapes[0][:2] == (1, cells(size)) and shapes[0][2] > 5
        return cls(shapes[0][2] - 5, Grid.over(size)) if fits else None

    def candidates(self, outputs: Outputs, confidence: float) -> Candidates:
        """As the contract has it."""
        (answer,) = outputs[0]
        # No score is more than its cell's objectness: most cells cannot count, whatever their classes.
        sure = np.flatnonzero(np.abs(answer[:, 4]) >= confidence / HIGHEST)
        found = chosen(answer[sure, 4:5] * answer[sure, 5:], confidence)
        where = sure[found.cells]
        places, strides = self.grid.places[where], self.grid.strides[where]
        boxes = answer[where, :4]
        placed = from_centres((boxes[:, :2] + places) * strides, np.exp(boxes[:, 2:]) * strides)
        return Candidates(placed, found.scores, found.class_ids)

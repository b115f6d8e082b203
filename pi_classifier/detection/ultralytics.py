"""Ultralytics' exports: the raw head, and the one that has chosen its boxes already."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pi_classifier.detection.decoding import Outputs, Shapes, cells, chosen, from_centres
from pi_classifier.detection.geometry import Size
from pi_classifier.detection.letterbox import PictureFormat
from pi_classifier.detection.suppression import Candidates

FORMAT = PictureFormat(bgr=False, mean=(0, 0, 0), std=(255, 255, 255), placement="centred")
MOST_CHOSEN = 1000
"""Boxes of an end-to-end model: exports have 300."""


@dataclass(frozen=True, slots=True)
class Raw:
    """One output, 1 x (4 + classes) x n: centre, width and height in pixels of the input, and scores of 0 to 1."""

    name: ClassVar[str] = "ultralytics"
    picture: ClassVar[PictureFormat] = FORMAT
    suppressed: ClassVar[bool] = False
    rows_vary: ClassVar[bool] = False
    background: ClassVar[bool] = False
    classes: int

    @classmethod
    def of(cls, shapes: Shapes, size: Size, *, certain: bool) -> "Raw | None":
        """A `Kind`."""
        if len(shapes) != 1 or len(shapes[0]) != 3:
            return None
        batch, rows, count = shapes[0]
        fits = batch == 1 and 4 < rows < count and (certain or count == cells(size))
        return cls(rows - 4) if fits else None

    def candidates(self, outputs: Outputs, confidence: float) -> Candidates:
        """As the contract has it."""
        (answer,) = outputs[0]
        found = chosen(answer[4:].T, confidence)
        boxes = answer[:4, found.cells].T
        return Candidates(from_centres(boxes[:, :2], boxes[:, 2:]), found.scores, found.class_ids)


@dataclass(frozen=True, slots=True)
class EndToEnd:
    """One output, 1 x n x 6: left, top, right, bottom in pixels of the input, score, class; what is not used is 0."""

    name: ClassVar[str] = "end-to-end"
    picture: ClassVar[PictureFormat] = FORMAT
    suppressed: ClassVar[bool] = True
    rows_vary: ClassVar[bool] = False
    background: ClassVar[bool] = False
    classes: None = None

    @classmethod
    def of(cls, shapes: Shapes, size: Size, *, certain: bool) -> "EndToEnd | None":  # noqa: ARG003 - a `Kind`
        """A `Kind`."""
        fits = len(shapes) == 1 and len(shapes[0]) == 3 and shapes[0][0] == 1 and shapes[0][2] == 6
        return cls() if fits and (certain or shapes[0][1] <= MOST_CHOSEN) else None

    def candidates(self, outputs: Outputs, confidence: float) -> Candidates:
        """As the contract has it."""
        (answer,) = outputs[0]
        found = answer[(answer[:, 4] >= confidence) & np.isfinite(answer[:, 5])]
        return Candidates(found[:, :4], found[:, 4], found[:, 5].astype(np.int64))

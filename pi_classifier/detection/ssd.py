"""SSD, with the boxes chosen inside the model: as TensorFlow's tools end it, in TFLite and in ONNX, and as torchvision.

https://github.com/tensorflow/models/blob/master/research/object_detection/exporter.py and
https://github.com/pytorch/vision/blob/main/torchvision/models/detection/ssd.py.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pi_classifier.detection.decoding import Ends, Outputs
from pi_classifier.detection.geometry import Size
from pi_classifier.detection.letterbox import PictureFormat
from pi_classifier.detection.suppression import Candidates

BYTES = PictureFormat(bgr=False, mean=(0, 0, 0), std=(1, 1, 1), placement="stretched")
FLOATS = PictureFormat(bgr=False, mean=(127.5, 127.5, 127.5), std=(127.5, 127.5, 127.5), placement="stretched")
FRACTIONS = PictureFormat(bgr=False, mean=(0, 0, 0), std=(255, 255, 255), placement="stretched")
NAMES = ("detection_boxes", "detection_classes", "detection_scores", "num_detections")
"""Of the outputs of TensorFlow's Object Detection API, which converters keep; what follows a colon is a number."""


@dataclass(frozen=True, slots=True)
class SSD:
    """Four outputs: boxes 1 x n x 4, classes 1 x n, scores 1 x n, how many of them count; all float32.

    Boxes are top, left, bottom, right, 0 to 1 of the picture, and may leave it.
    """

    name: ClassVar[str] = "ssd"
    suppressed: ClassVar[bool] = True
    rows_vary: ClassVar[bool] = False
    size: Size
    picture: PictureFormat
    order: tuple[int, int, int, int] = (0, 1, 2, 3)
    """Where among the outputs each of the four is."""
    background: bool = False
    """Whether the class 0 is none: in ONNX, where TFLite's operator has left it out."""
    classes: None = None

    @classmethod
    def of(cls, ends: Ends) -> "SSD | None":
        """One in ONNX; None where the outputs are others, or do not have their names: shapes alone tell no order."""
        names = [name.partition(":")[0] for name in ends.names]
        if ends.taken != "uint8" or sorted(names) != sorted(NAMES) or set(ends.dtypes) != {"float32"}:
            return None
        order = (names.index(NAMES[0]), names.index(NAMES[1]), names.index(NAMES[2]), names.index(NAMES[3]))
        boxes, class_ids, scores, count = (ends.shapes[index] for index in order)
        fits = len(boxes) == 3 and boxes[::2] == (1, 4) and class_ids == scores == boxes[:2] and count in ((1,), ())
        return cls(ends.size, BYTES, order, background=True) if fits else None

    def candidates(self, outputs: Outputs, confidence: float) -> Candidates:
        """As the contract has it."""
        boxes, class_ids, scores = (outputs[index][0] for index in self.order[:3])
        counts = np.arange(len(scores)) < outputs[self.order[3]].flat[0]
        kept = np.flatnonzero(counts & (scores >= confidence) & np.isfinite(class_ids))
        height, width = self.size
        pixels = boxes[kept][:, [1, 0, 3, 2]] * np.array([width, height] * 2, np.float32)
        return Candidates(pixels, scores[kept], class_ids[kept].astype(np.int64) - self.background)


@dataclass(frozen=True, slots=True)
class Torchvision:
    """Three outputs, in whatever order: boxes n x 4, scores n, both float32, and classes n, int64; 0 is the background.

    Boxes are left, top, right, bottom in pixels of the input.
    """

    name: ClassVar[str] = "torchvision"
    picture: ClassVar[PictureFormat] = FRACTIONS
    suppressed: ClassVar[bool] = True
    rows_vary: ClassVar[bool] = True
    background: ClassVar[bool] = True
    classes: ClassVar[None] = None
    order: tuple[int, int, int]
    """Where among the outputs boxes, scores and classes are."""

    @classmethod
    def of(cls, ends: Ends) -> "Torchvision | None":
        """None where the outputs are others."""
        kinds = [(dtype, shape[1:]) for dtype, shape in zip(ends.dtypes, ends.shapes, strict=True)]
        wanted = [("float32", (4,)), ("float32", ()), ("int64", ())]
        counts = {shape[:1] for shape in ends.shapes}
        if ends.taken != "float32" or sorted(kinds) != sorted(wanted) or len(counts) != 1:
            return None
        return cls((kinds.index(wanted[0]), kinds.index(wanted[1]), kinds.index(wanted[2])))

    def candidates(self, outputs: Outputs, confidence: float) -> Candidates:
        """As the contract has it."""
        boxes, scores, class_ids = (outputs[index] for index in self.order)
        kept = np.flatnonzero(scores >= confidence)
        return Candidates(boxes[kept], scores[kept], class_ids[kept] - 1)

"""SSD in TFLite, with the operator `TFLite_Detection_PostProcess` at its end."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pi_classifier.detection.decoding import Outputs
from pi_classifier.detection.geometry import Size
from pi_classifier.detection.letterbox import PictureFormat
from pi_classifier.detection.suppression import Candidates

BYTES = PictureFormat(bgr=False, mean=(0, 0, 0), std=(1, 1, 1), placement="stretched")
FLOATS = PictureFormat(bgr=False, mean=(127.5, 127.5, 127.5), std=(127.5, 127.5, 127.5), placement="stretched")


@dataclass(frozen=True, slots=True)
class SSD:
    """The operator's outputs: boxes 1 x n x 4, classes 1 x n, scores 1 x n, how many of them count.

    Boxes are top, left, bottom, right, 0 to 1 of the picture, and may leave it.
    """

    name: ClassVar[str] = "ssd"
    suppressed: ClassVar[bool] = True
    size: Size
    picture: PictureFormat
    classes: None = None

    def candidates(self, outputs: Outputs, confidence: float) -> Candidates:
        """As the contract has it."""
        boxes, class_ids, scores = (output[0] for output in outputs[:3])
        counts = np.arange(len(scores)) < outputs[3].flat[0]
        kept = np.flatnonzero(counts & (scores >= confidence) & np.isfinite(class_ids))
        height, width = self.size
        pixels = boxes[kept][:, [1, 0, 3, 2]] * np.array([width, height] * 2, np.float32)
        return Candidates(pixels, scores[kept], class_ids[kept].astype(np.int64))

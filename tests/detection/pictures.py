"""Real detectors on annotated pictures, each step of the way exchangeable, so that mistakes can be made on purpose."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from pi_classifier.contracts.detection import Detection, Geometry
from pi_classifier.contracts.frame import Pixels
from pi_classifier.detection.decoding import Decoder, Outputs
from pi_classifier.detection.geometry import to_picture
from pi_classifier.detection.letterbox import Letterbox, PictureFormat
from pi_classifier.detection.limits import Limits
from pi_classifier.detection.onnx import load_onnx
from pi_classifier.detection.suppression import Candidates, best, suppressed
from tests.detection.files import labels_for

ALL = Limits(confidence=0.001, iou=0.65, max_detections=100)
"""What accuracy is measured with."""
Found = dict[int, tuple[Detection, ...]]


def read_pictures(paths: Mapping[int, Path]) -> dict[int, Pixels]:
    """BGR, by the picture's id."""
    return {number: cv2.imread(str(path)) for number, path in paths.items()}  # type: ignore[misc]


def _suppressed(candidates: Candidates, limits: Limits) -> Candidates:
    return best(suppressed(candidates, limits.iou), limits.max_detections)


@dataclass(frozen=True)
class Mistakes:
    """What may be done otherwise than by the detector."""

    picture: Callable[[PictureFormat], PictureFormat] = lambda wanted: wanted
    geometry: Callable[[Geometry], Geometry] = lambda geometry: geometry
    decoder: Callable[[Any], Decoder] = lambda decoder: decoder
    suppress: Callable[[Candidates, Limits], Candidates] = _suppressed


def found_with(mistakes: Mistakes, model_file: Path, pictures: Mapping[int, Pixels], limits: Limits = ALL) -> Found:
    """What an ONNX file finds in pictures with these steps; with none of them changed, as a `Detector`."""
    loaded = load_onnx(model_file, labels_for(model_file), "", 1)
    decoder = mistakes.decoder(loaded.decoder)
    letterbox = Letterbox(mistakes.picture(loaded.decoder.picture), loaded.layout)
    tensor, run = loaded.layout.new_tensor(), loaded.new_run()

    def find(pixels: Pixels) -> tuple[Detection, ...]:
        geometry = mistakes.geometry(letterbox(pixels, tensor))
        outputs: Outputs = run(tensor)
        kept = mistakes.suppress(decoder.candidates(outputs, limits.confidence), limits)
        rows = zip(to_picture(kept.boxes, geometry).tolist(), kept.scores, kept.class_ids, strict=True)
        return tuple(Detection(loaded.metadata.categories[n], int(n), float(s), tuple(box)) for box, s, n in rows)

    return {number: find(pixels) for number, pixels in pictures.items()}

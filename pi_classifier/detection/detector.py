"""A detector, loaded: frames in, detections out, as a `Model` does it with classes."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from pi_classifier.contracts.detection import Detection, DetectorMetadata, Geometry
from pi_classifier.contracts.frame import Pixels
from pi_classifier.contracts.job import Tensor
from pi_classifier.detection.decoding import Decoder, Outputs
from pi_classifier.detection.geometry import Size, camera_size, to_picture
from pi_classifier.detection.letterbox import InputLayout, Letterbox
from pi_classifier.detection.suppression import Candidates, Limits, best, suppressed

MOST_CLASSES = 1 << 16
"""Beyond it, a class is a damaged number."""
Run = Callable[[Tensor], Outputs]
"""Runs a model; new arrays at every call."""


class Loaded(NamedTuple):
    """A file and what is known of it, whatever runs it."""

    metadata: DetectorMetadata
    decoder: Decoder
    layout: InputLayout
    new_run: Callable[[], Run]
    """For one thread at a time; several may compute at once."""


class Detector:
    """Tensors, pre-processors and predictors are made once for each thread."""

    def __init__(self, loaded: Loaded, limits: Limits) -> None:
        """`limits`: what is worth telling."""
        self.metadata = loaded.metadata
        self._loaded, self._limits = loaded, limits

    @property
    def camera_size(self) -> Size:
        """What a camera is best asked for: its pictures fill the input, and no larger ones are scaled down."""
        return camera_size(self._loaded.layout.size, self._loaded.decoder.picture.placement)

    def new_tensor(self) -> Tensor:
        """Memory for one input, C-contiguous; dtype and shape are the model's own."""
        return self._loaded.layout.new_tensor()

    def new_preprocessor(self) -> Letterbox:
        """Fills a tensor from BGR pixels of any size, and tells where they lie in it; for one thread at a time."""
        return Letterbox(self._loaded.decoder.picture, self._loaded.layout)

    def new_predictor(self) -> "DetectionPredictor":
        """For one thread at a time; several compute at once."""
        return DetectionPredictor(self._loaded, self._limits)

    def new_finder(self) -> Callable[[Pixels], tuple[Detection, ...]]:
        """All in one, for one thread at a time: BGR pixels to the objects in them."""
        preprocess, predictor, tensor = self.new_preprocessor(), self.new_predictor(), self.new_tensor()

        def find(pixels: Pixels) -> tuple[Detection, ...]:
            geometry = preprocess(pixels, tensor)
            return predictor.decode(predictor.infer(tensor), geometry)

        return find


class DetectionPredictor:
    """One thread's way through the model: two steps, so that each can be timed."""

    def __init__(self, loaded: Loaded, limits: Limits) -> None:
        """As those of the `Detector`."""
        self._decoder, self._labels, self._limits = loaded.decoder, loaded.metadata.labels, limits
        self._run = loaded.new_run()

    def infer(self, tensor: Tensor) -> Outputs:
        """Run the model. `tensor` is one of `Detector.new_tensor()`, filled, and is not changed."""
        return self._run(tensor)

    def decode(self, outputs: Outputs, geometry: Geometry) -> tuple[Detection, ...]:
        """The objects that outputs tell of, best first, in the picture that lay so in the input."""
        with np.errstate(over="ignore", invalid="ignore"):  # on a picture that nobody thought of floats may overflow
            found = _sound(self._decoder.candidates(outputs, self._limits.confidence))
        few = best(found, self._limits.max_detections) if self._decoder.suppressed else suppressed(found, self._limits)
        boxes = to_picture(few.boxes, geometry)
        return tuple(
            Detection(self._label(class_id), class_id, min(score, 1.0), (left, top, right, bottom))
            for (left, top, right, bottom), score, class_id in zip(
                boxes.tolist(), few.scores.tolist(), few.class_ids.tolist(), strict=True
            )
            if left < right and top < bottom
        )

    def _label(self, class_id: int) -> str:
        """Outputs that do not tell how many classes there are may name one beyond the labels."""
        return self._labels[class_id] if class_id < len(self._labels) else f"class {class_id}"


def _sound(candidates: Candidates) -> Candidates:
    """Those with a box and a class."""
    boxes, class_ids = candidates.boxes, candidates.class_ids
    sound = np.isfinite(boxes).all(axis=1) & (boxes[:, 0] < boxes[:, 2]) & (boxes[:, 1] < boxes[:, 3])
    sound &= (class_ids >= 0) & (class_ids < MOST_CLASSES)
    return candidates if sound.all() else candidates.take(np.flatnonzero(sound))

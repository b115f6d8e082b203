"""A detector, loaded: a `Model` whose results have objects in them."""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pi_classifier.contracts.detection import Detection, DetectorMetadata, Geometry
from pi_classifier.contracts.frame import Pixels
from pi_classifier.contracts.job import Tensor
from pi_classifier.contracts.model import Runtime
from pi_classifier.contracts.prediction import Result, Score
from pi_classifier.detection.decoding import Decoder, Outputs
from pi_classifier.detection.geometry import Size, camera_size, to_picture
from pi_classifier.detection.letterbox import InputLayout, Letterbox
from pi_classifier.detection.limits import Limits
from pi_classifier.detection.suppression import MOST_CANDIDATES, Candidates, best, suppressed

MOST_CLASSES = 1 << 16
"""Beyond it, a class is a damaged number."""
Run = Callable[[Tensor], Outputs]
"""Runs a model; new arrays at every call."""


class Loaded(NamedTuple):
    """A file and what is known of it, whatever runs it."""

    runtime: Runtime
    versions: Mapping[str, str]
    """Of the packages that run it, by name."""
    metadata: DetectorMetadata
    decoder: Decoder
    layout: InputLayout
    new_run: Callable[[], Run]
    """For one thread at a time; several may compute at once."""


class Detector:
    """A `Model`."""

    def __init__(self, loaded: Loaded, limits: Limits) -> None:
        """`limits`: what is worth telling."""
        self.runtime, self.versions, self.metadata = loaded.runtime, loaded.versions, loaded.metadata
        self._loaded, self._limits = loaded, limits

    @property
    def camera_size(self) -> Size:
        """What a camera is best asked for: its pictures fill the input, and no larger ones are scaled down."""
        return camera_size(self._loaded.layout.size, self._loaded.decoder.picture.placement)

    def new_tensor(self) -> Tensor:
        """Memory for one input, C-contiguous; dtype and shape are the model's own."""
        return self._loaded.layout.new_tensor()

    def new_preprocessor(self, camera: str = "") -> Letterbox:
        """Fills a tensor from BGR pixels of any size, and tells where they lie in it; for one thread at a time.

        `camera`: whose pictures they are, and so its masks and zones.
        """
        return Letterbox(self._loaded.decoder.picture, self._loaded.layout, camera)

    def new_predictor(self) -> "DetectionPredictor":
        """For one thread at a time; several compute at once."""
        return DetectionPredictor(self._loaded, self._limits)

    def new_finder(self) -> Callable[[Pixels], tuple[Detection, ...]]:
        """All in one, for one thread at a time: BGR pixels to the objects in them."""
        preprocess, predictor, tensor = self.new_preprocessor(), self.new_predictor(), self.new_tensor()

        def find(pixels: Pixels) -> tuple[Detection, ...]:
            geometry = preprocess(pixels, tensor)
            return predictor.found(predictor.infer(tensor), geometry)

        return find


class DetectionPredictor:
    """One thread's way through the model. A `Predictor`."""

    def __init__(self, loaded: Loaded, limits: Limits) -> None:
        """As those of the `Detector`."""
        self._decoder, self._labels, self._limits = loaded.decoder, loaded.metadata.categories, limits
        self._run = loaded.new_run()
        self._least = _thresholds(self._labels, limits)
        """Confidence, by class id."""
        self._lowest = min(limits.confidence, float(self._least.min(initial=1)))
        self._best = np.zeros(len(self._labels), np.float32)

    def infer(self, tensor: Tensor) -> Outputs:
        """Run the model. `tensor` is one of `Detector.new_tensor()`, filled, and is not changed."""
        return self._run(tensor)

    def decode(self, outputs: Outputs, geometry: Geometry | None = None) -> Result:
        """The objects that outputs tell of, and the best of each label.

        `geometry`: where the picture lies in the input, as the pre-processor gave it; it is needed.
        """
        if geometry is None:
            raise ValueError("boxes cannot be told without their geometry")
        detections = self.found(outputs, geometry)
        self._best[:] = 0
        first: dict[int, Score] = {}
        for one in detections:
            if one.class_id not in first:
                first[one.class_id] = Score(one.class_id, one.label, one.confidence)
                if one.class_id < len(self._best):
                    self._best[one.class_id] = one.confidence
        return Result(self._best, tuple(islice(first.values(), self._limits.top_k)), detections)

    def found(self, outputs: Outputs, geometry: Geometry) -> tuple[Detection, ...]:
        """The objects that outputs tell of, best first, in the picture that lay so in the input."""
        with np.errstate(over="ignore", invalid="ignore"):  # on a picture that nobody thought of floats may overflow
            candidates = self._sound(self._decoder.candidates(outputs, self._lowest))
        if self._decoder.suppressed:
            few = best(candidates, MOST_CANDIDATES)
        else:
            few = suppressed(candidates, self._limits.iou)
        return tuple(islice(self._admitted(few, geometry), self._limits.max_detections))

    def _admitted(self, few: Candidates, geometry: Geometry) -> Iterator[Detection]:
        """Those that count, one after another: the rest of many is not looked at."""
        boxes = to_picture(few.boxes, geometry).tolist()
        for box, score, class_id in zip(boxes, few.scores.tolist(), few.class_ids.tolist(), strict=True):
            left, top, right, bottom = box
            if left < right and top < bottom:
                label = self._label(class_id)
                found = self._placed(Detection(label, class_id, min(score, 1.0), (left, top, right, bottom)), geometry)
                if found:
                    yield found

    def _placed(self, found: Detection, geometry: Geometry) -> Detection | None:
        """An object with its zones; None where it does not count."""
        limits = self._limits.labels.get(found.label)
        if limits and not limits.admits(found, geometry):
            return None
        regions = self._limits.regions.get(geometry.camera)
        return regions.placed(found, geometry) if regions else found

    def _label(self, class_id: int) -> str:
        """Outputs that do not tell how many classes there are may name one beyond the labels."""
        return self._labels[class_id] if class_id < len(self._labels) else f"class {class_id}"

    def _sound(self, candidates: Candidates) -> Candidates:
        """Those with a box and a class, which are good enough for it."""
        boxes, class_ids = candidates.boxes, candidates.class_ids
        sound = np.isfinite(boxes).all(axis=1) & (boxes[:, 0] < boxes[:, 2]) & (boxes[:, 1] < boxes[:, 3])
        sound &= (class_ids >= 0) & (class_ids < MOST_CLASSES)
        if self._limits.labels:
            # What lies beyond the labels has the last number, which is that of all.
            sound &= candidates.scores >= self._least[np.clip(class_ids, 0, len(self._labels))]
        return candidates if sound.all() else candidates.take(np.flatnonzero(sound))


def _thresholds(labels: tuple[str, ...], limits: Limits) -> NDArray[np.float32]:
    """The least confidence of each class, shape (n_classes + 1,); the last one is that of all others."""
    own = [limits.labels[label].confidence if label in limits.labels else limits.confidence for label in labels]
    return np.array([*own, limits.confidence], np.float32)

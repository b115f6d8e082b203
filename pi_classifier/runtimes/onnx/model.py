"""The runtime ONNX Runtime: a classifier in float32 that was made elsewhere."""

from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pi_classifier.contracts.frame import Pixels
from pi_classifier.contracts.job import Tensor
from pi_classifier.contracts.model import Runtime
from pi_classifier.contracts.prediction import Result
from pi_classifier.errors import ModelError
from pi_classifier.runtimes.classification import Classification
from pi_classifier.runtimes.onnx.classifier import NO_CLASSIFIER, Classifier, check_count, is_row
from pi_classifier.runtimes.onnx.normalise import Normaliser
from pi_classifier.runtimes.onnx.pictures import CHANNELS
from pi_classifier.runtimes.onnx.read import OnnxFile
from pi_classifier.runtimes.onnx.session import VERSIONS, Session
from pi_classifier.runtimes.threads import compute_threads

LEAST = np.finfo(np.float32).tiny
"""In place of a probability of 0, whose logarithm is none."""
ROUNDING = 1e-3
"""By how much probabilities may miss 1 in their sum: exports in half precision do."""
SHADES = (85, 255)
"""Of the pictures that a model is tried on."""
FURTHEST = 1e30
"""In place of what is no number, or none with an end."""


class OnnxModel:
    """A classifier from an ONNX file. A `Model`."""

    runtime: Runtime = "onnx"
    versions: Mapping[str, str] = VERSIONS

    def __init__(self, file: OnnxFile, known: Classifier, *, threads: int | Literal["auto"], top_k: int) -> None:
        """Load the file and try it out.

        Args:
            file: read.
            known: what it is as a classifier.
            threads: how many threads one inference may use.
            top_k: how many classes a result names.

        Raises:
            ModelError: ONNX Runtime does not run it, or it gives something else than a number for each label.
        """
        self.metadata, self._channels_last = known
        self._top_k = top_k
        self._name, self._session = file.name, Session(file, compute_threads(threads))
        answers = [self._tried(file.name, shade) for shade in SHADES]
        check_count(file.name, self.metadata.categories, answers[0].size)
        self._gives_probabilities = all(map(_are_probabilities, answers))

    def new_tensor(self) -> Tensor:
        """float32, shape (1, 3, size, size), or (1, size, size, 3) where the model has it so: RGB, normalised."""
        size = self.metadata.input_size
        shape = (1, size, size, CHANNELS) if self._channels_last else (1, CHANNELS, size, size)
        return np.zeros(shape, np.float32)

    def new_preprocessor(self, camera: str = "") -> Callable[[Pixels, Tensor], None]:  # noqa: ARG002 - all alike
        """The largest centred crop, scaled, normalised as torchvision does."""
        known = self.metadata
        return Normaliser(known.mean, known.std, known.input_size, channels_last=self._channels_last)

    def new_predictor(self) -> "OnnxPredictor":
        """All share one session, and so the weights: each thread computes on memory of its own."""
        decode = Classification(self.metadata.categories, self._top_k)
        kind = ProbabilitiesPredictor if self._gives_probabilities else OnnxPredictor
        return kind(self._run, decode)

    def _run(self, tensor: Tensor) -> NDArray[np.float32]:
        """The model's answer, shape (n_classes,). Raises ModelError where it has another one for this picture."""
        answer: NDArray[np.float32] = self._session.run(tensor)[0].reshape(-1)
        if len(answer) != len(self.metadata.categories):
            problem = f"{self._name}: gives {len(answer)} numbers for one picture, and another number for others"
            raise ModelError(problem, remedy="export it with fixed shapes")
        return answer

    def _tried(self, name: str, shade: int) -> NDArray[np.float32]:
        """What the model gives for a picture with a gradient, so bright at most; checked."""
        size = self.metadata.input_size
        tensor = self.new_tensor()
        pixels = np.linspace(0, shade, size * size * CHANNELS).astype(np.uint8).reshape(size, size, CHANNELS)
        self.new_preprocessor()(pixels, tensor)
        (answer,) = self._session.run(tensor)
        if not isinstance(answer, np.ndarray) or answer.dtype != np.float32 or not is_row(answer.shape):
            raise ModelError(f"{name}: what it gives is no row of classes in float32", remedy=NO_CLASSIFIER)
        if not np.isfinite(answer).all():
            raise ModelError(f"{name}: gives no numbers (NaN or infinity)", remedy="export it in float32 again")
        return answer.reshape(-1)


class OnnxPredictor:
    """One thread's way through the model. A `Predictor`."""

    def __init__(self, run: Callable[[Tensor], NDArray[np.float32]], decode: Callable[..., Result]) -> None:
        """`run`: the model, which may be shared. `decode`: makes a result of what `infer` gives."""
        self._run = run
        self.decode = decode

    def infer(self, tensor: Tensor) -> NDArray[np.float32]:
        """Logits: float32, shape (n_classes,), finite, a new array at every call."""
        logits = self._run(tensor)
        # Floats may overflow on a picture that nobody thought of.
        if not np.isfinite(logits).all():
            np.nan_to_num(logits, copy=False, nan=-FURTHEST, posinf=FURTHEST, neginf=-FURTHEST)
        return logits


class ProbabilitiesPredictor(OnnxPredictor):
    """As that, of a model whose last layer is the softmax. A `Predictor`."""

    def infer(self, tensor: Tensor) -> NDArray[np.float32]:
        """The logarithms of its probabilities: logits whose softmax they are."""
        probabilities = super().infer(tensor)
        return np.log(np.maximum(probabilities, LEAST))


def _are_probabilities(answer: NDArray[np.float32]) -> bool:
    return bool(answer.min() >= 0 and abs(float(answer.sum()) - 1) < ROUNDING)

"""The runtime LiteRT: a TFLite file, which its XNNPACK computes with the bits of torch's QNNPACK. It needs no torch.

Importing this raises ConfigError where LiteRT, which is an extra, is not installed.
"""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from pi_classifier.contracts.frame import Pixels
from pi_classifier.contracts.job import Tensor
from pi_classifier.contracts.model import Runtime
from pi_classifier.contracts.prediction import Result
from pi_classifier.errors import ConfigError, ModelError
from pi_classifier.runtimes.bundle import Bundle
from pi_classifier.runtimes.classification import Classification
from pi_classifier.runtimes.preprocess import Preprocessor
from pi_classifier.runtimes.tflite.verify import SIGNED, checked_file
from pi_classifier.runtimes.threads import compute_threads
from pi_classifier.system.native_stderr import stderr_without

if TYPE_CHECKING:
    from pi_classifier.runtimes.novelty import Answer

try:
    import ai_edge_litert
    from ai_edge_litert.interpreter import Interpreter
except ImportError as error:
    raise ConfigError(
        f"the runtime LiteRT cannot be loaded ({error})", remedy="install it: pip install 'pi-classifier[litert]'"
    ) from None

VERSIONS: Mapping[str, str] = {"litert": ai_edge_litert.__version__}
GREETING = re.compile(rb"INFO: Created TensorFlow Lite XNNPACK delegate for CPU\.")
"""What LiteRT says once in each process; its Python package has no way to turn that off."""


class LiteRTModel:
    """A TFLite program from a bundle, with its metadata. A `Model`."""

    runtime: Runtime = "litert"
    versions: Mapping[str, str] = VERSIONS

    def __init__(self, bundle: Bundle, *, threads: int | Literal["auto"], top_k: int, unknown: bool = True) -> None:
        """Verify the program and load it.

        Args:
            bundle: with a program for LiteRT.
            threads: how many threads one inference may use.
            top_k: how many classes a result names.
            unknown: whether a model that can tell calls `unknown` what is none of its classes.

        Raises:
            ModelError: anything but what `prepare` makes, or a file that LiteRT does not compute by XNNPACK here.
        """
        self.metadata = bundle.metadata._replace(engine="xnnpack", activations="int8")
        self._table = bundle.table ^ np.uint8(SIGNED)
        self._name = bundle.name
        self._threads = compute_threads(threads)
        self._top_k = top_k
        self._file = checked_file(bundle.program("litert"), bundle.metadata, bundle.name, bundle.features)
        self._categories, self._features = bundle.metadata.categories, bundle.features
        self._novelty = bundle.novelty if unknown else None
        if self._novelty:
            self.metadata = self.metadata._replace(categories=(*self._categories, self._novelty.label))
        self._loaded = [self._load()]

    def new_tensor(self) -> Tensor:
        """uint8, shape (size, size, 3): quantised RGB, the two's complement of int8 values."""
        return np.zeros((self.metadata.input_size, self.metadata.input_size, 3), np.uint8)

    def new_preprocessor(self, camera: str = "") -> Callable[[Pixels, Tensor], None]:  # noqa: ARG002 - all alike
        """The largest centred crop, scaled, and looked up in the quantisation table."""
        return Preprocessor(self._table, self.metadata.input_size)

    def new_predictor(self) -> "LiteRTPredictor":
        """With an interpreter, and so weights as XNNPACK wants them, of its own; the first takes the constructor's."""
        interpreter = self._loaded.pop() if self._loaded else self._load()
        if self._features:
            from pi_classifier.runtimes.open_set import open_set

            return FeaturesPredictor(interpreter, open_set(self._categories, self._top_k, self._novelty))
        return LiteRTPredictor(interpreter, Classification(self._categories, self._top_k))

    def _load(self) -> Interpreter:
        return load(self._file, self._name, self._threads)


class LiteRTPredictor:
    """One thread's way through the model. A `Predictor`."""

    def __init__(self, interpreter: Interpreter, decode: Callable[..., Result]) -> None:
        """`interpreter`: this one's own, ready to run. `decode`: makes a result of what `infer` gives."""
        self._interpreter = interpreter
        given, answer = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
        # Functions, not arrays: the interpreter refuses to run while an array of its memory is held.
        self._input: Callable[[], NDArray[np.int8]] = interpreter.tensor(given["index"])
        self._output: Callable[[], NDArray[np.int8]] = interpreter.tensor(answer["index"])
        self._logits = _dequantised(*answer["quantization"])
        self.decode = decode

    def infer(self, tensor: Tensor) -> NDArray[np.float32]:
        """Logits: float32, shape (n_classes,), a new array at every call."""
        np.copyto(self._input()[0], tensor.view(np.int8))
        self._interpreter.invoke()
        logits: NDArray[np.float32] = self._logits.take(self._output()[0])
        return logits


class FeaturesPredictor(LiteRTPredictor):
    """As that, of a program that gives features, too. A `Predictor`."""

    def __init__(self, interpreter: Interpreter, decode: Callable[..., Result]) -> None:
        """As that of its parent."""
        # Not imported for a model without features.
        from pi_classifier.runtimes.novelty import Answer

        self._answer = Answer
        super().__init__(interpreter, decode)
        _, features = interpreter.get_output_details()
        self._features: Callable[[], NDArray[np.int8]] = interpreter.tensor(features["index"])

    def infer(self, tensor: Tensor) -> "Answer":  # type: ignore[override]
        """New arrays at every call; its own `decode` reads them."""
        return self._answer(super().infer(tensor), self._features()[0].view(np.uint8) ^ np.uint8(SIGNED))


def load(file: bytes, name: str, threads: int) -> Interpreter:
    """An interpreter of a TFLite file, ready to run.

    Args:
        file: made by `to_bytes`, or by `checked_file`.
        name: what errors call it.
        threads: how many threads one inference may use.

    Raises:
        ModelError: LiteRT does not compute it by XNNPACK here.
    """
    try:
        interpreter = loaded(file, threads)
    except (ValueError, RuntimeError) as error:
        raise _refusal(name, reason(error)) from None
    if not computed_by_xnnpack(interpreter):
        raise _refusal(name, "its XNNPACK does not take all of it, and other kernels round otherwise")
    return interpreter


def loaded(file: bytes, threads: int) -> Interpreter:
    """An interpreter of a TFLite file, ready to run, whatever computes it. Raises ValueError or RuntimeError."""
    with stderr_without(GREETING):
        interpreter = Interpreter(model_content=file, num_threads=threads)
        interpreter.allocate_tensors()
    return interpreter


def reason(error: Exception) -> str:
    """What LiteRT says, in a line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[-1][:300]


def outputs_of(interpreter: Interpreter, operator: str) -> tuple[int, ...]:
    """The tensors, by index, that the one operator of a name gives, in its own order; none without one, or of several.

    In which order a file lists them among its outputs is each converter's choice.
    """
    nodes = interpreter._get_ops_details()  # noqa: SLF001 - LiteRT has no public way to see its nodes
    found = [node["outputs"] for node in nodes if node["op_name"] == operator]
    return tuple(map(int, found[0])) if len(found) == 1 else ()


def outputs_for(interpreter: Interpreter, values: NDArray[np.int8]) -> list[NDArray[np.int8]]:
    """What a program gives for one input, in the order of its outputs; copies. `values`: of its input's shape."""
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], values)
    interpreter.invoke()
    return [interpreter.get_tensor(output["index"]) for output in interpreter.get_output_details()]


def computed_by_xnnpack(interpreter: Any) -> bool:
    """Whether XNNPACK, LiteRT's default delegate, has taken over the whole graph of an interpreter with its tensors.

    LiteRT's own kernels, which compute what XNNPACK left or all of it, round in another way, and say nothing.
    """
    nodes = interpreter._get_ops_details()  # noqa: SLF001 - LiteRT has no public way to see its nodes
    delegates = [node for node in nodes if node["op_name"] == "DELEGATE"]
    if len(delegates) != 1:
        return False
    # All others are still listed. One that it did not take over gives something that it is given, or an output.
    computed = {tensor for node in nodes if node is not delegates[0] for tensor in node["outputs"]}
    outputs = {output["index"] for output in interpreter.get_output_details()}
    return computed.isdisjoint(delegates[0]["inputs"]) and outputs == set(delegates[0]["outputs"])


def _refusal(name: str, reason: str) -> ModelError:
    return ModelError(
        f"{name}: LiteRT {ai_edge_litert.__version__} does not run it exactly on this machine ({reason})",
        remedy="install another release of ai-edge-litert, or run it by torch",
    )


def _dequantised(scale: float, zero_point: int) -> NDArray[np.float32]:
    """The real value of every int8, in the order of numpy's indices: 0 to 127, and -128 to -1 from the end."""
    stored = np.arange(256, dtype=np.uint8).view(np.int8)
    return (stored.astype(np.float32) - np.float32(zero_point)) * np.float32(scale)

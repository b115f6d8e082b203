"""The default runtime: a frozen TorchScript program on torch's QNNPACK. It needs torch, and never torchvision."""

import io
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from pi_classifier.contracts.frame import Pixels
from pi_classifier.contracts.job import Tensor
from pi_classifier.contracts.model import ModelMetadata, Runtime
from pi_classifier.contracts.prediction import Result
from pi_classifier.errors import ActivationsUnsupported, ModelError
from pi_classifier.runtimes.bundle import Bundle
from pi_classifier.runtimes.classification import Classification
from pi_classifier.runtimes.metadata import again
from pi_classifier.runtimes.preprocess import Preprocessor
from pi_classifier.runtimes.program.check import checked_program
from pi_classifier.runtimes.threads import compute_threads

QUANTISED = {"quint8": torch.quint8, "qint8": torch.qint8}

if TYPE_CHECKING:
    from pi_classifier.runtimes.novelty import Answer


class TorchScriptModel:
    """A frozen TorchScript module from a bundle, with its metadata. A `Model`."""

    runtime: Runtime = "torchscript"
    versions: Mapping[str, str] = {"torch": torch.__version__}

    def __init__(self, bundle: Bundle, *, threads: int | Literal["auto"], top_k: int, unknown: bool = True) -> None:
        """Load a program and run it once, so that one that does not work is found out here.

        Args:
            bundle: with a program for TorchScript.
            threads: how many threads one inference may use, in the whole process.
            top_k: how many classes a result names.
            unknown: whether a model that can tell calls `unknown` what is none of its classes.

        Raises:
            ModelError: no such program in it, one that `prepare` does not write, damaged, for an engine that this torch
                lacks, or with a number of labels that does not fit its output.
        """
        name, self.metadata, self._top_k = bundle.name, bundle.metadata, top_k
        self._features, self._novelty = bundle.features, bundle.novelty if unknown else None
        self._categories = self.metadata.categories
        self._is_handed_out = False
        # Before anything of it is run.
        program = checked_program(
            bundle.program("torchscript"), name, again(self.metadata), features=self._features > 0
        )
        _use_engine(self.metadata, name)
        torch.set_num_threads(compute_threads(threads))
        self._table = bundle.table ^ np.uint8(_offset(self.metadata))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                module = torch.jit.load(io.BytesIO(program), map_location="cpu")
            self._first = self._predictor(module)
            outputs = self._sizes(self._first.infer(self.new_tensor()))
        except RuntimeError as error:
            raise self._refusal(name, str(error).strip().splitlines()[-1]) from None
        labels = len(self.metadata.categories)
        if outputs != (labels, self._features):
            given = f"{labels} labels for {outputs[0]} outputs"
            if outputs[0] == labels:
                given = f"prototypes of {self._features} features where there are {outputs[1]}"
            raise ModelError(f"{name}: {given}", remedy=again(self.metadata))
        if self._novelty:
            self.metadata = self.metadata._replace(categories=(*self.metadata.categories, self._novelty.label))

    def new_tensor(self) -> Tensor:
        """uint8, shape (size, size, 3): quantised RGB; the bytes of qint8 values are their two's complement."""
        return np.zeros((self.metadata.input_size, self.metadata.input_size, 3), np.uint8)

    def new_preprocessor(self, camera: str = "") -> Callable[[Pixels, Tensor], None]:  # noqa: ARG002 - all alike
        """The largest centred crop, scaled, and looked up in the quantisation table."""
        return Preprocessor(self._table, self.metadata.input_size)

    def new_predictor(self) -> "TorchScriptPredictor":
        """With a module, and so packed weights, of its own; the first takes the constructor's.

        QNNPACK keeps in the packed weights what it computes on at the moment: threads that share them would wait for
        one another.
        """
        if not self._is_handed_out:
            self._is_handed_out = True
            return self._first
        program = io.BytesIO()
        torch.jit.save(self._first.module, program)
        program.seek(0)
        return self._predictor(torch.jit.load(program, map_location="cpu"))

    def _predictor(self, module: Any) -> "TorchScriptPredictor":
        categories = self._categories
        if self._features:
            from pi_classifier.runtimes.open_set import open_set

            return FeaturesPredictor(module, self.metadata, open_set(categories, self._top_k, self._novelty))
        return TorchScriptPredictor(module, self.metadata, Classification(categories, self._top_k))

    def _sizes(self, outputs: Any) -> tuple[int, int]:
        """How many logits and features the program gives."""
        return (outputs[0].size, outputs[1].size) if self._features else (outputs.size, 0)

    def _refusal(self, name: str, reason: str) -> ModelError:
        if self.metadata.activations == "qint8":
            command = "train" if self.metadata.training else "prepare"
            return ActivationsUnsupported(
                f"{name}: torch {torch.__version__} on this machine does not run qint8 activations ({reason})",
                remedy=f"make the file again with '{command} --activations quint8'",
            )
        return ModelError(f"{name}: damaged or cut short ({reason})", remedy=again(self.metadata))


class TorchScriptPredictor:
    """One thread's way through the module. A `Predictor`."""

    def __init__(self, module: Any, metadata: ModelMetadata, decode: Callable[..., Result]) -> None:
        """`module`: this one's own. `decode`: makes a result of what `infer` gives."""
        self.module = module
        self._input, self._pixels = new_input(metadata)
        self.decode = decode

    def infer(self, tensor: Tensor) -> NDArray[np.float32]:
        """Logits: float32, shape (n_classes,), a new array at every call."""
        # Copied, for QNNPACK keeps a table of pointers into a convolution's input, one for each pixel under each place
        # of the kernel, and builds it anew whenever the input has another address (qnnpackConv in PyTorch's
        # conv-run.cc). For the first convolution that takes longer than all of the pre-processing; a copy is nothing.
        np.copyto(self._pixels, tensor)
        with torch.inference_mode():
            logits: NDArray[np.float32] = self.module(self._input)[0].numpy()
        return logits


class FeaturesPredictor(TorchScriptPredictor):
    """As that, of a module that gives features, too. A `Predictor`."""

    def __init__(self, module: Any, metadata: ModelMetadata, decode: Callable[..., Result]) -> None:
        """As that of its parent."""
        # Not imported for a model without features.
        from pi_classifier.runtimes.novelty import Answer

        self._answer = Answer
        super().__init__(module, metadata, decode)
        self._top_bit = np.uint8(_offset(metadata))

    def infer(self, tensor: Tensor) -> "Answer":  # type: ignore[override]
        """New arrays at every call; its own `decode` reads them."""
        np.copyto(self._pixels, tensor)
        with torch.inference_mode():
            logits, features = self.module(self._input)
            return self._answer(logits[0].numpy(), features[0].numpy().view(np.uint8) ^ self._top_bit)


def _use_engine(metadata: ModelMetadata, name: str) -> None:
    """Packed weights load only under the engine they were packed for, and the default on aarch64 is another."""
    engine, supported = metadata.engine, torch.backends.quantized.supported_engines
    if engine not in supported:
        raise ModelError(
            f"{name}: prepared for engine {engine!r}, and torch {torch.__version__} on this machine has "
            f"{', '.join(supported)}",
            remedy=again(metadata),
        )
    torch.backends.quantized.engine = engine


def new_input(metadata: ModelMetadata) -> tuple[torch.Tensor, NDArray[np.uint8]]:
    """A quantised input tensor, all zero points (mid-grey), and its memory as pixels: what is written there is in it.

    The tensor is quint8 or qint8, shape (1, 3, size, size), channels last as the first convolution reads it; the pixels
    have shape (size, size, 3), RGB, and the bytes of qint8 values are their two's complement.
    """
    size = metadata.input_size
    tensor = torch._empty_affine_quantized(  # noqa: SLF001 - torch has no public way to make one without a copy
        (1, 3, size, size),
        scale=metadata.scale,
        zero_point=metadata.zero_point - _offset(metadata),
        dtype=QUANTISED[metadata.activations],
        memory_format=torch.channels_last,
    )
    # A plain uint8 tensor over the same storage: numpy knows no quantised types.
    plain = torch.empty(0, dtype=torch.uint8)
    plain.set_(tensor.untyped_storage(), 0, (size, size, 3), (size * 3, 3, 1))
    pixels: NDArray[np.uint8] = plain.numpy()
    pixels.fill(metadata.zero_point ^ _offset(metadata))
    return tensor, pixels


def _offset(metadata: ModelMetadata) -> int:
    """How much less the stored values are than those of quint8: all of 128 values, so that the top bit is flipped."""
    return 128 if metadata.activations == "qint8" else 0

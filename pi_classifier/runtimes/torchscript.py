"""The default runtime: a frozen TorchScript program on torch's QNNPACK. It needs torch, and never torchvision."""

import io
import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from pi_classifier.contracts.frame import Pixels
from pi_classifier.contracts.job import Tensor
from pi_classifier.contracts.model import ModelMetadata
from pi_classifier.contracts.prediction import Result
from pi_classifier.errors import ActivationsUnsupported, ModelError
from pi_classifier.runtimes.classification import Classification
from pi_classifier.runtimes.prepared_file import AGAIN, METADATA_MEMBER, read_metadata
from pi_classifier.runtimes.preprocess import Preprocessor

QUANTISED = {"quint8": torch.quint8, "qint8": torch.qint8}


def quantisation_table(metadata: ModelMetadata) -> NDArray[np.uint8]:
    """The stored byte for every byte of every channel: uint8, shape (1, 256, 3), channels in order RGB.

    ToTensor (`x / 255`), Normalize (`(x - mean) / std`) and torch's own quantisation, step by step, on a ramp of all
    values. torch does it, and on this machine: how it rounds a value in the middle between two steps differs from one
    architecture to another. A qint8 is stored as its two's complement: its quint8 twin with the top bit flipped.
    """
    moved = 128 if metadata.activations == "qint8" else 0
    ramp = torch.arange(256, dtype=torch.float32).div(255).expand(3, 256)
    mean, std = torch.tensor(metadata.mean)[:, None], torch.tensor(metadata.std)[:, None]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # quantised tensors are announced to go some day; the pinned releases have them
        stored = torch.quantize_per_tensor(
            ramp.sub(mean).div(std).contiguous(), metadata.scale, metadata.zero_point + moved, torch.quint8
        )
    table: NDArray[np.uint8] = stored.int_repr().t().contiguous().numpy()[None]
    return table ^ np.uint8(moved)


def compute_threads(threads: int | Literal["auto"]) -> int:
    """The number of threads for the model; `auto` leaves one of this process's cores to capture."""
    return max(1, len(os.sched_getaffinity(0)) - 1) if threads == "auto" else threads


class TorchScriptModel:
    """A frozen TorchScript module from a prepared file, with its metadata. A `Model`."""

    versions: Mapping[str, str] = {"torch": torch.__version__}

    def __init__(self, file: Path | io.BytesIO, *, threads: int | Literal["auto"], top_k: int) -> None:
        """Load a prepared file and run it once, so that a file that does not work is found out here.

        Args:
            file: what `prepare` wrote, or its content.
            threads: how many threads one inference may use, in the whole process.
            top_k: how many classes a result names.

        Raises:
            ModelError: not a prepared file, of another version, damaged, for an engine that this torch lacks, or
                with a number of labels that does not fit its output.
        """
        name = str(file) if isinstance(file, Path) else "the model just prepared"
        self.metadata = _metadata(file, name)
        self._top_k = top_k
        _use_engine(self.metadata.engine, name)
        torch.set_num_threads(compute_threads(threads))
        self._table = quantisation_table(self.metadata)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                self._module: Any = torch.jit.load(file, map_location="cpu")
            outputs = self.new_predictor().infer(self.new_tensor()).size
        except RuntimeError as error:
            raise self._refusal(name, str(error).strip().splitlines()[-1]) from None
        labels = len(self.metadata.categories)
        if outputs != labels:
            raise ModelError(f"{name}: {labels} labels for {outputs} outputs", remedy=AGAIN)

    def new_tensor(self) -> Tensor:
        """uint8, shape (size, size, 3): quantised RGB; the bytes of qint8 values are their two's complement."""
        return np.zeros((self.metadata.input_size, self.metadata.input_size, 3), np.uint8)

    def new_preprocessor(self) -> Callable[[Pixels, Tensor], None]:
        """The largest centred crop, scaled, and looked up in the quantisation table."""
        return Preprocessor(self._table, self.metadata.input_size)

    def new_predictor(self) -> "TorchScriptPredictor":
        """With an input tensor of its own."""
        return TorchScriptPredictor(self._module, self.metadata, Classification(self.metadata.categories, self._top_k))

    def _refusal(self, name: str, reason: str) -> ModelError:
        if self.metadata.activations == "qint8":
            return ActivationsUnsupported(
                f"{name}: torch {torch.__version__} on this machine does not run qint8 activations ({reason})",
                remedy="make the file again with 'prepare --activations quint8'",
            )
        return ModelError(f"{name}: damaged or cut short ({reason})", remedy=AGAIN)


class TorchScriptPredictor:
    """One thread's way through the module. A `Predictor`."""

    def __init__(self, module: Any, metadata: ModelMetadata, decode: Callable[[NDArray[np.float32]], Result]) -> None:
        """`module` may be shared with other threads; the input tensor is this one's own."""
        self._module = module
        self._input, self._pixels = new_input(metadata)
        self.decode = decode

    def infer(self, tensor: Tensor) -> NDArray[np.float32]:
        """Logits: float32, shape (n_classes,), a new array at every call."""
        # Copied, for QNNPACK keeps a table of pointers into a convolution's input, one for each pixel under each place
        # of the kernel, and builds it anew whenever the input has another address (qnnpackConv in PyTorch's
        # conv-run.cc). For the first convolution that takes longer than all of the pre-processing; a copy is nothing.
        np.copyto(self._pixels, tensor)
        with torch.inference_mode():
            logits: NDArray[np.float32] = self._module(self._input)[0].numpy()
        return logits


def _use_engine(engine: str, name: str) -> None:
    """Packed weights load only under the engine they were packed for, and the default on aarch64 is another."""
    supported = torch.backends.quantized.supported_engines
    if engine not in supported:
        raise ModelError(
            f"{name}: prepared for engine {engine!r}, and torch {torch.__version__} on this machine has "
            f"{', '.join(supported)}",
            remedy=AGAIN,
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
        zero_point=metadata.zero_point,
        dtype=QUANTISED[metadata.activations],
        memory_format=torch.channels_last,
    )
    # A plain uint8 tensor over the same storage: numpy knows no quantised types.
    plain = torch.empty(0, dtype=torch.uint8)
    plain.set_(tensor.untyped_storage(), 0, (size, size, 3), (size * 3, 3, 1))
    pixels: NDArray[np.uint8] = plain.numpy()
    pixels.fill(metadata.zero_point % 256)
    return tensor, pixels


def _metadata(file: Path | io.BytesIO, name: str) -> ModelMetadata:
    try:
        metadata = read_metadata(file, name)
    except OSError as error:
        raise ModelError(f"{name}: {error.strerror}", remedy=AGAIN) from None
    if metadata is None:
        raise ModelError(f"{name}: no prepared model (it holds no {METADATA_MEMBER})", remedy="make one with 'prepare'")
    if isinstance(file, io.BytesIO):
        file.seek(0)
    return metadata

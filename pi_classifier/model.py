"""The prepared model: quantised pixels in, logits out. `run` needs torch and this, never torchvision."""

import io
import os
import warnings
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from pi_classifier.errors import ActivationsUnsupported, ModelError
from pi_classifier.model_card import CARD_MEMBER, ModelCard, read_card

QUANTISED = {"quint8": torch.quint8, "qint8": torch.qint8}


def quantisation_table(card: ModelCard) -> NDArray[np.uint8]:
    """The stored byte for every byte of every channel: uint8, shape (1, 256, 3), channels in order RGB.

    ToTensor (`x / 255`), Normalize (`(x - mean) / std`) and torch's own quantisation, step by step, on a ramp of all
    values. torch does it, and on this machine: how it rounds a value in the middle between two steps differs from one
    architecture to another. A qint8 is stored as its two's complement: its quint8 twin with the top bit flipped.
    """
    moved = 128 if card.activations == "qint8" else 0
    ramp = torch.arange(256, dtype=torch.float32).div(255).expand(3, 256)
    mean, std = torch.tensor(card.mean)[:, None], torch.tensor(card.std)[:, None]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # quantised tensors are announced to go some day; the pinned releases have them
        stored = torch.quantize_per_tensor(
            ramp.sub(mean).div(std).contiguous(), card.scale, card.zero_point + moved, torch.quint8
        )
    table: NDArray[np.uint8] = stored.int_repr().t().contiguous().numpy()[None]
    return table ^ np.uint8(moved)


def compute_threads(threads: int | Literal["auto"]) -> int:
    """The number of threads for the model; `auto` leaves one of this process's cores to capture."""
    return max(1, len(os.sched_getaffinity(0)) - 1) if threads == "auto" else threads


class Model:
    """A frozen TorchScript module from a prepared file, with its card."""

    torch_version: str = torch.__version__

    def __init__(self, file: Path | io.BytesIO, *, threads: int | Literal["auto"]) -> None:
        """Load a prepared file and run it once, so that a file that does not work is found out here.

        Args:
            file: what `prepare` wrote, or its content.
            threads: how many threads one inference may use, in the whole process.

        Raises:
            ModelError: not a prepared file, of another version, damaged, for an engine that this torch lacks, or
                with a number of labels that does not fit its output.
        """
        name = str(file) if isinstance(file, Path) else "the model just prepared"
        self.card = _card(file, name)
        if self.card.engine not in torch.backends.quantized.supported_engines:
            raise ModelError(
                f"{name}: prepared for engine {self.card.engine!r}, and torch {torch.__version__} on this machine has "
                f"{', '.join(torch.backends.quantized.supported_engines)}; make the file anew with 'prepare'"
            )
        # Packed weights load only under the engine they were packed for, and the default on aarch64 is another.
        torch.backends.quantized.engine = self.card.engine
        torch.set_num_threads(compute_threads(threads))
        self.input_table = quantisation_table(self.card)
        """For the `Preprocessor`."""
        self._input, self._pixels = new_input(self.card)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                self._module = torch.jit.load(file, map_location="cpu")
            outputs = self(self._pixels).size
        except RuntimeError as error:
            raise self._refusal(name, str(error).strip().splitlines()[-1]) from None
        if outputs != len(self.card.categories):
            raise ModelError(
                f"{name}: {len(self.card.categories)} labels for {outputs} outputs; make the file anew with 'prepare'"
            )

    def _refusal(self, name: str, reason: str) -> ModelError:
        if self.card.activations == "qint8":
            return ActivationsUnsupported(
                f"{name}: torch {torch.__version__} on this machine does not run qint8 activations ({reason}); "
                "make the file anew with 'prepare --activations quint8'"
            )
        return ModelError(f"{name}: damaged or cut short ({reason}); make the file anew with 'prepare'")

    def __call__(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Classify a picture; one thread at a time.

        Args:
            pixels: shape (size, size, 3), quantised RGB: bytes of the `input_table`.

        Returns:
            Logits: float32, shape (n_classes,), a new array at every call.
        """
        # Copied, for QNNPACK keeps a table of pointers into a convolution's input, one for each pixel under each place
        # of the kernel, and builds it anew whenever the input has another address (qnnpackConv in PyTorch's
        # conv-run.cc). For the first convolution that takes longer than all of the pre-processing; a copy is nothing.
        np.copyto(self._pixels, pixels)
        with torch.inference_mode():
            logits: NDArray[np.float32] = self._module(self._input)[0].numpy()
        return logits


def new_input(card: ModelCard) -> tuple[torch.Tensor, NDArray[np.uint8]]:
    """A quantised input tensor, all zero points (mid-grey), and its memory as pixels: what is written there is in it.

    The tensor is quint8 or qint8, shape (1, 3, size, size), channels last as the first convolution reads it; the pixels
    have shape (size, size, 3), RGB, and the bytes of qint8 values are their two's complement.
    """
    size = card.input_size
    tensor = torch._empty_affine_quantized(  # noqa: SLF001 - torch has no public way to make one without a copy
        (1, 3, size, size),
        scale=card.scale,
        zero_point=card.zero_point,
        dtype=QUANTISED[card.activations],
        memory_format=torch.channels_last,
    )
    # A plain uint8 tensor over the same storage: numpy knows no quantised types.
    plain = torch.empty(0, dtype=torch.uint8)
    plain.set_(tensor.untyped_storage(), 0, (size, size, 3), (size * 3, 3, 1))
    pixels: NDArray[np.uint8] = plain.numpy()
    pixels.fill(card.zero_point % 256)
    return tensor, pixels


def _card(file: Path | io.BytesIO, name: str) -> ModelCard:
    try:
        card = read_card(file, name)
    except OSError as error:
        raise ModelError(f"{name}: {error.strerror}; make the file anew with 'prepare'") from None
    if card is None:
        raise ModelError(f"{name}: no prepared model (it holds no {CARD_MEMBER}); make one with 'prepare'")
    if isinstance(file, io.BytesIO):
        file.seek(0)
    return card

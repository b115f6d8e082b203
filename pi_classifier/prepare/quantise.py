"""A model's quantised modules, filled with weights or with noise; and the step from quint8 to qint8 activations."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch.ao import quantization as ao

from pi_classifier.errors import ModelError
from pi_classifier.prepare.sound_state import check_values, fitted
from pi_classifier.prepare.torchvision_models import Architecture

AUXILIARY_HEADS = ("aux1.", "aux2.", "AuxLogits.")
"""Of GoogLeNet and Inception: used in training alone."""


def quantised(architecture: Architecture, state: dict[str, Any], path: Path) -> torch.nn.Module:
    """The model with the weights of a state dict, in evaluation mode; `path` is what an error calls them.

    Raises:
        ModelError: they are of another model, have other classes, or hold what no training leaves behind.
    """
    model = _with_observers(architecture)
    if not architecture.quantised_after_loading:
        ao.convert(model, inplace=True)
    _load_state(model, state, path, expected_classes=len(architecture.weights.meta["categories"]))
    if architecture.quantised_after_loading:
        with _misfits_refused(model, path):
            ao.convert(model, inplace=True)
    check_values(model.state_dict(), path)
    return model.eval()


def untrained(architecture: Architecture) -> torch.nn.Module:
    """The model with random weights, the same at every call, in evaluation mode.

    Nothing is run to find the activations' ranges; all get about that of normalised pixels. A float convolution can
    hang on ARM under OMP_THREAD_LIMIT: torch's BLAS shares it out among as many threads as OpenMP promises, and waits
    for ever for those that the limit withholds. Emulated, it also answered with NaN.
    """
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = _with_observers(architecture)
        for name, module in model.named_modules():
            if isinstance(module, ao.ObserverBase) and "weight" not in name:
                # Each its own, as in a trained model: torch has short cuts for equal ones, and timings would flatter.
                reach = 2 + torch.rand(1)
                module(torch.cat((-reach, reach)))
    ao.convert(model, inplace=True)
    return model.eval()


def observed_in_training(model: Any) -> None:
    """Fuse a model's layers, and have them round while they learn as they will when quantised; the parameters stay."""
    model.train().fuse_model(is_qat=True)
    model.qconfig = ao.get_default_qat_qconfig("qnnpack")
    ao.prepare_qat(model, inplace=True)


def to_qint8(model: torch.nn.Module) -> None:
    """Turn all quint8 activations into qint8, in place.

    Both hold 256 values at the same scale, qint8's are 128 less: every zero point moves with them, and no real value
    changes. The packed weights are qint8 already.
    """
    for module in model.modules():
        if hasattr(module, "zero_point"):
            moved: Any = module
            moved.zero_point = moved.zero_point - 128
            if hasattr(module, "dtype"):
                moved.dtype = torch.qint8


def _with_observers(architecture: Architecture) -> torch.nn.Module:
    """Fused modules with observers, in evaluation mode: weights bring their own scales, random ones still want them."""
    model: Any = architecture.builder(weights=None, quantize=False, **dict(architecture.options))
    if architecture.quantised_after_loading:
        observed_in_training(model)
    else:
        model.eval().fuse_model(is_qat=False)
        weight = ao.default_per_channel_weight_observer if architecture.per_channel else ao.default_weight_observer
        model.qconfig = ao.QConfig(activation=ao.default_observer, weight=weight)
        ao.prepare(model, inplace=True)
    return model.eval()  # type: ignore[no-any-return]


def _load_state(model: torch.nn.Module, state: dict[str, Any], path: Path, *, expected_classes: int) -> None:
    expected = model.state_dict()
    missing = expected.keys() - state.keys()
    foreign = {key for key in state.keys() - expected.keys() if not key.startswith(AUXILIARY_HEADS)}
    if missing or foreign:
        raise ModelError(
            f"{path}: weights of another model: torchvision's quantised {_name(model)} has {len(missing)} entries "
            f"that are not there and lacks {len(foreign)} that are ({min(missing | foreign)})",
            remedy="name the model with --model",
        )
    classes = _classes(state)
    if classes not in (None, expected_classes):
        raise ModelError(
            f"{path}: {classes} classes where the labels name {expected_classes}", remedy="take ImageNet weights"
        )
    with _misfits_refused(model, path):
        model.load_state_dict(fitted(state, expected, path), strict=False)


@contextlib.contextmanager
def _misfits_refused(model: torch.nn.Module, path: Path) -> Iterator[None]:
    """What torch cannot make anything of is a ModelError."""
    try:
        yield
    except (RuntimeError, TypeError, AttributeError, ValueError, AssertionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(
            f"{path}: does not fit torchvision's quantised {_name(model)} ({reason})",
            remedy="fetch or copy the file again",
        ) from None


def _name(model: torch.nn.Module) -> str:
    return type(model).__name__.removeprefix("Quantizable")


def _classes(state: dict[str, Any]) -> int | None:
    """The outputs of the last linear layer, whose weights are a matrix, packed in a tuple with their bias or not."""
    for key, value in reversed(state.items()):
        weight = value[0] if isinstance(value, tuple) and value else value
        if not key.startswith(AUXILIARY_HEADS) and isinstance(weight, torch.Tensor) and weight.dim() == 2:
            return int(weight.shape[0])
    return None

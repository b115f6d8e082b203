"""Whether the entries of a state dict are what a model's own are, in type, shape and value.

torch does not look: a scale of NaN or a zero point of 300 loads, and every label is wrong without a word.
"""

import math
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from pi_classifier.errors import ModelError

AGAIN = "fetch or copy the file again"
SCALES, ZERO_POINTS = "scale", "zero_point"
"""Last parts of the names of numbers that a quantised module keeps."""


def fitted(state: Mapping[str, Any], expected: Mapping[str, Any], path: Path) -> "OrderedDict[str, Any]":
    """The state dict as torch can load it: with the versions of its modules, and plain numbers as tensors.

    Args:
        state: with all keys of `expected`; others stay as they are.
        expected: the model's own state dict, which brings the versions. `torch.save(dict(state))` loses them, and torch
            then takes the entries for those of its oldest release.
        path: what an error calls the file.

    Raises:
        ModelError: an entry is of another type or shape.
    """
    entries = {key: _entry(key, state[key], example, path) for key, example in expected.items()}
    complete: OrderedDict[str, Any] = OrderedDict({**state, **entries})
    # Where torch keeps the versions.
    vars(complete)["_metadata"] = vars(expected)["_metadata"]
    return complete


def check_values(state: Mapping[str, Any], path: Path) -> None:
    """Raise ModelError where a converted model's state dict holds a number that none can have; `path` names the file.

    Tensors have to be finite, scales positive, and zero points within their type.
    """
    for key, value in state.items():
        kind = key.rpartition(".")[2]
        for tensor in _tensors(value):
            if problem := _problem(kind, tensor):
                raise ModelError(f"{path}: {key}: {problem}", remedy=AGAIN)


def _entry(key: str, value: object, example: object, path: Path) -> object:
    if isinstance(example, torch.Tensor) and not example.is_quantized:
        return _converted(key, value, example, path)
    given, wanted = _described(value), _described(example)
    if given != wanted:
        raise ModelError(f"{path}: {key} is {given}, not {wanted}", remedy=AGAIN)
    return value


def _converted(key: str, value: object, example: torch.Tensor, path: Path) -> torch.Tensor:
    """Plain numbers, whatever their type; one alone may be no tensor, or one of another shape."""
    tensor = _as_tensor(value)
    if tensor is None or (tensor.shape != example.shape and not tensor.numel() == example.numel() == 1):
        raise ModelError(f"{path}: {key} is {_described(value)}, not {_described(example)}", remedy=AGAIN)
    tensor = tensor.reshape(example.shape)
    converted = tensor.to(example.dtype)
    if not example.is_floating_point() and not torch.equal(converted.to(tensor.dtype), tensor):
        raise ModelError(f"{path}: {key} is no whole number", remedy=AGAIN)
    return converted


def _as_tensor(value: object) -> torch.Tensor | None:
    """A real number or several; None where it is something else."""
    if isinstance(value, float) or (isinstance(value, int) and abs(value) < 2**63):
        return torch.tensor(value)
    if not isinstance(value, torch.Tensor) or value.is_quantized or value.is_complex() or not _plain(value):
        return None
    return value


def _plain(tensor: torch.Tensor) -> bool:
    """Whether a tensor has a value for each of its elements, here."""
    return tensor.layout == torch.strided and tensor.device.type == "cpu"


def _described(value: object) -> str:
    """Type and shape in words, equal where one entry can stand for the other."""
    if isinstance(value, torch.Tensor):
        scheme = f" {str(value.qscheme()).removeprefix('torch.')}" if value.is_quantized else ""
        place = "" if _plain(value) else " without plain values"
        shape = "x".join(map(str, value.shape)) or "one"
        return f"{str(value.dtype).removeprefix('torch.')} of {shape}{scheme}{place}"
    if isinstance(value, tuple):
        return f"({', '.join(map(_described, value))})"
    return str(value) if isinstance(value, torch.dtype) else type(value).__name__


def _tensors(value: object) -> Iterator[torch.Tensor]:
    for one in value if isinstance(value, tuple) else (value,):
        if isinstance(one, torch.Tensor):
            yield one


def _problem(kind: str, tensor: torch.Tensor) -> str:
    """What is wrong with the values, in words; empty where nothing is."""
    if tensor.is_quantized:
        scales, zero_points = _quantisation(tensor)
        limits = torch.iinfo(tensor.dtype)
        return _scale_problem(scales) or _range_problem(zero_points, limits.min, limits.max)
    if kind == SCALES:
        return _scale_problem(tensor.flatten().tolist())
    if kind == ZERO_POINTS:
        return _range_problem(tensor.flatten().tolist(), 0, 255)
    return "" if not tensor.is_floating_point() or bool(tensor.isfinite().all()) else "not all of it is finite"


def _quantisation(tensor: torch.Tensor) -> tuple[list[float], list[int]]:
    """Scales and zero points of a quantised tensor."""
    if tensor.qscheme() == torch.per_tensor_affine:
        return [tensor.q_scale()], [tensor.q_zero_point()]
    return tensor.q_per_channel_scales().tolist(), tensor.q_per_channel_zero_points().tolist()


def _scale_problem(scales: list[float]) -> str:
    # A product of two has to be a float32, too, or QNNPACK ends the process.
    bad = next((scale for scale in scales if not (math.isfinite(scale) and 1e-18 < scale < 1e18)), None)
    return "" if bad is None else f"a scale of {bad:g}"


def _range_problem(zero_points: list[int], lowest: int, highest: int) -> str:
    bad = next((one for one in zero_points if not lowest <= one <= highest), None)
    return "" if bad is None else f"a zero point of {bad}, which should be {lowest} to {highest}"

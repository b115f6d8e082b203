"""The picture that a model takes, and how it lies in memory."""

import ast
from collections.abc import Sequence
from typing import NamedTuple

from pi_classifier.errors import ModelError
from pi_classifier.runtimes.onnx.read import OnnxFile

CHANNELS = 3
LOOPS = frozenset({"Loop", "Scan"})
"""Operators that repeat others, as no model of pictures needs to."""
AGAIN = "export it with one input of float32, 1x3xHEIGHTxWIDTH"
FLOATS = ("float32",)


class PictureInput(NamedTuple):
    """The one input of a model of pictures: a batch of one."""

    height: int | None
    """Pixels; None where the file leaves it open."""
    width: int | None
    channels_last: bool
    """Whether its shape is 1 x height x width x 3, and not 1 x 3 x height x width."""
    dtype: str = "float32"
    """As numpy calls it."""


def picture_input(file: OnnxFile, dtypes: Sequence[str] = FLOATS) -> PictureInput:
    """What a file wants to see; `dtypes` are those that will do.

    Raises:
        ModelError: several inputs, or one that takes no picture, or none of this kind.
    """
    if len(file.inputs) != 1:
        given = ", ".join(map(str, file.inputs[:5])) or "none"
        raise ModelError(
            f"{file.name}: one input is due, a picture, and it has {len(file.inputs)} ({given})", remedy=AGAIN
        )
    (value,) = file.inputs
    shape = value.shape or ()
    if value.dtype not in dtypes or len(shape) != 4 or CHANNELS not in (shape[1], shape[3]):
        raise ModelError(f"{file.name}: takes no picture in {' or '.join(dtypes)} ({value})", remedy=AGAIN)
    if shape[0] not in (1, None):
        raise ModelError(
            f"{file.name}: takes {shape[0]} pictures at once ({value})", remedy="export it for a batch of 1"
        )
    if shape[1] == CHANNELS:
        return PictureInput(shape[2], shape[3], channels_last=False, dtype=value.dtype)
    return PictureInput(shape[1], shape[2], channels_last=True, dtype=value.dtype)


def check_ends(file: OnnxFile) -> None:
    """Raises ModelError for a file that has a loop in it."""
    if loops := file.operators & LOOPS:
        problem = f"{file.name}: has a loop in it ({min(loops)}), which might not end"
        raise ModelError(problem, remedy="export it without one")


def picture_size(file: OnnxFile, picture: PictureInput) -> tuple[int, int]:
    """Height and width in pixels; where the input leaves both open, what Ultralytics writes beside the model.

    Raises:
        ModelError: nothing tells them.
    """
    height, width = picture.height, picture.width
    if height is None and width is None:
        height, width = _exported(file.metadata.get("imgsz", ""))
    if height is None or width is None:
        remedy = "export it with a fixed height and width"
        raise ModelError(f"{file.name}: leaves its picture's size open", remedy=remedy)
    return height, width


def _exported(text: str) -> tuple[int | None, int | None]:
    """Of `imgsz`: `[224, 224]`."""
    try:
        size = ast.literal_eval(text[:40])
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None, None
    if isinstance(size, list) and len(size) == 2 and all(type(one) is int for one in size):
        return size[0], size[1]
    return None, None

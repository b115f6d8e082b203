"""The picture that a model takes, and how it lies in memory."""

from typing import NamedTuple

from pi_classifier.errors import ModelError
from pi_classifier.runtimes.onnx.read import OnnxFile

CHANNELS = 3
AGAIN = "export it with one input of float32, 1x3xHEIGHTxWIDTH"


class PictureInput(NamedTuple):
    """The one input of a model of pictures: float32, RGB, a batch of one."""

    height: int | None
    """Pixels; None where the file leaves it open."""
    width: int | None
    channels_last: bool
    """Whether its shape is 1 x height x width x 3, and not 1 x 3 x height x width."""


def picture_input(file: OnnxFile) -> PictureInput:
    """What a file wants to see.

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
    if value.dtype != "float32" or len(shape) != 4 or CHANNELS not in (shape[1], shape[3]):
        raise ModelError(f"{file.name}: takes no picture in float32 ({value})", remedy=AGAIN)
    if shape[0] not in (1, None):
        raise ModelError(
            f"{file.name}: takes {shape[0]} pictures at once ({value})", remedy="export it for a batch of 1"
        )
    if shape[1] == CHANNELS:
        return PictureInput(shape[2], shape[3], channels_last=False)
    return PictureInput(shape[1], shape[2], channels_last=True)

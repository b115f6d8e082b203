"""A file that a user names, as a detector."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from pi_classifier.runtimes.onnx.classifier import is_row
from pi_classifier.runtimes.onnx.read import read_onnx

if TYPE_CHECKING:
    # OpenCV comes with them, which nobody needs who only asks what a file is.
    from pi_classifier.detection.detector import Detector
    from pi_classifier.detection.limits import Limits


class Wishes(NamedTuple):
    """What the user says of a file that says too little."""

    labels: str = ""
    """A labels file, or empty."""
    decoder: str = ""
    """A decoder's name, or empty."""
    otherwise: str = ""
    """A labels file for an ONNX file that has no labels either, or empty."""


def is_detector(path: Path, *, by_name: bool) -> bool:
    """Whether an ONNX file is taken for a detector, and not for a classifier: by its task, or else by its outputs.

    `by_name` is whether the user calls it one, by a decoder's or a detector's name. Raises ModelError where it is no
    such file.
    """
    file = read_onnx(path)
    if "task" in file.metadata:
        return file.metadata["task"] == "detect"
    return by_name or any(output.shape is not None and not is_row(output.shape) for output in file.outputs)


def open_detector(path: Path, wishes: Wishes, limits: "Limits", *, threads: int | Literal["auto"]) -> "Detector":
    """A detector, ready to run.

    Args:
        path: an ONNX file, or a TFLite file by its ending.
        wishes: what the user says of it.
        limits: what is worth telling.
        threads: how many threads one inference may use.

    Raises:
        ConfigError: the runtime is not installed, there is no decoder of that name, labels are missing or unreadable.
        ModelError: the file cannot be used, is no detector, or cannot be told apart.
    """
    # Imported now: either runtime may not be there.
    from pi_classifier.detection.detector import Detector

    if path.suffix.lower() == ".tflite":
        from pi_classifier.detection.tflite import load_tflite

        return Detector(load_tflite(path, wishes.labels, wishes.decoder, threads), limits)
    from pi_classifier.detection.onnx import load_onnx

    return Detector(load_onnx(path, wishes.labels, wishes.decoder, threads, wishes.otherwise), limits)

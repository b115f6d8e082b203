"""What a detector is, whether it will be slow or inaccurate, and the pictures that its cameras should be asked for."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from pi_classifier.config.network_url import is_network
from pi_classifier.config.schema import CameraSettings, Settings, is_onnx, is_published_detector
from pi_classifier.detection.published import PUBLISHED, is_intact
from pi_classifier.doctor.finding import Finding, State
from pi_classifier.doctor.model_files import FLOAT_AGAIN, Places, is_slow
from pi_classifier.doctor.packages import Attempt
from pi_classifier.errors import ModelError
from pi_classifier.model import names_detector
from pi_classifier.runtimes.onnx.read import read_onnx

QUANTISED = "QuantizeLinear"
"""Operator of a model whose activations are int8, by scales that were fixed when it was made."""
SIZELESS = ("file:", "synthetic:")
"""Sources of which no size is asked that a camera would have to have."""


class Told(NamedTuple):
    """What the child process says of a detector that it has opened."""

    decoder: str
    classes: int
    input_width: int
    input_height: int
    camera_width: int
    """What suits the input."""
    camera_height: int


def detector(settings: Settings, places: Places, attempt: Callable[[str], Attempt]) -> list[Finding]:
    """What is to be said of the detector that the settings name; nothing where they name a classifier.

    `attempt` runs statements in a child process, as `Packages` does: to open a file takes its runtime and OpenCV.
    """
    model = settings.model
    if is_published_detector(model):
        published = PUBLISHED[model.name]
        path = published.place(places.store.folder)
        if not path.is_file() or not is_intact(path, published):
            seen = f"{path}: {'damaged' if path.is_file() else 'not downloaded'}"
            remedy = f"the first start downloads it; without a network copy {published.url} there"
            return [Finding("weights", State.WARNING, seen, remedy)]
        model = model.model_copy(update={"weights": str(path)})
    elif not _is_detector(settings):
        return []
    return _opened(settings.model_copy(update={"model": model}), attempt)


def _is_detector(settings: Settings) -> bool:
    """A file that cannot be read is left to who reads classifiers."""
    try:
        return names_detector(settings)
    except ModelError:
        return False


def _opened(settings: Settings, attempt: Callable[[str], Attempt]) -> list[Finding]:
    weights = settings.model.weights
    # Neither cameras, with their passwords, nor what else does not matter here.
    text = settings.model_dump_json(include={"model", "detect"})
    answer = attempt(f"from pi_classifier.doctor.child import tell; tell({text!r})")
    if answer.failure:
        remedy = "fix the runtime and OpenCV first"
        return [Finding("weights", State.PROBLEM, f"{weights}: cannot be opened: {answer.failure}", remedy)]
    said = json.loads(answer.answer)
    if "problem" in said:
        return [Finding("weights", State.PROBLEM, said["problem"], said["remedy"])]
    told = Told(**said)
    return [_weights(weights, told), _camera_size(settings.camera, told)]


def _weights(weights: str, told: Told) -> Finding:
    size = f"{told.input_width}x{told.input_height} pixels"
    seen = f"{weights}: a detector, decoder {told.decoder}, {size}, {told.classes} classes"
    operators = read_onnx(Path(weights)).operators if is_onnx(weights) else frozenset[str]()
    if is_slow(operators):
        return Finding("weights", State.WARNING, f"{seen}, quantised dynamically", FLOAT_AGAIN)
    if told.decoder == "yolox" and QUANTISED in operators:
        remedy = "take it in float32: int8 does not hold a YOLOX's boxes, and half of its accuracy is lost"
        return Finding("weights", State.WARNING, f"{seen}, in int8", remedy)
    return Finding("weights", State.OK, seen)


def _camera_size(cameras: tuple[CameraSettings, ...], told: Told) -> Finding:
    """What is asked for beside what should be; more costs time alone, and may be for the eye."""
    wanted = f"{told.camera_width}x{told.camera_height}"
    seen = f"{wanted} suits {told.input_width}x{told.input_height} pixels"
    asked = [one for one in cameras if _is_asked(one.source) and {"width", "height"} & one.model_fields_set]
    listed = "; ".join(f"{one.name}: {one.width}x{one.height} is asked for" for one in asked)
    seen = f"{seen}; {listed or 'no other is configured'}"
    if any(one.width < told.camera_width and one.height < told.camera_height for one in asked):
        remedy = f"set width = {told.camera_width} and height = {told.camera_height} in [[camera]]"
        return Finding("camera size", State.WARNING, seen, remedy)
    return Finding("camera size", State.OK, seen)


def _is_asked(source: str) -> bool:
    return not is_network(source) and not source.startswith(SIZELESS)

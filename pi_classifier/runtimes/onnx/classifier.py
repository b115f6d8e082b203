"""What an ONNX file says as a classifier: its labels, its picture, how that is prepared. It needs no ONNX Runtime."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pi_classifier.contracts.model import ModelMetadata
from pi_classifier.errors import ConfigError, ModelError, one_line
from pi_classifier.runtimes.labels import names_in, read_labels
from pi_classifier.runtimes.onnx.pictures import PictureInput, check_ends, picture_input, picture_size
from pi_classifier.runtimes.onnx.read import OnnxFile, Shape

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""With which torchvision's models, and most others, were trained."""
ULTRALYTICS_MEAN, ULTRALYTICS_STD = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
RESIZED = 256 / 224
"""To how much of the input's size a still picture's shorter side is scaled before its centre crop."""
SMALLEST, LARGEST = 16, 2048
"""Height and width in pixels."""
NO_CLASSIFIER = "name a classifier: one output of 1xCLASSES"


class Wishes(NamedTuple):
    """What the user says of a file that says too little."""

    labels: str = ""
    """A labels file, or empty."""
    mean: Sequence[float] = ()
    """Three, or none."""
    std: Sequence[float] = ()


class Classifier(NamedTuple):
    """A file that is one."""

    metadata: ModelMetadata
    channels_last: bool
    """Of its input."""


def classifier(file: OnnxFile, wishes: Wishes) -> Classifier:
    """What a file is as a classifier.

    Raises:
        ConfigError: the labels file cannot be read, or is needed.
        ModelError: it is no classifier of square pictures, or has another number of outputs than there are labels.
    """
    task = file.metadata.get("task", "classify")
    if task != "classify":
        raise ModelError(f"{file.name}: was made for the task {task[:40]!r}", remedy=NO_CLASSIFIER)
    check_ends(file)
    outputs = _outputs(file)
    picture = picture_input(file)
    size = _size(file, picture)
    labels = _labels(file, wishes.labels, outputs)
    return Classifier(_metadata(file, wishes, size, labels), picture.channels_last)


def _metadata(file: OnnxFile, wishes: Wishes, size: int, labels: tuple[str, ...]) -> ModelMetadata:
    # Ultralytics' own transform scales to the input's size and only divides by 255.
    theirs = "task" in file.metadata
    return ModelMetadata(
        name=one_line(Path(file.name).stem),
        weights=one_line(Path(file.name).name),
        weights_sha256=file.sha256,
        engine="cpu",
        activations="float32",
        input_size=size,
        resize_size=size if theirs else round(size * RESIZED),
        mean=_three(wishes.mean) or (ULTRALYTICS_MEAN if theirs else IMAGENET_MEAN),
        std=_three(wishes.std) or (ULTRALYTICS_STD if theirs else IMAGENET_STD),
        scale=1.0,
        zero_point=0,
        categories=labels,
        torch_version=file.producer.removeprefix("pytorch ") if file.producer.startswith("pytorch ") else "",
    )


def _outputs(file: OnnxFile) -> int | None:
    """How many classes; None where the file leaves it open."""
    if len(file.outputs) != 1:
        given = ", ".join(map(str, file.outputs[:5])) or "none"
        raise ModelError(f"{file.name}: has {len(file.outputs)} outputs ({given})", remedy=NO_CLASSIFIER)
    (value,) = file.outputs
    if value.shape is not None and not is_row(value.shape):
        raise ModelError(f"{file.name}: its output is no row of classes ({value})", remedy=NO_CLASSIFIER)
    return value.shape[1] if value.shape else None


def is_row(shape: Shape) -> bool:
    """Whether an output's shape is that of one value a class: 1 x classes, or so with ones behind."""
    return len(shape) >= 2 and shape[0] in (1, None) and all(size == 1 for size in shape[2:])


def _size(file: OnnxFile, picture: PictureInput) -> int:
    """Height and width in pixels."""
    height, width = picture_size(file, picture)
    if height != width or not SMALLEST <= height <= LARGEST:
        raise ModelError(
            f"{file.name}: takes pictures of {width}x{height} pixels",
            remedy=f"export it for a square one of {SMALLEST} to {LARGEST} pixels",
        )
    return height


def _labels(file: OnnxFile, labels_file: str, outputs: int | None) -> tuple[str, ...]:
    labels = read_labels(Path(labels_file)) if labels_file else names_in(file.metadata)
    if not labels:
        raise ConfigError(f"{file.name}: has no labels in it", remedy="name a file with a label a line with --labels")
    check_count(labels_file or file.name, labels, outputs if outputs is not None else len(labels))
    return labels


def check_count(where: str, labels: Sequence[str], outputs: int) -> None:
    """Raises ModelError where there are not as many labels as outputs; `where` the labels come from."""
    if len(labels) != outputs:
        remedy = "give a label for each output with --labels"
        raise ModelError(f"{where}: {len(labels)} labels for {outputs} outputs", remedy=remedy)


def _three(values: Sequence[float]) -> tuple[float, float, float] | None:
    return (values[0], values[1], values[2]) if values else None

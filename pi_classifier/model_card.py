"""What a prepared model is: engine, input, labels, origin. It travels inside the model's own file.

A prepared file is a TorchScript archive, which is a zip file; the card is one of its members. So model, labels and
pre-processing cannot drift apart, and the card can be read and judged without torch.
"""

import dataclasses
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Self

from pi_classifier.errors import ModelError

CARD_VERSION = 1
CARD_MEMBER = "model_card.json"
"""Name of the card among the archive's extra files, as `torch.jit.save(_extra_files=...)` takes it."""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Everything that must be known to feed the model and to read its answer."""

    name: str
    """Architecture, as torchvision names it: `mobilenet_v2`."""
    weights: str
    """`default`, `untrained` (random) or the name of the file they came from."""
    weights_sha256: str
    """Of the weights' file, hexadecimal; empty for `untrained`."""
    engine: str
    """The `torch.backends.quantized.engine` that the packed weights are for."""
    activations: str
    """dtype of the quantised activations: `quint8` or `qint8`."""
    input_size: int
    """Height and width of the model's input in pixels."""
    resize_size: int
    """The reference transform scales the shorter side of a still picture to this before its centre crop."""
    mean: tuple[float, float, float]
    """Subtracted from RGB values in [0, 1]."""
    std: tuple[float, float, float]
    """RGB values are divided by this after the mean was subtracted."""
    scale: float
    """Of the quantised input: real value = scale * (stored value - zero_point)."""
    zero_point: int
    categories: tuple[str, ...]
    """The label of each output, by class id."""
    torch_version: str
    """The torch that made the file."""
    published_acc1: float | None = None
    """Top-1 accuracy on ImageNet-1K in percent, as published with the weights."""
    published_acc5: float | None = None
    version: int = CARD_VERSION

    def to_json(self) -> str:
        """The card as one JSON object."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes, origin: str) -> Self:
        """The card that `to_json` wrote; `origin` is what a ModelError calls the file of another version's card."""
        try:
            values: dict[str, Any] = json.loads(text)
            version = values["version"]
        except (ValueError, TypeError, KeyError):
            raise ModelError(f"{origin}: its model card is unreadable; make the file anew with 'prepare'") from None
        if version != CARD_VERSION:
            raise ModelError(
                f"{origin}: prepared by another release (card version {version}, this one reads {CARD_VERSION}); "
                "make the file anew with 'prepare'"
            )
        if {field.name for field in dataclasses.fields(cls)} != set(values):
            raise ModelError(f"{origin}: its model card lacks fields; make the file anew with 'prepare'")
        for key in ("mean", "std", "categories"):
            values[key] = tuple(values[key])
        return cls(**values)


def read_card(file: Path | io.BytesIO, name: str) -> ModelCard | None:
    """The card inside a prepared file, or None where the file is none (a state dict, say).

    `name` is what an error calls the file. Raises ModelError for a damaged file and for a card of another version, and
    OSError where the file cannot be read.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            for member in archive.namelist():
                if PurePosixPath(member).parts[1:] == ("extra", CARD_MEMBER):
                    # torch checks no checksums when it loads, so they are checked here: milliseconds, all told.
                    if damaged := archive.testzip():
                        raise ModelError(f"{name}: damaged ({damaged}); make the file anew with 'prepare'")
                    return ModelCard.from_json(archive.read(member), origin=name)
    except zipfile.BadZipFile:
        return None
    return None

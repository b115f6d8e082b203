"""Which kind of detector a model is: told by its file's metadata and by the shapes of its outputs, never guessed."""

from collections.abc import Mapping

import numpy as np

from pi_classifier.detection.decoding import HIGHEST, Decoder, Ends, Outputs
from pi_classifier.detection.geometry import Size
from pi_classifier.detection.nanodet import NanoDet
from pi_classifier.detection.ssd import SSD, Torchvision
from pi_classifier.detection.ultralytics import EndToEnd, Raw
from pi_classifier.detection.yolox import YoloX
from pi_classifier.errors import ConfigError, ModelError

BY_SHAPES = {kind.name: kind for kind in (Raw, EndToEnd, YoloX, NanoDet)}
"""Of an ONNX file that is float32 at both ends."""
BY_ENDS = {kind.name: kind for kind in (SSD, Torchvision)}
"""Of one that says more at its ends."""
KINDS = (*BY_SHAPES, *BY_ENDS)
ULTRALYTICS = (Raw.name, EndToEnd.name)

FURTHEST = 16
"""Sizes of the input that a box of an empty picture may lie away."""
NEAREST = 2.0
"""Pixels from the corner that at least one box lies away, if there is any."""


def check_task(name: str, metadata: Mapping[str, str]) -> None:
    """Raises ModelError where an exporter says that a file was made for something else than boxes."""
    task = metadata.get("task", "detect")
    if task != "detect":
        raise ModelError(f"{name}: was made for the task {task[:40]!r}", remedy="name a detector, or a classifier")


def recognised(name: str, metadata: Mapping[str, str], ends: Ends, wanted: str = "") -> Decoder:
    """How a model's outputs are read.

    Args:
        name: what errors call the file.
        metadata: what its exporter wrote beside the model.
        ends: what it takes and gives.
        wanted: a decoder's name, or empty.

    Raises:
        ConfigError: there is no decoder of that name.
        ModelError: the outputs are not those of the decoder that is wanted, or of none or several.
    """
    if wanted and wanted not in KINDS:
        raise ConfigError(f"there is no decoder {wanted[:40]!r}", remedy=f"name one of {', '.join(KINDS)}")
    # Ultralytics' exporters alone write down a task.
    named = (wanted,) if wanted else ULTRALYTICS if "task" in metadata else ()
    found = [_fitting(kind, ends, certain=bool(named)) for kind in named or KINDS]
    decoders: list[Decoder] = [decoder for decoder in found if decoder is not None]
    if len(decoders) == 1:
        return decoders[0]
    given = f"it gives {_listed(ends)} for a picture of {ends.size.width}x{ends.size.height} in {ends.taken}"
    if decoders:
        names = " and ".join(decoder.name for decoder in decoders)
        raise ModelError(f"{name}: may be {names} ({given})", remedy="say which with --decoder NAME")
    if wanted:
        raise ModelError(f"{name}: is no {wanted} ({given})", remedy="name another --decoder, or leave it out")
    raise ModelError(
        f"{name}: is no detector that is known ({given})",
        remedy=f"export it otherwise, or say what it is with --decoder ({', '.join(KINDS)}) and --labels",
    )


def _fitting(kind: str, ends: Ends, *, certain: bool) -> Decoder | None:
    if kind in BY_ENDS:
        return BY_ENDS[kind].of(ends)
    return BY_SHAPES[kind].of(ends.shapes, ends.size, certain=certain) if ends.all_float32 else None


def check_answer(name: str, decoder: Decoder, outputs: Outputs, size: Size) -> None:
    """Whether numbers, too, are a decoder's: shapes alone do not tell boxes that are decoded already, or bare logits.

    Args:
        name: what errors call the file.
        decoder: that its shapes and the user ask for.
        outputs: of a picture with nothing in it.
        size: of the model's input.

    Raises:
        ModelError: scores are no probabilities, or boxes lie far outside the picture.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        found = decoder.candidates(outputs, 0.0)
        score = float(found.scores.max(initial=0))
        furthest = float(np.abs(found.boxes).max(initial=0))
    # Boxes of a pixel in a corner are those of models that tell parts of the picture, as RT-DETR does.
    if score > HIGHEST or not furthest <= FURTHEST * max(size) or 0 < furthest <= NEAREST:
        said = f"for an empty picture scores up to {score:.3g}, boxes up to {furthest:.3g} pixels from its corner"
        remedy = "export it with scores of 0 to 1 and boxes as that decoder has them, or name another --decoder"
        raise ModelError(f"{name}: what it gives is not as {decoder.name} has it ({said})", remedy=remedy)


def _listed(ends: Ends) -> str:
    texts = [
        ("x".join(map(str, shape)) or "a number") + ("" if dtype == "float32" else f" of {dtype}")
        for dtype, shape in list(zip(ends.dtypes, ends.shapes, strict=True))[:8]
    ]
    return ", ".join(texts) + (" and more" if len(ends.shapes) > 8 else "") if texts else "nothing"

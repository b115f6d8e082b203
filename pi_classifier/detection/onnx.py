"""A detector from an ONNX file."""

from pathlib import Path
from typing import Literal

import numpy as np

from pi_classifier.contracts.detection import DetectorMetadata
from pi_classifier.contracts.job import Tensor
from pi_classifier.detection.decoding import Decoder, Ends, Outputs
from pi_classifier.detection.detector import Loaded, Run
from pi_classifier.detection.geometry import Size
from pi_classifier.detection.letterbox import InputLayout
from pi_classifier.detection.recognition import check_answer, check_task, recognised
from pi_classifier.errors import ConfigError, ModelError, one_line
from pi_classifier.runtimes.labels import names_in, read_labels, without_background
from pi_classifier.runtimes.onnx.classifier import check_count
from pi_classifier.runtimes.onnx.pictures import check_ends, picture_input, picture_size
from pi_classifier.runtimes.onnx.read import OnnxFile, read_onnx
from pi_classifier.runtimes.threads import compute_threads

SMALLEST, LARGEST = 32, 2048
"""Height and width in pixels."""
DTYPES = ("float32", "uint8")
"""Of its input."""
MOST_NUMBERS = 1 << 25
"""That it may give for a picture; for one of the largest with 365 classes there are 32 million."""
NUMBERS = "fiu"
"""The kinds of dtypes that outputs may have, as numpy calls them."""


def load_onnx(
    path: Path, labels_file: str, decoder: str, threads: int | Literal["auto"], otherwise: str = ""
) -> Loaded:
    """A file, read, loaded and tried out.

    Args:
        path: the file.
        labels_file: the user's, or empty.
        decoder: the one that the user names, or empty.
        threads: how many threads one inference may use.
        otherwise: a labels file for one that has no labels either, or empty.

    Raises:
        ConfigError: ONNX Runtime is not installed, there is no decoder of that name, labels are missing or unreadable.
        ModelError: no ONNX file, or none that is run; no detector, or one that cannot be told apart.
    """
    file = read_onnx(path)
    check_task(file.name, file.metadata)
    check_ends(file)
    layout = _layout(file)
    labels = _labels(file, labels_file, otherwise)
    # What stands in the file needs no runtime: it is told even where that is not installed.
    from pi_classifier.runtimes.onnx.session import VERSIONS, Session

    session = Session(file, compute_threads(threads))
    tensor = layout.new_tensor()
    tensor.fill(0.5)
    outputs = session.run(tensor)
    found = _decoder(file, outputs, layout, decoder)
    if not labels:
        raise ConfigError(f"{file.name}: has no labels in it", remedy="name a file with a label a line with --labels")
    if found.background:
        labels = without_background(labels)
    if found.classes is not None:
        check_count(labels_file or file.name, labels, found.classes)
    run = _held(session.run, file.name, outputs, rows_vary=found.rows_vary)
    metadata = _metadata(file, found, layout.size, labels)
    return Loaded("onnx", VERSIONS, metadata, found, layout, lambda: run)


def _labels(file: OnnxFile, labels_file: str, otherwise: str) -> tuple[str, ...]:
    """The user's, else those in the file, else others; none where there are none."""
    known = () if labels_file else names_in(file.metadata)
    place = labels_file or otherwise
    return read_labels(Path(place)) if place and not known else known


def _layout(file: OnnxFile) -> InputLayout:
    picture = picture_input(file, DTYPES)
    height, width = picture_size(file, picture)
    if not (SMALLEST <= height <= LARGEST and SMALLEST <= width <= LARGEST):
        raise ModelError(
            f"{file.name}: takes pictures of {width}x{height} pixels",
            remedy=f"export it for {SMALLEST} to {LARGEST} pixels a side",
        )
    return InputLayout(Size(height, width), picture.channels_last, np.dtype(picture.dtype))


def _decoder(file: OnnxFile, outputs: Outputs, layout: InputLayout, wanted: str) -> Decoder:
    if not all(isinstance(output, np.ndarray) and output.dtype.kind in NUMBERS for output in outputs):
        raise ModelError(f"{file.name}: gives something else than numbers", remedy="export it in float32 again")
    if sum(output.size for output in outputs) > MOST_NUMBERS:
        remedy = "name a detector, exported for a batch of 1"
        raise ModelError(f"{file.name}: gives more numbers for a picture than any detector", remedy=remedy)
    if not all(np.isfinite(output).all() for output in outputs):
        raise ModelError(f"{file.name}: gives no numbers (NaN or infinity)", remedy="export it in float32 again")
    ends = Ends(
        size=layout.size,
        taken=str(np.dtype(layout.dtype)),
        names=[value.name for value in file.outputs],
        dtypes=[str(output.dtype) for output in outputs],
        shapes=[output.shape for output in outputs],
    )
    decoder = recognised(file.name, file.metadata, ends, wanted)
    check_answer(file.name, decoder, outputs, layout.size)
    return decoder


def _held(run: Run, name: str, first: Outputs, *, rows_vary: bool) -> Run:
    """The same, held to the shapes that it gave first, for its decoder was made for them."""
    expected = _shapes(first, rows_vary=rows_vary)

    def run_held(tensor: Tensor) -> Outputs:
        outputs = run(tensor)
        if _shapes(outputs, rows_vary=rows_vary) != expected:
            problem = f"{name}: gives outputs of another shape for another picture"
            raise ModelError(problem, remedy="export it with fixed shapes")
        return outputs

    return run_held


def _shapes(outputs: Outputs, *, rows_vary: bool) -> tuple[list[tuple[int, ...]], int]:
    """Shapes, and how many different numbers of rows there are; which, if they may vary, are not among the shapes."""
    return [output.shape[rows_vary:] for output in outputs], len({output.shape[:1] for output in outputs})


def _metadata(file: OnnxFile, decoder: Decoder, size: Size, labels: tuple[str, ...]) -> DetectorMetadata:
    path = Path(file.name)
    return DetectorMetadata(
        name=one_line(path.stem),
        weights=one_line(path.name),
        weights_sha256=file.sha256,
        engine="cpu",
        decoder=decoder.name,
        input_height=size.height,
        input_width=size.width,
        categories=labels,
    )

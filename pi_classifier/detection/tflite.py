"""A detector from a TFLite file of elsewhere: an SSD, with its labels in a ZIP archive behind the model."""

import contextlib
import hashlib
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pi_classifier.contracts.detection import DetectorMetadata
from pi_classifier.contracts.job import Tensor
from pi_classifier.detection.decoding import Outputs
from pi_classifier.detection.detector import Loaded
from pi_classifier.detection.geometry import Size
from pi_classifier.detection.letterbox import CHANNELS, InputLayout
from pi_classifier.detection.ssd import BYTES, FLOATS, SSD
from pi_classifier.errors import ConfigError, ModelError, one_line
from pi_classifier.runtimes.given_file import read_limited
from pi_classifier.runtimes.labels import labels_of, read_labels, without_background
from pi_classifier.runtimes.litert import VERSIONS, loaded, outputs_of, reason
from pi_classifier.runtimes.threads import compute_threads

LARGEST = 128 << 20
"""Bytes of a file."""
ARCHIVE = 1 << 20
"""Bytes at a file's end in which the archive has to lie, and of what is in it."""
POSTPROCESS = "TFLite_Detection_PostProcess"
NO_SSD = f"name an SSD that ends in {POSTPROCESS}, or an .onnx file"
PICTURES = {np.dtype(np.uint8): BYTES, np.dtype(np.float32): FLOATS}
UNREADABLE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError, UnicodeDecodeError,
    OSError,
)  # fmt: skip
"""What zipfile raises for an archive that it cannot read."""
SIDES = range(32, 2049)
"""Pixels of height and width."""


def load_tflite(path: Path, labels_file: str, decoder: str, threads: int | Literal["auto"]) -> Loaded:
    """A file, read, loaded and tried out.

    Args:
        path: the file.
        labels_file: the user's, or empty.
        decoder: `ssd`, or empty.
        threads: how many threads one inference may use.

    Raises:
        ConfigError: LiteRT is not installed, another decoder is wanted, labels are missing or unreadable.
        ModelError: no TFLite file, or no SSD.
    """
    if decoder not in ("", SSD.name):
        raise ConfigError(f"{path}: a .tflite file has no decoder but {SSD.name}", remedy="leave --decoder out")
    content = _content(path)
    labels = without_background(read_labels(Path(labels_file)) if labels_file else labels_in(str(path), content))
    file = _File(str(path), content, compute_threads(threads))
    given = file.load()
    layout = file.layout(given)
    run = file.new_run(given)
    run(layout.new_tensor())
    ssd = SSD(layout.size, PICTURES[np.dtype(layout.dtype)])
    metadata = _metadata(path, content, layout, labels)
    return Loaded("litert", VERSIONS, metadata, ssd, layout, file.new_run)


def labels_in(name: str, content: bytes) -> tuple[str, ...]:
    """The labels in the archive behind a model: its one text file. `name`: what errors call the model.

    Raises:
        ConfigError: there is none, or it is no list of labels.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content[-ARCHIVE:])) as archive:
            texts = [one for one in archive.infolist() if one.filename.lower().endswith(".txt")]
            found = [archive.read(one) for one in texts if len(texts) == 1 and one.file_size <= ARCHIVE]
    except UNREADABLE:
        found = []
    if not found:
        raise ConfigError(f"{name}: has no labels in it", remedy="name a file with a label a line with --labels")
    return labels_of(f"{name}: {texts[0].filename}", found[0])


class _File:
    """A TFLite file, of which each thread has an interpreter."""

    def __init__(self, name: str, content: bytes, threads: int) -> None:
        self._name, self._content, self._threads = name, content, threads

    def load(self) -> Any:
        """Raises ModelError where LiteRT does not take it."""
        with self._refused("load"):
            return loaded(self._content, self._threads)

    def layout(self, interpreter: Any) -> InputLayout:
        """Of its input. Raises ModelError where that takes no picture."""
        with self._refused("read"):
            inputs = interpreter.get_input_details()
        return _layout(self._name, inputs)

    def new_run(self, interpreter: Any = None) -> Callable[[Tensor], Outputs]:
        """Runs the model, by an interpreter of its own. Raises ModelError where it has none of an SSD's outputs."""
        used = interpreter or self.load()
        with self._refused("read"):
            outputs, (given, *_) = outputs_of(used, POSTPROCESS), used.get_input_details()
        if len(outputs) != 4:
            raise ModelError(f"{self._name}: is no detector that is known", remedy=NO_SSD)

        def run(tensor: Tensor) -> Sequence[NDArray[Any]]:
            with self._refused("run"):
                used.set_tensor(given["index"], tensor)
                used.invoke()
                return [used.get_tensor(index) for index in outputs]

        return run

    @contextlib.contextmanager
    def _refused(self, what: str) -> Iterator[None]:
        """LiteRT's errors, a name that is no text among them, as ModelError."""
        try:
            yield
        except (ValueError, RuntimeError) as error:
            problem = f"{self._name}: LiteRT does not {what} it ({reason(error)})"
            raise ModelError(problem, remedy="copy it again, or convert it again") from None


def _content(path: Path) -> bytes:
    try:
        return read_limited(path, LARGEST)
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}", remedy="name a readable file with --weights") from None


def _layout(name: str, inputs: Sequence[Mapping[str, Any]]) -> InputLayout:
    if len(inputs) != 1:
        raise ModelError(f"{name}: one input is due, a picture, and it has {len(inputs)}", remedy=NO_SSD)
    shape, dtype = tuple(inputs[0]["shape"].tolist()), np.dtype(inputs[0]["dtype"])
    if len(shape) != 4 or shape[0] != 1 or shape[3] != CHANNELS or dtype not in PICTURES:
        raise ModelError(f"{name}: takes no picture of bytes or float32 ({dtype} {shape})", remedy=NO_SSD)
    if shape[1] not in SIDES or shape[2] not in SIDES:
        remedy = f"convert it for {SIDES[0]} to {SIDES[-1]} pixels a side"
        raise ModelError(f"{name}: takes pictures of {shape[2]}x{shape[1]} pixels", remedy=remedy)
    return InputLayout(Size(shape[1], shape[2]), channels_last=True, dtype=dtype)


def _metadata(path: Path, content: bytes, layout: InputLayout, labels: tuple[str, ...]) -> DetectorMetadata:
    return DetectorMetadata(
        name=one_line(path.stem),
        weights=one_line(path.name),
        weights_sha256=hashlib.sha256(content).hexdigest(),
        engine="litert",
        decoder=SSD.name,
        input_height=layout.size.height,
        input_width=layout.size.width,
        categories=labels,
        activations=str(np.dtype(layout.dtype)),
    )

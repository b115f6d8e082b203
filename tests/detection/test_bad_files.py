"""Files that are no detectors, or such as nobody should have exported: refused in a line, within bounds."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pi_classifier.detection.limits import Limits
from pi_classifier.detection.opening import Wishes, open_detector
from pi_classifier.errors import ModelError, PiClassifierError
from tests.detection.files import COUNT, LABELS, NAMES, SIZE, ULTRALYTICS, detector, models, raw
from tests.runtimes.onnx.files import UINT8, helper, labels_file, numpy_helper, onnx, value, written
from tests.runtimes.onnx.files import model as made_of

TYPES = onnx.TensorProto
PICTURE = np.zeros((SIZE, SIZE, 3), np.uint8)
LIMITED = """
import resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_DATA, (int(sys.argv[2]), int(sys.argv[2])))
from pi_classifier.detection.opening import Wishes, open_detector
from pi_classifier.detection.limits import Limits
from pi_classifier.errors import PiClassifierError
try:
    open_detector(Path(sys.argv[1]), Wishes(), Limits(), threads=1)
except PiClassifierError as error:
    sys.exit(str(error))
"""
"""Opens a detector in a process that may fill so many bytes."""


def outcome(path: Path, labels: str = "") -> str:
    """Why it is not opened, one line that is not long; nothing where it is."""
    try:
        open_detector(path, Wishes(labels), Limits(), threads=1)
    except PiClassifierError as error:
        said = str(error)
    else:
        return ""
    assert len(said.splitlines()) == 1
    assert len(said) < 600
    return said


def refusal(path: Path, labels: str = "") -> str:
    """Why it is not opened."""
    said = outcome(path, labels)
    assert said
    return said


@pytest.mark.parametrize(
    ("picture", "taken", "words"),
    [
        ((1, 3, SIZE, SIZE), TYPES.FLOAT16, "takes no picture in float32 or uint8 (images: float16 1x3x64x64)"),
        ((1, 3, SIZE, SIZE), TYPES.DOUBLE, "images: float64 1x3x64x64"),
        ((1, 3, SIZE, SIZE), TYPES.INT8, "images: int8 1x3x64x64"),
        ((1, 4, SIZE, SIZE), TYPES.FLOAT, "images: float32 1x4x64x64"),
        ((3, SIZE, SIZE), TYPES.FLOAT, "images: float32 3x64x64"),
        (None, TYPES.FLOAT, "images: float32 of any shape"),
        ((1, 3, SIZE, "width"), TYPES.FLOAT, "leaves its picture's size open"),
        ((1, 3, 0, SIZE), TYPES.FLOAT, "takes pictures of 64x0 pixels"),
        ((1, 3, 1 << 40, 1 << 40), TYPES.FLOAT, "takes pictures of 1099511627776x1099511627776 pixels"),
        ((1, 3, SIZE, SIZE), UINT8, "1x6x84 for a picture of 64x64 in uint8"),
    ],
)
def test_inputs_that_are_not_fed(picture: Any, taken: int, words: str, tmp_path: Path) -> None:
    """Protects from pictures that a model would misunderstand: another dtype, channels or size is refused as found."""
    assert words in refusal(written(detector(raw(), picture=picture, taken=taken, metadata=ULTRALYTICS), tmp_path))


def test_two_inputs(tmp_path: Path) -> None:
    """Protects from models that want more than a picture, as RT-DETR does: what they want is told."""
    made = detector(raw(), metadata=ULTRALYTICS)
    made.graph.input.append(value("orig_target_sizes", (1, 2), TYPES.INT64))
    assert "it has 2 (images: float32 1x3x64x64, orig_target_sizes: int64 1x2)" in refusal(written(made, tmp_path))


def external(made: Any) -> None:
    """Its weights in another file."""
    tensor = made.graph.initializer[0]
    onnx.external_data_helper.set_external_data(tensor, location="weights.bin")
    tensor.ClearField("raw_data")
    tensor.data_location = TYPES.EXTERNAL


def foreign(made: Any) -> None:
    """An operator of another library, as TensorRT's plug-ins are."""
    made.graph.node.append(helper.make_node("EfficientNMS_TRT", ["mean"], ["kept"], domain="TRT"))


def unknown(made: Any) -> None:
    """One that says it is ONNX's own."""
    made.graph.node.append(helper.make_node("EfficientNMS_TRT", ["mean"], ["kept"]))


def looped(made: Any) -> None:
    """A loop, as converters of TensorFlow write it around their pre-processing."""
    made.graph.node.append(helper.make_node("Loop", ["", "mean"], ["kept"], body=made_of([], [], []).graph))


def with_function(made: Any) -> None:
    """An operator of its own."""
    function = helper.make_function("own", "f", ["x"], ["y"], [helper.make_node("Identity", ["x"], ["y"])], [])
    made.functions.append(function)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (external, "has its weights in other files"),
        (foreign, "'EfficientNMS_TRT' of 'TRT'"),
        (unknown, "does not load it"),
        (looped, "has a loop in it (Loop)"),
        (with_function, "defines operators of its own"),
        (lambda made: made.graph.ClearField("output"), ""),
        (lambda made: made.graph.ClearField("node"), ""),
    ],
    ids=["external data", "a plug-in", "unknown", "a loop", "functions", "no outputs", "no operators"],
)
def test_files_that_are_not_run(spoil: Callable[[Any], None], words: str, tmp_path: Path) -> None:
    """Protects the process: what ONNX Runtime should not see, or does not take, is refused in a line."""
    made = detector(raw(), metadata=ULTRALYTICS)
    spoil(made)
    assert words in refusal(written(made, tmp_path))


@pytest.mark.parametrize(
    "row",
    [[0.5, 0.5, 0.4, 0.6, 0.95, 1], [0.5, 0.5, 0.4, 0.6, 0.1, 0.9]],
    ids=["score and class", "a score for each of two classes"],
)
def test_parts_of_the_picture_in_the_place_of_pixels(row: list[float], tmp_path: Path) -> None:
    """Protects from boxes of a pixel: RT-DETR's rows are as long as those of an end-to-end model, and mean others."""
    answer = np.tile(np.array(row, np.float32), (1, 300, 1))
    path = written(detector(answer, metadata=ULTRALYTICS), tmp_path)
    assert "what it gives is not as end-to-end has it" in refusal(path)


@pytest.mark.parametrize("imgsz", ["{[]: 1}", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "[64, '64']"])
def test_a_size_that_is_none(imgsz: str, tmp_path: Path) -> None:
    """Protects from a traceback: whatever stands where an exporter writes the picture's size."""
    made = detector(raw(), picture=(1, 3, "height", "width"), metadata=ULTRALYTICS | {"imgsz": imgsz})
    assert "leaves its picture's size open" in refusal(written(made, tmp_path))


def test_cut_anywhere(tmp_path: Path) -> None:
    """Protects from half a file: cut at any byte it is refused in a line, but for a cut that leaves a whole model."""
    content = written(detector(raw(), metadata=ULTRALYTICS), tmp_path).read_bytes()
    path, labels = tmp_path / "cut.onnx", str(labels_file(tmp_path, LABELS))
    for length in range(0, len(content), 3):
        path.write_bytes(content[:length])
        # Behind the graph stands what the exporter wrote beside it; without that it may be a model all the same.
        assert outcome(path, labels) or length > 0.7 * len(content)


@pytest.mark.parametrize("ending", ["onnx", "tflite"])
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.mkdir(), "Is a directory"),
        (lambda path: path.write_bytes(b""), ""),
        (os.mkfifo, "no regular file"),
        (lambda path: path.symlink_to(path.name), "Too many levels of symbolic links"),
        (lambda path: path.symlink_to("/dev/zero"), "no regular file"),
        (lambda _: None, "No such file"),
    ],
    ids=["folder", "empty", "fifo", "a link to itself", "endless", "missing"],
)
def test_no_file_at_all(make: Callable[[Path], None], words: str, ending: str, tmp_path: Path) -> None:
    """Protects users, and from waiting for ever: what is no file with a content is refused as what it is."""
    path = tmp_path / f"model.{ending}"
    make(path)
    assert words in refusal(path, str(labels_file(tmp_path)))


@pytest.mark.parametrize(
    "names",
    ["{0: 'a', 2: 'b'}", "{'0': 'a', '1': 'b'}", "['a', '']", "['a', '\u202eb']", "['a', 'b\\x00']", "['a', 5]", "7"],
)
def test_names_that_are_none(names: str, tmp_path: Path) -> None:
    """Protects terminals, logs and pages: names with gaps, control or direction characters are none, which is told."""
    path = written(detector(raw(), metadata={**ULTRALYTICS, "names": names}), tmp_path)
    assert "has no labels in it; name a file with a label a line with --labels" in refusal(path)


def test_answers_of_a_gigabyte(tmp_path: Path) -> None:
    """Protects small boards: a file of a kilobyte that gives 60 million boxes is refused before they are looked at."""
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0),
        helper.make_node("Expand", ["mean", "shape"], ["output0"]),
    ]
    shape = numpy_helper.from_array(np.array([1, 6, 60_000_000]), "shape")
    outputs = [value("output0", None)]
    made = made_of(nodes, [value("images", (1, 3, SIZE, SIZE))], outputs, initializer=[shape])
    helper.set_model_props(made, ULTRALYTICS)
    path = written(made, tmp_path)
    command = [sys.executable, "-c", LIMITED, str(path), str(5 << 29)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert (ended.returncode, len(ended.stderr.splitlines())) == (1, 1), ended.stderr
    assert "gives more numbers for a picture than any detector" in ended.stderr


def test_a_hundred_thousand_of_an_end_to_end_model(tmp_path: Path) -> None:
    """Protects the loop: a model that has chosen a hundred thousand boxes by itself is held to the limit, too."""
    answer = np.tile(np.array([10, 10, 20, 20, 0.9, 1], np.float32), (1, 100_000, 1))
    path = written(detector(answer, metadata=ULTRALYTICS), tmp_path)
    found = open_detector(path, Wishes(), Limits(max_detections=7), threads=1).new_finder()(PICTURE)
    assert [one.label for one in found] == ["dog"] * 7


def growing() -> Any:
    """A YOLOX that gives a row more for every bright byte."""
    zeros, ones = np.zeros((1, COUNT, 7), np.float32), np.ones((1, 7), np.float32)
    constants = {"zeros": zeros, "ones": ones, "hundred": np.array(100, np.float32), "flat": np.array([-1])}
    constants |= {"nought": np.array(0, np.float32), "first": np.array([0])}
    nodes = [
        helper.make_node("Greater", ["images", "hundred"], ["bright"]),
        helper.make_node("Reshape", ["bright", "flat"], ["row"]),
        helper.make_node("NonZero", ["row"], ["places"]),
        helper.make_node("Transpose", ["places"], ["column"]),
        helper.make_node("Cast", ["column"], ["floats"], to=TYPES.FLOAT),
        helper.make_node("Mul", ["floats", "nought"], ["nothing"]),
        helper.make_node("Add", ["nothing", "ones"], ["more"]),
        helper.make_node("Unsqueeze", ["more", "first"], ["rows"]),
        helper.make_node("Concat", ["zeros", "rows"], ["output0"], axis=1),
    ]
    made = made_of(
        nodes,
        [value("images", (1, 3, SIZE, SIZE))],
        [value("output0", None)],
        initializer=[numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    helper.set_model_props(made, NAMES)
    return made


def test_shapes_that_follow_the_picture(tmp_path: Path) -> None:
    """Protects the loop from a traceback: a model that gives another shape for another picture is refused then."""
    find = open_detector(written(growing(), tmp_path), Wishes(), Limits(), threads=1).new_finder()
    assert find(PICTURE) == ()
    with pytest.raises(ModelError, match="another shape for another picture; export it with fixed shapes"):
        find(np.full_like(PICTURE, 255))


def test_a_file_that_is_replaced(tmp_path: Path) -> None:
    """Protects from a mixture: a file is read once, and what was checked is what runs, whatever becomes of the file."""
    path = written(detector(raw(), metadata=ULTRALYTICS), tmp_path)
    found = open_detector(path, Wishes(), Limits(), threads=1)
    path.write_bytes(b"something else")
    assert [one.label for one in found.new_finder()(PICTURE)] == ["dog"]
    path.unlink()
    assert [one.label for one in found.new_finder()(PICTURE)] == ["dog"]


@pytest.mark.parametrize("name", [b"normalized_input_image_tensor", b"TFLite_Detection_PostProcess:1"])
def test_a_tflite_file_with_names_that_are_no_text(name: bytes, test_data: Path, tmp_path: Path) -> None:
    """Protects from a traceback of LiteRT's making: a damaged name is a damaged file, and refused in a line."""
    (real,) = (models(test_data) / "models").glob("*.tflite")
    path = tmp_path / "model.tflite"
    path.write_bytes(real.read_bytes().replace(name, b"\xff" + name[1:]))
    assert "LiteRT does not read it" in refusal(path)

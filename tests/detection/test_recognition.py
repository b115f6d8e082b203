"""Which kind of detector a model is, by the shapes of its outputs."""

from collections.abc import Sequence

import pytest

from pi_classifier.detection.decoding import Ends
from pi_classifier.detection.geometry import Size
from pi_classifier.detection.recognition import recognised
from pi_classifier.errors import PiClassifierError

Shapes = list[tuple[int, ...]]
SIZE = Size(416, 416)
NANODET: Shapes = [(1, 2704, 80), (1, 676, 80), (1, 169, 80), (1, 2704, 32), (1, 676, 32), (1, 169, 32)]
THEIRS = {"task": "detect"}
TENSORFLOW = ("num_detections:0", "detection_scores:0", "detection_classes:0", "detection_boxes:0")
SSD: Shapes = [(1,), (1, 100), (1, 100), (1, 100, 4)]


def floats(shapes: Sequence[tuple[int, ...]], size: Size) -> Ends:
    """A model that is float32 at both ends, with names that say nothing."""
    return Ends(size, "float32", [f"output{n}" for n in range(len(shapes))], ["float32"] * len(shapes), shapes)


@pytest.mark.parametrize(
    ("shapes", "size", "metadata", "name"),
    [
        ([(1, 84, 2100)], Size(320, 320), THEIRS, "ultralytics"),
        ([(1, 84, 2100)], Size(320, 320), {}, "ultralytics"),
        ([(1, 84, 5000)], Size(320, 320), THEIRS, "ultralytics"),
        ([(1, 5, 3024)], Size(288, 512), THEIRS, "ultralytics"),
        ([(1, 300, 6)], Size(640, 640), THEIRS, "end-to-end"),
        ([(1, 300, 6)], Size(640, 640), {}, "end-to-end"),
        ([(1, 3549, 85)], SIZE, {}, "yolox"),
        ([(1, 3549, 6)], SIZE, {}, "yolox"),
        (NANODET, SIZE, {}, "nanodet"),
        (NANODET[::-1], SIZE, {}, "nanodet"),
    ],
)
def test_told_by_shapes(shapes: Shapes, size: Size, metadata: dict[str, str], name: str) -> None:
    """Protects files without flags: what a file says and gives is enough for each kind that is known."""
    assert recognised("m.onnx", metadata, floats(shapes, size)).name == name


@pytest.mark.parametrize(
    ("ends", "name"),
    [
        (Ends(SIZE, "uint8", TENSORFLOW, ["float32"] * 4, SSD), "ssd"),
        (Ends(SIZE, "uint8", TENSORFLOW[::-1], ["float32"] * 4, [*SSD[:0:-1], ()]), "ssd"),
        (Ends(SIZE, "float32", "abc", ["float32", "int64", "float32"], [(3, 4), (3,), (3,)]), "torchvision"),
        (Ends(SIZE, "float32", "abc", ["int64", "float32", "float32"], [(0,), (0,), (0, 4)]), "torchvision"),
    ],
)
def test_told_by_names_and_dtypes(ends: Ends, name: str) -> None:
    """Protects SSD: TensorFlow's by the names of its outputs, torchvision's by dtypes, in whatever order."""
    assert recognised("m.onnx", {}, ends).name == name
    assert recognised("m.onnx", {}, ends, name).name == name


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        (
            Ends(SIZE, "uint8", "abcd", ["float32"] * 4, SSD),
            "1, 1x100, 1x100, 1x100x4 for a picture of 416x416 in uint8",
        ),
        (Ends(SIZE, "float32", TENSORFLOW, ["float32"] * 4, SSD), "416x416 in float32"),
        (Ends(SIZE, "uint8", TENSORFLOW, ["int32", *["float32"] * 3], SSD), "1 of int32, 1x100"),
        (Ends(SIZE, "uint8", TENSORFLOW, ["float32"] * 4, [(1,), (1, 100), (1, 99), (1, 100, 4)]), "1x99"),
        (Ends(SIZE, "float32", "abc", ["float32"] * 3, [(3, 4), (3,), (3,)]), "3x4, 3, 3 for"),
        (Ends(SIZE, "float32", "abc", ["float32", "int64", "float32"], [(3, 4), (2,), (3,)]), "3x4, 2 of int64, 3"),
        (Ends(SIZE, "float32", "abc", ["float32", "int64", "float32"], [(1, 4), (), (1,)]), "a number of int64"),
        (Ends(SIZE, "uint8", "a", ["float32"], [(1, 3549, 85)]), "in uint8"),
        (Ends(SIZE, "float32", "a", ["float16"], [(1, 3549, 85)]), "1x3549x85 of float16"),
    ],
)
def test_what_does_not_say_enough(ends: Ends, words: str) -> None:
    """Protects against guesses: which of two outputs has the scores, or what a float picture holds, is not assumed."""
    with pytest.raises(PiClassifierError, match="is no detector that is known") as caught:
        recognised("m.onnx", {}, ends)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("shapes", "size", "metadata", "wanted", "words"),
    [
        ([(1, 84, 5000)], Size(320, 320), {}, "", "1x84x5000"),
        ([(1, 10647, 85)], SIZE, {}, "", "--decoder (ultralytics, end-to-end, yolox, nanodet, ssd, torchvision)"),
        ([(1, 525, 6)], Size(160, 160), {}, "", "may be end-to-end and yolox"),
        ([(1, 1000)], SIZE, {}, "", "1x1000"),
        ([(1, 3549, 85)], SIZE, THEIRS, "", "is no detector that is known"),
        ([(1, 3549, 85)], SIZE, {}, "nanodet", "is no nanodet"),
        ([(1, 3549, 85)], SIZE, {}, "yolo\nv9", "there is no decoder"),
        ([(1, count, 32) for count in (2704, 676, 169) * 2], SIZE, {}, "", "is no detector that is known"),
        ([(7,)] * 1000, SIZE, {}, "", "and more"),
        ([()], SIZE, {}, "", "a number"),
        ([], SIZE, {}, "", "nothing"),
        ([(2, 84, 2100)], Size(320, 320), THEIRS, "", "2x84x2100"),
    ],
)
def test_refused_in_words(shapes: Shapes, size: Size, metadata: dict[str, str], wanted: str, words: str) -> None:
    """Protects against guesses: what is unknown or may be several is refused in one line, with what was found."""
    with pytest.raises(PiClassifierError) as caught:
        recognised("m.onnx", metadata, floats(shapes, size), wanted)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_decoder_that_is_named() -> None:
    """Protects --decoder: of what may be several kinds it is the one that the user names."""
    shapes, size = [(1, 525, 6)], Size(160, 160)
    assert recognised("m.onnx", {}, floats(shapes, size), "yolox").name == "yolox"
    assert recognised("m.onnx", {}, floats(shapes, size), "end-to-end").name == "end-to-end"

"""Which kind of detector a model is, by the shapes of its outputs."""

import pytest

from pi_classifier.detection.geometry import Size
from pi_classifier.detection.recognition import recognised
from pi_classifier.errors import PiClassifierError

Shapes = list[tuple[int, ...]]
SIZE = Size(416, 416)
NANODET: Shapes = [(1, 2704, 80), (1, 676, 80), (1, 169, 80), (1, 2704, 32), (1, 676, 32), (1, 169, 32)]
THEIRS = {"task": "detect"}


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
    assert recognised("m.onnx", metadata, shapes, size).name == name


@pytest.mark.parametrize(
    ("shapes", "size", "metadata", "wanted", "words"),
    [
        ([(1, 84, 5000)], Size(320, 320), {}, "", "1x84x5000"),
        ([(1, 10647, 85)], SIZE, {}, "", "--decoder (ultralytics, end-to-end, yolox, nanodet)"),
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
        recognised("m.onnx", metadata, shapes, size, wanted)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_decoder_that_is_named() -> None:
    """Protects --decoder: of what may be several kinds it is the one that the user names."""
    shapes, size = [(1, 525, 6)], Size(160, 160)
    assert recognised("m.onnx", {}, shapes, size, "yolox").name == "yolox"
    assert recognised("m.onnx", {}, shapes, size, "end-to-end").name == "end-to-end"

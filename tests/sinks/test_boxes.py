"""Boxes on pictures: seen on any ground, readable, and nothing else of the picture is touched."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pi_classifier.contracts.detection import Box, Detection
from pi_classifier.contracts.frame import Pixels
from pi_classifier.sinks.boxes import Boxes
from pi_classifier.sinks.colours import colour_of
from pi_classifier.sinks.fonts import Fonts
from tests.sinks.test_colours import luminance

SIZES = [(96, 96), (100, 178), (240, 320), (480, 640), (1280, 720), (2160, 3840)]
DOG = 16
"""A class, whose colour is another than those of plain pictures."""

sides = st.integers(1, 40) | st.integers(1, 300)
labels = st.text(st.characters(exclude_categories=())) | st.text("ab wi", min_size=20, max_size=2000)
fractions = st.tuples(*[st.floats(0, 1)] * 4)


@pytest.fixture(scope="module")
def boxes() -> Boxes:
    """With the fonts that this machine has."""
    return Boxes()


def plain(height: int, width: int, brightness: int = 255) -> Pixels:
    """A picture of one grey."""
    return np.full((height, width, 3), brightness, np.uint8)


def dog(box: Box, label: str = "dog", confidence: float = 0.91, class_id: int = DOG) -> Detection:
    """An object."""
    return Detection(label, class_id, confidence, box)


def coloured(picture: Pixels, class_id: int = DOG) -> NDArray[np.bool_]:
    """Where a picture has the very colour of a class: bool, height x width."""
    found: NDArray[np.bool_] = (picture == colour_of(class_id)).all(axis=2)
    return found


def extent(where: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what is true."""
    rows, columns = np.flatnonzero(where.any(axis=1)), np.flatnonzero(where.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


@settings(deadline=None)
@given(height=sides, width=sides, objects=st.lists(st.tuples(fractions, labels, st.floats(0, 1)), max_size=8))
def test_any_object_on_any_picture(
    boxes: Boxes, height: int, width: int, objects: list[tuple[Box, str, float]]
) -> None:
    """Protects every copy from a box, a label or a size that nobody thought of, and the frame, which is borrowed."""
    pixels = plain(height, width)
    pixels.flags.writeable = False
    found = [
        dog((x1 * width, y1 * height, x2 * width, y2 * height), label, confidence, class_id=number)
        for number, ((x1, y1, x2, y2), label, confidence) in enumerate(objects)
    ]
    drawn = boxes.labelled(pixels, found)
    assert drawn.shape == pixels.shape
    assert drawn.dtype == np.uint8
    assert drawn.flags.writeable
    assert (pixels == 255).all()
    assert (drawn != pixels).any() == bool(objects)


@pytest.mark.parametrize("ground", [(0, 0, 0), (255, 255, 255), (128, 128, 128), colour_of(DOG)])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_outline_stands_out(boxes: Boxes, height: int, width: int, ground: tuple[int, int, int]) -> None:
    """Protects from boxes that cannot be seen: on any ground there is the class's colour beside black, 3 to 1.

    WCAG 2 asks that of what is no text.
    """
    pixels = np.full((height, width, 3), ground, np.uint8)
    box = (width * 0.3, height * 0.3, width * 0.7, height * 0.7)
    row = boxes.labelled(pixels, [dog(box)])[round(height * 0.6), : width // 2]
    edge = int(width * 0.3)
    assert tuple(row[edge]) == colour_of(DOG)
    assert tuple(row[edge - 1]) == (0, 0, 0)
    inner = next(x for x in range(edge, width // 2) if tuple(row[x]) != colour_of(DOG))
    assert tuple(row[inner]) == (0, 0, 0)
    assert (luminance(colour_of(DOG)) + 0.05) / 0.05 > 3
    assert (row[: edge - 6] == ground).all()


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_letters_fit_the_picture(boxes: Boxes, height: int, width: int) -> None:
    """Protects reading, from 96x96 to 2160 lines: the label stands above the box, in letters of a size to be read."""
    box = (width // 4, height // 2, width - 1, height - 1)
    drawn = boxes.labelled(plain(height, width), [dog(box)])
    left, top, right, bottom = extent(coloured(drawn)[: height // 2])
    assert (left, bottom) == (width // 4, height // 2)
    assert 11 <= bottom - top <= max(16, height // 28)
    assert 2 * (bottom - top) < right - left < width
    letters = (drawn[top:bottom, left:right] < 64).all(axis=2)
    assert 0.02 < letters.mean() < 0.4


def test_whole_picture_has_its_outline(boxes: Boxes) -> None:
    """Protects the nearest objects: a box that is the whole picture has its four sides within it."""
    drawn = coloured(boxes.labelled(plain(200, 300), [dog((0, 0, 300, 200))]))
    assert extent(drawn) == (0, 0, 300, 200)
    for side in (drawn[:, 0], drawn[:, -1], drawn[-1], drawn[0, 100:]):
        assert side.all()
    assert drawn.mean() < 0.1


def test_small_objects_can_still_be_seen(boxes: Boxes) -> None:
    """Protects what is looked for: the outline leaves most of an object of 10 pixels, however large the picture."""
    drawn = boxes.labelled(plain(2160, 3840), [dog((2000, 1000, 2010, 1010))])
    assert (drawn[1000:1010, 2000:2010] == 255).all(axis=2).mean() > 0.3


def test_percentages_leave_labels_where_they_are(boxes: Boxes) -> None:
    """Protects videos from labels that dance: only the percentage changes with the confidence."""
    box = (100, 200, 300, 400)
    one, other = (boxes.labelled(plain(480, 640), [dog(box, confidence=value)]) for value in (0.91, 0.34))
    assert extent(coloured(one)[:200])[:2] == extent(coloured(other)[:200])[:2]
    assert (one != other).any()
    assert (one[:, :128] == other[:, :128]).all(), "dog"


def test_the_best_is_on_top(boxes: Boxes) -> None:
    """Protects the surest object: where two boxes are one, it is its colour that shows."""
    box = (100, 100, 300, 300)
    drawn = boxes.labelled(plain(480, 640), [dog(box), dog(box, class_id=1)])
    assert coloured(drawn)[200, 100]
    assert not coloured(drawn, 1)[200].any()


def test_labels_do_not_cover_one_another(boxes: Boxes) -> None:
    """Protects crowds: two objects at one place have two whole labels."""
    box = (100, 100, 300, 300)
    alone = boxes.labelled(plain(480, 640), [dog(box)])
    drawn = boxes.labelled(plain(480, 640), [dog(box), dog(box, class_id=1)])
    _, top, right, bottom = extent(coloured(alone)[:100])
    assert (drawn[:, :right] == alone[:, :right]).all()
    left, *others = extent(coloured(drawn, 1))
    assert others == [top, 300, bottom]
    assert left > right


@pytest.mark.parametrize("side", [1, 2, 7])
def test_picture_too_small_for_letters_has_boxes(boxes: Boxes, side: int) -> None:
    """Protects thumbnails: where nothing could be read, there are boxes and no labels."""
    assert coloured(boxes.labelled(plain(side, side), [dog((0, 0, side, side))])).any()


def test_a_thousand_objects(boxes: Boxes) -> None:
    """Protects whoever asks for all of them: every one has its box, and the work for labels an end."""
    many = [dog((x, y, x + 3, y + 3), class_id=2) for y in range(0, 400, 10) for x in range(0, 250, 10)]
    drawn = boxes.labelled(plain(480, 640), [*many, dog((400, 200, 500, 300))])
    assert len(many) == 1000
    assert coloured(drawn, 2)[390:393, 240:243].any()
    assert extent(coloured(drawn)) == (400, 200, 500, 300)


def test_different_labels_look_different() -> None:
    """Protects the meaning: on a machine without fonts, too, what is in a label shows."""
    bare = Boxes(Fonts(folders=()))
    names = ("jellyfish", "jellyfush", "", "猫", "猫猫", "cat\x00", "cat", "<b>cat</b>")
    box = (50, 50, 150, 150)
    pictures = {bare.labelled(plain(256, 256), [dog(box, name)]).tobytes() for name in names}
    assert len(pictures) == len(names)

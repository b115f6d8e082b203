"""Labels on pictures: readable on any, and nothing else of the picture is touched."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pi_classifier.contracts.frame import Pixels
from pi_classifier.contracts.prediction import Score
from pi_classifier.sinks.fonts import Fonts
from pi_classifier.sinks.overlay import Overlay

LABELS = (
    "jellyfish",
    "sea anemone, anemone",
    "coral fungus",
    "isopod",
    "black and gold garden spider, Argiope aurantia",
)
SIZES = [(80, 200), (100, 90), (100, 178), (256, 256), (256, 144), (720, 1280), (1280, 720), (2160, 3840)]
BLACK, WHITE = 0, 255
Box = tuple[slice, slice]

sides = st.integers(1, 40) | st.integers(1, 300)
labels = st.text(st.characters(exclude_categories=())) | st.text("ab wi", min_size=20, max_size=2000)
scores = st.lists(st.builds(Score, st.integers(0, 999), labels, st.floats(0, 1)), max_size=8).map(tuple)


@pytest.fixture(scope="module")
def overlay() -> Overlay:
    """With the fonts that this machine has."""
    return Overlay()


def predicted(*names: str) -> tuple[Score, ...]:
    """Scores of these labels."""
    return tuple(Score(number, name, 0.5 / (number + 1)) for number, name in enumerate(names))


def plain(height: int, width: int, brightness: int = WHITE) -> Pixels:
    """A picture of one grey."""
    return np.full((height, width, 3), brightness, np.uint8)


def panel(overlay: Overlay, height: int, width: int, scores: tuple[Score, ...]) -> Box:
    """Where the panel lies: everything on white that is not white any more, and what that encloses."""
    changed = overlay.labelled(plain(height, width), scores)[:, :, 0] != WHITE
    if not changed.any():
        return slice(0, 0), slice(0, 0)
    rows, columns = (np.flatnonzero(changed.any(axis)) for axis in (1, 0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def letters(overlay: Overlay, height: int, width: int, scores: tuple[Score, ...]) -> NDArray[np.bool_]:
    """Where letters are: all that is not black on a picture that was. bool, height x width."""
    lit: NDArray[np.bool_] = overlay.labelled(plain(height, width, BLACK), scores)[:, :, 0] != BLACK
    return lit


def lines(overlay: Overlay, height: int, width: int, scores: tuple[Score, ...]) -> int:
    """How many lines of text are on a picture: rows with letters, next to such without."""
    lit = letters(overlay, height, width, scores).any(axis=1)
    return int(np.count_nonzero(lit & ~np.roll(lit, 1)))


@settings(deadline=None)
@given(height=sides, width=sides, scores=scores, seed=st.integers(0, 9))
def test_any_label_on_any_picture(
    overlay: Overlay, height: int, width: int, scores: tuple[Score, ...], seed: int
) -> None:
    """Protects every copy from a label or a size that nobody thought of, and the picture outside of the panel."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    before = pixels.copy()
    pixels.flags.writeable = False
    drawn = overlay.labelled(pixels, scores)
    assert drawn.shape == pixels.shape
    assert drawn.dtype == np.uint8
    assert drawn.flags.writeable
    assert (pixels == before).all()
    drawn[panel(overlay, height, width, scores)] = before[panel(overlay, height, width, scores)]
    assert (drawn == before).all()


@pytest.mark.parametrize("brightness", [BLACK, 128, WHITE])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_letters_stand_out(overlay: Overlay, height: int, width: int, brightness: int) -> None:
    """Protects reading: on dark, grey and bright pictures there is white on what is dark enough, 7 to 1.

    The formula of luminance is that of sRGB, and of contrast that of WCAG 2, which calls 7 enough for anybody.
    """
    five = predicted(*LABELS)
    part = overlay.labelled(plain(height, width, brightness), five)[panel(overlay, height, width, five)]
    ground, white = (((int(value) / 255 + 0.055) / 1.055) ** 2.4 for value in (part.min(), part.max()))
    assert (white + 0.05) / (ground + 0.05) > 7
    assert (part == part.min()).mean() > 0.5


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_every_class_has_its_line_within_the_picture(overlay: Overlay, height: int, width: int) -> None:
    """Protects from labels that are cut off: as many lines as classes, and the panel ends before the picture does."""
    # Without descenders, which reach into the next line.
    five = predicted("nail", "sea anemone, anemone", "coral", "ocarina", "barn owl, " * 20)
    rows, columns = panel(overlay, height, width, five)
    assert lines(overlay, height, width, five) == len(five)
    assert rows.start > 0
    assert rows.stop < height
    assert columns.start > 0
    assert columns.stop < width


def test_long_label_is_shortened(overlay: Overlay) -> None:
    """Protects the beginning of long labels, and the eye: that something is missing shows as an ellipsis."""
    long, longer, short = (letters(overlay, 256, 256, predicted("m" * length)) for length in (100, 2_000_000, 9))
    assert (long == longer).all()
    assert (long & short == short).all()
    last = long[:, np.flatnonzero(long.any(axis=0))[-1]]
    assert last.sum() < 3, "a dot's height"


def test_text_stands_still(overlay: Overlay) -> None:
    """Protects videos from a panel that dances: neither labels nor probabilities move it, or the labels in it."""
    rows, columns = panel(overlay, 480, 640, predicted("a", "b"))
    for names in (("gypsy moth", "水母"), ("x" * 900, ""), ("É", "ภาษาไทย")):
        other_rows, other_columns = panel(overlay, 480, 640, predicted(*names))
        assert other_rows == rows
        assert other_columns.start == columns.start
    right = {
        tuple(np.flatnonzero(letters(overlay, 480, 640, (Score(0, "MMM", probability),)).any(axis=0))[-20:])
        for probability in (1.0, 0.999, 0.5, 0.001)
    }
    assert len(right) == 1


@pytest.mark.parametrize("side", [1, 2, 7])
def test_picture_too_small_for_letters_stays_as_it_is(overlay: Overlay, side: int) -> None:
    """Protects thumbnails: where nothing could be read nothing is drawn."""
    assert (overlay.labelled(plain(side, side), predicted(*LABELS)) == WHITE).all()


def test_tiny_picture_has_what_fits(overlay: Overlay) -> None:
    """Protects icons and patches of CIFAR's size: the first labels, without percentages."""
    assert lines(overlay, 32, 32, predicted("one", "two", "three", "four")) == 2
    sure, unsure = (overlay.labelled(plain(32, 32), (Score(0, "one", probability),)) for probability in (0.9, 0.1))
    assert (sure == unsure).all()


def test_no_scores_no_panel(overlay: Overlay) -> None:
    """Protects frames without a prediction: a copy of their own, as they are."""
    pixels = plain(100, 100, 90)
    drawn = overlay.labelled(pixels, ())
    assert (drawn == pixels).all()
    assert not np.shares_memory(drawn, pixels)


def test_different_labels_look_different() -> None:
    """Protects the meaning: on a machine without fonts, too, what is in a label shows."""
    bare = Overlay(Fonts(folders=()))
    names = ("jellyfish", "jellyfush", "", "猫", "猫猫", "cat\x00", "cat")
    pictures = [bare.labelled(plain(256, 256, BLACK), predicted(name)).tobytes() for name in names]
    assert len(set(pictures)) == len(names)

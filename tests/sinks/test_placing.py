"""Where labels stand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.sinks.placing import Rectangle, placed

WIDTH, HEIGHT = 200, 100
LABEL = (40, 10)


def spans(limit: int) -> st.SearchStrategy[tuple[int, int]]:
    """Two different numbers up to a limit, in order."""
    return st.lists(st.integers(0, limit), min_size=2, max_size=2, unique=True).map(sorted).map(tuple)  # type: ignore[arg-type]


boxes = st.tuples(spans(WIDTH), spans(HEIGHT)).map(lambda of: (of[0][0], of[1][0], of[0][1], of[1][1]))
sizes = st.tuples(st.integers(1, WIDTH + 50), st.integers(1, HEIGHT + 50)) | st.just(LABEL)
labelled = st.lists(st.tuples(boxes, sizes), max_size=40)


@given(labelled)
def test_none_over_another_and_all_within(labelled: list[tuple[Rectangle, tuple[int, int]]]) -> None:
    """Protects reading: whatever the boxes and the labels, no label covers another, or leaves the picture."""
    sizes = [size for _, size in labelled]
    places = placed([box for box, _ in labelled], sizes, WIDTH, HEIGHT)
    assert len(places) == len(labelled)
    covered: set[tuple[int, int]] = set()
    for place, (width, height) in zip(places, sizes, strict=True):
        if place is None:
            continue
        left, top = place
        assert 0 <= left <= WIDTH - width
        assert 0 <= top <= HEIGHT - height
        pixels = {(x, y) for x in range(left, left + width) for y in range(top, top + height)}
        assert not pixels & covered
        covered |= pixels


@pytest.mark.parametrize(
    ("box", "place"),
    [
        ((50, 40, 120, 70), (50, 30)),
        ((50, 5, 120, 70), (50, 70)),
        ((50, 5, 120, 95), (50, 5)),
        ((190, 40, 200, 70), (160, 30)),
        ((0, 0, WIDTH, HEIGHT), (0, 0)),
    ],
    ids=["above", "below", "inside", "shifted", "whole picture"],
)
def test_a_label_stands_at_its_box(box: Rectangle, place: tuple[int, int]) -> None:
    """Protects the eye, which looks for a label above the box, then below it, then in it."""
    assert placed([box], [LABEL], WIDTH, HEIGHT) == [place]


def test_labels_of_one_place_move_apart() -> None:
    """Protects crowds: objects at the same place have labels around it, the best one's where it is looked for."""
    first, *others = placed([(50, 40, 100, 60)] * 8, [LABEL] * 8, WIDTH, HEIGHT)
    assert first == (50, 30)
    assert None not in others
    assert len({first, *others}) == 8


def test_what_has_no_room_has_no_label() -> None:
    """Protects small pictures: a label that is larger than the picture, or the second where one fits, is left out."""
    assert placed([(0, 0, 40, 10)] * 3, [(41, 10), LABEL, LABEL], 40, 10) == [None, (0, 0), None]

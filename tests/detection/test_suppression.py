"""Of many candidates each object once, in bounded time."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.detection.decoding import chosen
from pi_classifier.detection.suppression import MOST_CANDIDATES, Candidates, best, suppressed

FLOATS = st.floats(0, 500, width=32)
CANDIDATES = st.lists(
    st.tuples(FLOATS, FLOATS, st.floats(1, 300, width=32), st.floats(1, 300, width=32), st.floats(0, 1, width=32)),
    max_size=60,
)


def candidates(boxes: list[list[float]], scores: list[float], class_ids: list[int]) -> Candidates:
    """Of plain lists."""
    return Candidates(
        np.array(boxes, np.float32).reshape(-1, 4), np.array(scores, np.float32), np.array(class_ids, np.int64)
    )


def overlap(one: list[float], other: list[float]) -> float:
    """Intersection over union of two boxes."""
    common = np.prod(np.clip(np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2]), 0, None))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return float(common / (sum(areas) - common))


@given(CANDIDATES, st.integers(1, 3), st.floats(0.1, 0.9))
def test_what_is_kept(rows: list[tuple[float, ...]], classes: int, iou: float) -> None:
    """Protects NMS: no two of a class overlap further than allowed, the best of each is there, and their order."""
    boxes = [[left, top, left + width, top + height] for left, top, width, height, _ in rows]
    class_ids = [number % classes for number in range(len(rows))]
    given_ones = candidates(boxes, [row[4] for row in rows], class_ids)
    kept = suppressed(given_ones, iou)
    assert (np.diff(kept.scores) <= 0).all()
    if rows:
        assert kept.scores[0] == given_ones.scores.max()
    listed = kept.boxes.tolist()
    for number, box in enumerate(listed):
        for other in range(number):
            same = kept.class_ids[number] == kept.class_ids[other]
            assert not same or overlap(box, listed[other]) <= iou + 1e-3


def test_boxes_are_compared_as_boxes() -> None:
    """Protects against corners that are taken for widths: far from the origin two neighbours are two objects."""
    kept = suppressed(candidates([[400, 400, 440, 440], [440, 400, 480, 440]], [0.9, 0.8], [0, 0]), 0.45)
    assert len(kept.scores) == 2


def test_classes_do_not_suppress_one_another() -> None:
    """Protects a rider on a horse: of two classes in one place both stay, of one class the better."""
    box = [10.0, 10.0, 50.0, 50.0]
    kept = suppressed(candidates([box, box, box], [0.6, 0.9, 0.7], [0, 1, 1]), 0.45)
    assert kept.class_ids.tolist() == [1, 0]
    assert np.allclose(kept.scores, [0.9, 0.6])


def test_a_hundred_thousand_candidates() -> None:
    """Protects the loop: however many cells score high, so many are compared as every frame can afford."""
    random = np.random.default_rng(1)
    scores = random.random((100_000, 80), np.float32)
    found = chosen(scores, 0.3)
    assert len(found.scores) == MOST_CANDIDATES
    assert found.scores.min() >= np.partition(scores.reshape(-1), -MOST_CANDIDATES)[-MOST_CANDIDATES]
    corners = random.random((100_000, 2), np.float32) * 600
    boxes = np.hstack([corners, corners + 20])
    many = Candidates(boxes, scores[:, 0], np.zeros(100_000, np.int64))
    assert 0 < len(suppressed(many, 0.99).scores) <= MOST_CANDIDATES


@given(st.lists(st.sampled_from([0.1, 0.5, 0.9]), max_size=30), st.integers(1, 30))
def test_the_best_come_first(scores: list[float], most: int) -> None:
    """Protects order: best first, those that are equal as they came in, and no more than asked for."""
    found = best(candidates([[0, 0, 1, 1]] * len(scores), scores, list(range(len(scores)))), most)
    assert found.scores.tolist() == sorted(np.array(scores, np.float32).tolist(), reverse=True)[:most]
    assert all(
        found.class_ids[n] < found.class_ids[n + 1]
        for n in range(len(found.scores) - 1)
        if len(scores) <= most and found.scores[n] == found.scores[n + 1]
    )


def test_a_cell_counts_for_each_class() -> None:
    """Protects accuracy: a cell that is unsure of two classes tells of both, and NaN of none."""
    found = chosen(np.array([[0.5, 0.4, 0.1], [np.nan, 0.2, 0.9]], np.float32), 0.3)
    assert list(zip(found.cells.tolist(), found.class_ids.tolist(), strict=True)) == [(0, 0), (0, 1), (1, 2)]

"""The drawn scene: what it shows, and that it can be drawn again."""

from collections import Counter
from contextlib import closing
from itertools import islice, pairwise
from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.contracts.frame import Pixels
from pi_classifier.sources.scene import LABELS, SHIFTS, Scene
from pi_classifier.sources.synthetic import SECONDS, Synthetic

SMOOTHED = 2
"""Pixels beyond a shape's corners, for its edges are drawn smoothly."""


def frames_of(source: Synthetic, count: int) -> list[Pixels]:
    """Copies of its first frames."""
    with closing(source.frames()) as frames:
        return [frame.pixels.copy() for frame in islice(frames, count)]


def scene(*, width: int = 160, height: int = 120, fps: float = 1, seed: int = 0) -> Synthetic:
    """A small one."""
    return Synthetic("front", width=width, height=height, fps=fps, seed=seed)


def test_every_shape_in_turn() -> None:
    """Protects who looks on: each shape stays for some seconds, then comes another, and all come equally often."""
    source, each = scene(fps=5), round(5 * SECONDS)
    shown = [source.label(number * each) for number in range(2 * len(LABELS))]
    assert Counter(shown) == dict.fromkeys(LABELS, 2)
    assert all(one != other for one, other in pairwise(shown))
    assert {source.label(number) for number in range(each)} == {shown[0]}


def test_no_two_frames_in_a_row_are_alike() -> None:
    """Protects whatever tells a frozen camera by equal frames, and tests that tell frames apart."""
    frames = frames_of(scene(fps=36), 300)
    assert all(not np.array_equal(one, other) for one, other in pairwise(frames))


def test_same_seed_same_pixels() -> None:
    """Protects tests and reports of faults: a scene can be drawn again, and another seed draws another."""
    first, again, other = (frames_of(scene(seed=seed), 9) for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first[0], other[0])
    labels, others = ([scene(seed=seed).label(4 * turn) for turn in range(20)] for seed in (3, 4))
    assert labels != others


def test_slow_camera_shows_a_shape_a_frame() -> None:
    """Protects low rates: below a frame in the time of a shape there is one for each frame."""
    assert scene(fps=0.1).label(0) != scene(fps=0.1).label(1)


@given(st.integers(0, 1000), st.floats(0, 1), st.sampled_from([(160, 90), (90, 160)]))
def test_shape_stays_where_a_model_sees_it(seed: int, share: float, size: tuple[int, int]) -> None:
    """Protects the labels: nothing of a shape is outside of the square in the middle, whatever the frame's aspect."""
    width, height = size
    noise = np.zeros((height + SHIFTS, width + SHIFTS, 3), np.uint8)
    frames = []
    for class_id in (0, 12):
        rng = Random(seed)  # noqa: S311 - to be repeated
        frames.append(np.empty((height, width, 3), np.uint8))
        Scene(class_id, rng, width=width, height=height).draw(frames[-1], noise, number=0, share=share)
    rows, columns = np.nonzero((frames[0] != frames[1]).any(axis=2))
    for places, length in ((rows, height), (columns, width)):
        edge = (length - min(size)) / 2
        assert places.size
        assert edge - SMOOTHED <= places.min() <= places.max() < length - edge + SMOOTHED

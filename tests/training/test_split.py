"""The division of pictures into those to learn from and those that judge."""

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pi_classifier.collecting.folder import Part
from pi_classifier.training.dataset import Item
from pi_classifier.training.split import NEAR, from_bits, near_twins, split, to_bits, twins_across, unit
from tests.training.test_head import blobs

SIZE = 40


def directions(numbers: list[int]) -> NDArray[np.float32]:
    """Features that are twins where the numbers are equal, and have a cosine of 0 elsewhere."""
    chosen: NDArray[np.float32] = np.eye(SIZE, dtype=np.float32)[numbers]
    return chosen


@st.composite
def datasets(draw: st.DrawFn) -> tuple[list[Item], NDArray[np.float32]]:
    """Items without parts, with features."""
    described = draw(
        st.lists(
            st.tuples(st.integers(0, 2), st.sampled_from(["", "x", "y", "z"]), st.integers(0, SIZE - 1)), min_size=1
        )
    )
    described.sort(key=lambda one: one[0])
    items = [Item(Path(str(index)), class_id, session, None) for index, (class_id, session, _) in enumerate(described)]
    return items, directions([number for *_, number in described])


@given(datasets(), st.integers(0, 2**32 - 1))
def test_division_keeps_groups_together(dataset: tuple[list[Item], NDArray[np.float32]], seed: int) -> None:
    """Protects the accuracy from flattery: each picture is on one side, no group on both, every class is learnt."""
    items, features = dataset
    found = split(items, features, seed)
    learnt, judging = set(found.learnt.tolist()), set(found.judging.tolist())
    assert learnt | judging == set(range(len(items)))
    assert not learnt & judging
    for class_id in {item.class_id for item in items}:
        own = [index for index, item in enumerate(items) if item.class_id == class_id]
        assert learnt & set(own)
        # At most a quarter, or one group.
        sessions = {items[index].session for index in own}
        by_session = len(sessions) > 1 and "" not in sessions
        groups = [items[index].session if by_session else int(features[index].argmax()) for index in own]
        if len(set(groups)) == 1:
            assert class_id in found.alone
            continue
        assert class_id not in found.alone
        sides = {group: {own[place] in judging for place, one in enumerate(groups) if one == group} for group in groups}
        assert all(len(side) == 1 for side in sides.values())
        assert judging & set(own)


@given(datasets(), st.integers(0, 2**32 - 1))
def test_division_is_that_of_its_seed(dataset: tuple[list[Item], NDArray[np.float32]], seed: int) -> None:
    """Protects repeatability: the same pictures and seed give the same division."""
    first, again = split(*dataset, seed), split(*dataset, seed)
    assert np.array_equal(first.learnt, again.learnt)
    assert np.array_equal(first.judging, again.judging)


def test_a_quarter_judges() -> None:
    """Protects the balance: of single pictures, a quarter of each class judges, and other seeds take others."""
    items = [Item(Path(str(index)), index // 20, "", None) for index in range(40)]
    found = [split(items, directions(list(range(40))), seed) for seed in (0, 1)]
    assert [len(one.judging) for one in found] == [10, 10]
    assert sum(index < 20 for index in found[0].judging.tolist()) == 5
    assert found[0].judging.tolist() != found[1].judging.tolist()


def test_given_parts_win_and_their_twins_are_found() -> None:
    """Protects who divided pictures themselves: it is left so, and a twin across the parts is reported."""
    parts: list[Part] = ["train", "validation", "train", "test"]
    items = [Item(Path(str(index)), 0, "one", part) for index, part in enumerate(parts)]
    features = directions([1, 2, 2, 3])
    found = split(items, features, 0)
    assert (found.learnt.tolist(), found.judging.tolist()) == ([0, 2], [1])
    assert twins_across(features, found) == [(1, 2)]


@given(st.integers(1, 60), st.integers(0, 1000))
def test_groups_are_closed_under_likeness(count: int, seed: int) -> None:
    """Protects the grouping itself: nothing is near to a member of another group, and all are in one group."""
    features = unit(np.random.default_rng(seed).normal(0, 0.3, (count, 3)).astype(np.float32) + np.float32(1))
    groups = near_twins(features)
    assert sorted(index for group in groups for index in group) == list(range(count))
    cosines = features @ features.T
    for group in groups:
        others = np.setdiff1d(np.arange(count), group)
        assert not np.any(cosines[group][:, others] > NEAR)


def test_blobs_of_one_class_are_not_all_twins() -> None:
    """Protects the tests of the head, which learn from these."""
    features, _ = blobs(seed=0)
    assert len(near_twins(unit(features))) > 10


@given(st.integers(0, 200), st.data())
def test_bits_tell_the_indices(count: int, data: st.DataObject) -> None:
    """Protects what a bundle says of the pictures that it learnt: any choice of any number of pictures comes back."""
    chosen = sorted(data.draw(st.sets(st.integers(0, count - 1)))) if count else []
    text = to_bits(np.array(chosen, np.intp), count)
    assert from_bits(text, count).tolist() == chosen
    assert len(text) == 2 * ((count + 7) // 8)

"""Which pictures are learnt from and which judge: never two of one session, and never two that are nearly one picture.

A random split of a camera's pictures puts a picture among those that judge whose neighbour, taken half a second
earlier, was learnt; the accuracy is then near to 100 %, and says nothing.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pi_classifier.training.dataset import Item

NEAR = 0.95
"""Cosine of the features above which two pictures are twins. Half a second apart they have 0.97 to 0.99; of different
pictures of one class 99 % are below 0.914."""
JUDGING = 0.25
"""The part of each class's pictures that judges."""
_BLOCK = 1024
"""Rows of the matrix of cosines at a time: for thousands of pictures all of it is too large for a Raspberry Pi."""
Group = list[int]
"""The indices of pictures that stay together."""


class Split(NamedTuple):
    """Indices of pictures, ascending."""

    learnt: NDArray[np.intp]
    judging: NDArray[np.intp]
    alone: tuple[int, ...]
    """The classes that are all one group, from which pictures were taken nevertheless: accuracy is optimistic."""


def unit(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each vector, shape (..., n_features), at the length 1; one of zeros stays."""
    length = np.linalg.norm(features, axis=-1, keepdims=True)
    scaled: NDArray[np.float32] = features / np.maximum(length, np.float32(1e-9))
    return scaled


def split(items: Sequence[Item], features: NDArray[np.float32], seed: int) -> Split:
    """The given parts where there are such; else a quarter of each class's groups judges.

    Args:
        items: the pictures.
        features: of each, float32, shape (n_pictures, n_features).
        seed: the same gives the same.
    """
    if any(item.part for item in items):
        return _given(items)
    rng, directions = np.random.default_rng(seed), unit(features)
    judging: list[int] = []
    alone: list[int] = []
    for class_id in sorted({item.class_id for item in items}):
        own = [index for index, item in enumerate(items) if item.class_id == class_id]
        groups = _groups([items[index].session for index in own], directions[own])
        if len(groups) == 1:
            alone.append(class_id)
            # The last ones by name, and so in time, for these have the fewest neighbours that are learnt.
            judging += own[len(own) - round(JUDGING * len(own)) :]
        else:
            judging += [own[index] for index in _chosen(groups, rng)]
    learnt = np.setdiff1d(np.arange(len(items)), judging)
    return Split(learnt, np.array(sorted(judging), np.intp), tuple(alone))


def to_bits(indices: NDArray[np.intp], count: int) -> str:
    """A bit for each of so many pictures, 1 for these; hexadecimal, the first bit the highest."""
    bits = np.zeros(count, bool)
    bits[indices] = True
    return np.packbits(bits).tobytes().hex()


def from_bits(text: str, count: int) -> NDArray[np.intp]:
    """The indices that `to_bits` was given."""
    octets = np.frombuffer(bytes.fromhex(text), np.uint8)
    return np.flatnonzero(np.unpackbits(octets, count=min(count, 8 * len(octets))))


def twins_across(features: NDArray[np.float32], parts: Split) -> list[tuple[int, int]]:
    """Pictures that judge and the learnt one that each is nearly the same as, the most alike, as pairs of indices.

    `features`: float32, shape (n_pictures, n_features).
    """
    directions, pairs = unit(features), []
    for index in parts.judging.tolist():
        cosines = directions[parts.learnt] @ directions[index]
        nearest = int(cosines.argmax())
        if cosines[nearest] > NEAR:
            pairs.append((index, int(parts.learnt[nearest])))
    return pairs


def near_twins(directions: NDArray[np.float32]) -> list[Group]:
    """Pictures in groups: of two in different groups none is near to the other.

    `directions`: of length 1, float32, shape (n_pictures, n_features).
    """
    parent = list(range(len(directions)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    for start in range(0, len(directions), _BLOCK):
        near = directions[start : start + _BLOCK] @ directions.T > NEAR
        for row, column in np.argwhere(near).tolist():
            first, second = sorted((root(start + row), root(column)))
            parent[second] = first
    groups: dict[int, Group] = {}
    for index in range(len(directions)):
        groups.setdefault(root(index), []).append(index)
    return list(groups.values())


def _given(items: Sequence[Item]) -> Split:
    """The part `validation` judges, or `test` where there is none of that."""
    parts = np.array([item.part for item in items])
    judge = "validation" if "validation" in parts else "test"
    return Split(np.flatnonzero(parts == "train"), np.flatnonzero(parts == judge), ())


def _groups(sessions: Sequence[str], directions: NDArray[np.float32]) -> list[Group]:
    """By session where there are at least two; else by likeness: a name such as IMG_0042 tells no session."""
    if len(set(sessions)) < 2 or "" in sessions:
        return near_twins(directions)
    groups: dict[str, Group] = {}
    for index, session in enumerate(sessions):
        groups.setdefault(session, []).append(index)
    return list(groups.values())


def _chosen(groups: Sequence[Group], rng: np.random.Generator) -> Group:
    """Groups with about a quarter of the pictures together; at least one group, and never all."""
    wanted = round(JUDGING * sum(map(len, groups)))
    chosen: Group = []
    for number in rng.permutation(len(groups)).tolist():
        if len(chosen) + len(groups[number]) <= wanted:
            chosen += groups[number]
    return chosen or min(groups, key=len)

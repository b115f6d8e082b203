"""Prototypes, and the threshold by pictures that were not learnt."""

import numpy as np
import pytest
from numpy.typing import NDArray

from pi_classifier.runtimes.novelty import Features, Novelty
from pi_classifier.training.unknown import REFUSED, each, prototypes, threshold
from tests.training.test_head import CLASSES, blobs


def stored(seed: int, count: int = 90) -> tuple[Features, NDArray[np.intp]]:
    """Blobs as bytes, and their classes."""
    features, labels = blobs(seed, count)
    return np.clip(features * 20, 0, 255).astype(np.uint8), labels


@pytest.mark.parametrize("count", [3, 66, 67, 300])
def test_threshold_refuses_no_more_than_it_may(count: int) -> None:
    """Protects the known: of the pictures that judge at most three in two hundred are called unknown, of few none."""
    centres, (judging, _) = prototypes(*stored(0), CLASSES), stored(1, count)
    is_unknown = Novelty(centres, threshold(centres, judging))
    assert sum(map(is_unknown, judging)) == int(REFUSED * count)


def test_stranger_is_refused() -> None:
    """Protects the purpose: features in a direction of their own are unknown."""
    centres, (judging, _) = prototypes(*stored(0), CLASSES), stored(1)
    stranger = (255 - centres.max(axis=0)).astype(np.uint8)
    assert Novelty(centres, threshold(centres, judging))(stranger)


def test_a_class_of_two_kinds_has_both() -> None:
    """Protects classes of many shapes: what lies between two kinds of a class, and is like neither, is unknown."""
    rng = np.random.default_rng(0)
    kinds = rng.integers(0, 200, (2, 64))
    kinds[0, :32] = kinds[1, 32:] = 0
    features = np.clip(np.repeat(kinds, 20, axis=0) + rng.integers(0, 20, (40, 64)), 0, 255).astype(np.uint8)
    labels = np.zeros(40, np.intp)
    between = ((kinds[0] + kinds[1]) // 2).astype(np.uint8)
    centres = prototypes(features, labels, 1)
    is_unknown = Novelty(centres, threshold(centres, features))
    assert is_unknown(between)
    assert sum(map(is_unknown, features)) == 0
    assert len(centres) == each(1)


@pytest.mark.parametrize("classes", [1, 2, 50, 51, 400, 1000])
def test_a_frame_is_compared_with_a_bounded_number(classes: int) -> None:
    """Protects the frame rate: however many classes, a frame is compared with 400 prototypes, or with one of each."""
    assert 1 <= each(classes) <= 8
    assert each(classes) * classes <= max(400, classes)


def test_one_picture_is_enough() -> None:
    """Protects small classes: fewer pictures than prototypes are no obstacle."""
    features = np.arange(64, dtype=np.uint8)[None].repeat(2, axis=0)
    assert prototypes(features, np.array([0, 1]), 2).shape == (2 * each(2), 64)

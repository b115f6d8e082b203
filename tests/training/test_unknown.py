"""Prototypes, and the threshold by pictures that were not learnt."""

import numpy as np
import pytest
from numpy.typing import NDArray

from pi_classifier.runtimes.novelty import Features, Novelty
from pi_classifier.training.unknown import REFUSED, prototypes, threshold
from tests.training.test_head import CLASSES, blobs


def stored(seed: int, count: int = 90) -> tuple[Features, NDArray[np.intp]]:
    """Blobs as bytes, and their classes."""
    features, labels = blobs(seed, count)
    return np.clip(features * 20, 0, 255).astype(np.uint8), labels


@pytest.mark.parametrize("count", [3, 49, 51, 300])
def test_threshold_refuses_no_more_than_it_may(count: int) -> None:
    """Protects the known: of the pictures that judge at most two in a hundred are called unknown, of few none."""
    centres, (judging, _) = prototypes(*stored(0), CLASSES), stored(1, count)
    is_unknown = Novelty(centres, threshold(centres, judging))
    assert sum(map(is_unknown, judging)) == int(REFUSED * count)


def test_stranger_is_refused() -> None:
    """Protects the purpose: features in a direction of their own are unknown."""
    centres, (judging, _) = prototypes(*stored(0), CLASSES), stored(1)
    stranger = (255 - centres.max(axis=0)).astype(np.uint8)
    assert Novelty(centres, threshold(centres, judging))(stranger)

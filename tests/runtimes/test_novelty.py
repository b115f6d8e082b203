"""What is like none of the classes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.runtimes.classification import Classification
from pi_classifier.runtimes.novelty import Answer, Features, Novelty, cosines
from pi_classifier.runtimes.open_set import OpenSetClassification, open_set

PROTOTYPES = np.array([[255, 0, 0, 10], [0, 255, 30, 0]], np.uint8)
BYTES = st.lists(st.integers(0, 255), min_size=4, max_size=4).map(lambda values: np.array(values, np.uint8))
LOGITS = np.array([2, 1], np.float32)


@given(BYTES, st.floats(0, 1))
def test_rule_is_the_cosine_to_the_nearest_prototype(features: Features, threshold: float) -> None:
    """Protects the threshold's meaning: what is known has a cosine above it, and the length of features is nothing."""
    (nearest,) = cosines(PROTOTYPES, features[None])
    if abs(nearest - threshold) > 1e-9:
        assert Novelty(PROTOTYPES, threshold)(features) == (nearest < threshold)
        assert Novelty(PROTOTYPES, threshold)(features // 2 * 2) == Novelty(PROTOTYPES, threshold)(features // 2)


@given(st.lists(BYTES, min_size=1, max_size=9), st.floats(0, 1), st.permutations(range(4)))
def test_order_of_summing_changes_nothing(features: list[Features], threshold: float, order: list[int]) -> None:
    """Protects equality between machines: products and sums are exact, in whatever order a processor adds."""
    moved = Novelty(np.ascontiguousarray(PROTOTYPES[:, order]), threshold)
    assert [moved(one[order]) for one in features] == [Novelty(PROTOTYPES, threshold)(one) for one in features]


def test_nothing_at_all_is_unknown() -> None:
    """Protects from a division by zero: features of zeros are like nothing, at any threshold."""
    assert Novelty(PROTOTYPES, 0.0)(np.zeros(4, np.uint8))


def test_unknown_is_one_class_more_and_stands_alone() -> None:
    """Protects all that reads results: the id behind the last, the probability 1, and nothing else beside it."""
    classify = OpenSetClassification(("a", "b"), 2, lambda features: bool(features[0]))
    unknown = classify(Answer(LOGITS, np.ones(4, np.uint8)))
    assert unknown.probabilities.tolist() == [0, 0, 1]
    assert [(score.class_id, score.label, score.probability) for score in unknown.scores] == [(2, "unknown", 1.0)]
    known = classify(Answer(LOGITS, np.zeros(4, np.uint8)))
    plain = Classification(("a", "b"), 2)(LOGITS)
    assert known.scores == plain.scores
    assert known.probabilities.tolist() == [*plain.probabilities.tolist(), 0]


def test_turned_off_it_is_the_plain_classification() -> None:
    """Protects `unknown = false`: features are passed over, and there is no class more."""
    result = open_set(("a", "b"), 2, None)(Answer(LOGITS, np.zeros(4, np.uint8)))
    assert result.probabilities.size == 2
    assert result.scores == Classification(("a", "b"), 2)(LOGITS).scores


@pytest.mark.parametrize("threshold", [-0.5, 0.0, 0.99])
def test_prototype_itself_is_known(threshold: float) -> None:
    """Protects the classes: a picture just like the learnt ones is never refused."""
    for prototype in PROTOTYPES:
        assert not Novelty(PROTOTYPES, threshold)(prototype)

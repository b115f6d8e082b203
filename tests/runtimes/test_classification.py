"""Logits to named classes."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pi_classifier.runtimes.classification import Classification

LOGITS = arrays(np.float32, 50, elements=st.integers(-80, 80).map(lambda step: step * 0.1531))


@given(logits=LOGITS, top_k=st.integers(1, 60))
def test_agrees_with_torch(logits: np.ndarray[tuple[int], np.dtype[np.float32]], top_k: int) -> None:
    """Protects the probabilities: softmax and order are torch's, on the coarse grid where ties are common."""
    categories = [f"class {number}" for number in range(50)]
    result = Classification(categories, top_k)(logits)
    expected = torch.softmax(torch.from_numpy(logits), 0).numpy()
    assert len(result.scores) == min(top_k, 50)
    best = [score.probability for score in result.scores]
    np.testing.assert_allclose(best, np.sort(expected)[::-1][:top_k], rtol=1e-5)
    for score in result.scores:
        assert score.label == f"class {score.class_id}"
        np.testing.assert_allclose(score.probability, expected[score.class_id].item(), rtol=1e-5)
    assert result.probabilities.dtype == np.float32
    np.testing.assert_allclose(result.probabilities, expected, rtol=1e-5)


@given(logits=LOGITS, top_k=st.integers(1, 50))
def test_ties_are_settled_by_class_id(logits: np.ndarray[tuple[int], np.dtype[np.float32]], top_k: int) -> None:
    """Protects the log from flicker: of equal logits the lower class id wins, also at the end of the list."""
    scores = Classification([""] * 50, top_k)(logits).scores
    expected = sorted(range(50), key=lambda class_id: (-logits[class_id], class_id))[:top_k]
    assert [score.class_id for score in scores] == expected

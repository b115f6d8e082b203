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
    top = Ranking(categories, top_k)(logits)
    expected = torch.softmax(torch.from_numpy(logits), 0)
    assert len(top) == min(top_k, 50)
    np.testing.assert_allclose([one.probability for one in top], np.sort(expected.numpy())[::-1][:top_k], rtol=1e-5)
    for one in top:
        assert one.label == f"class {one.class_id}"
        np.testing.assert_allclose(one.probability, expected[one.class_id].item(), rtol=1e-5)


@given(logits=LOGITS, top_k=st.integers(1, 50))
def test_ties_are_settled_by_class_id(logits: np.ndarray[tuple[int], np.dtype[np.float32]], top_k: int) -> None:
    """Protects the log from flicker: of equal logits the lower class id wins, also at the end of the list."""
    top = Ranking([""] * 50, top_k)(logits)
    expected = sorted(range(50), key=lambda class_id: (-logits[class_id], class_id))[:top_k]
    assert [one.class_id for one in top] == expected

"""The interval of an accuracy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.training.accuracy import Accuracy


@pytest.mark.parametrize(
    ("correct", "total", "expected"),
    # Of statsmodels' proportion_confint(correct, total, method="wilson").
    [(8, 10, (0.490162, 0.943318)), (0, 5, (0.0, 0.434482)), (5, 5, (0.565518, 1.0)), (171, 204, (0.781573, 0.882400))],
)
def test_interval_is_wilsons(correct: int, total: int, expected: tuple[float, float]) -> None:
    """Protects the figure that people decide by: it is the interval of the textbooks."""
    assert Accuracy(correct, total).interval == pytest.approx(expected, abs=2e-4)


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_interval_holds_the_share(total: int, part: float) -> None:
    """Protects from nonsense at the ends: the interval is within 0 and 1, and the share within it."""
    accuracy = Accuracy(round(part * total), total)
    low, high = accuracy.interval
    assert 0 <= low <= accuracy.share + 1e-9
    assert accuracy.share - 1e-9 <= high <= 1

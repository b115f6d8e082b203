"""How sure an accuracy is."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_Z = 1.959964
"""Standard deviations on either side that hold 95 % of a normal distribution."""


class Accuracy(NamedTuple):
    """So many right answers of so many."""

    correct: int
    total: int
    """At least 1."""

    @classmethod
    def of(cls, right: NDArray[np.bool_]) -> "Accuracy | None":
        """Of answers that are right or not; None of none."""
        return cls(int(np.count_nonzero(right)), len(right)) if len(right) else None

    @property
    def share(self) -> float:
        """0 to 1."""
        return self.correct / self.total

    @property
    def interval(self) -> tuple[float, float]:
        """The true share with a confidence of 95 %, by Wilson (1927): 0 to 1."""
        square = _Z**2
        centre = self.correct + square / 2
        reach = _Z * math.sqrt(self.correct * (self.total - self.correct) / self.total + square / 4)
        scale = self.total + square
        return max(0.0, (centre - reach) / scale), min(1.0, (centre + reach) / scale)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.share:.1%} ({low:.1%} to {high:.1%} with 95 % confidence, {self.total} pictures)"

"""Logits to named classes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pi_classifier.contracts.prediction import Probabilities, Result, Score


class Classification:
    """Probabilities and the k best classes of one frame's logits. One per thread: it owns what it lends."""

    def __init__(self, categories: Sequence[str], top_k: int) -> None:
        """`categories`: the label of each logit. `top_k`: how many to name; all of them if there are fewer."""
        self._categories = tuple(categories)
        self._k = min(top_k, len(self._categories))
        self._exponentials = np.empty(len(self._categories), np.float32)
        self._probabilities = np.empty_like(self._exponentials)

    def __call__(self, logits: NDArray[np.float32], geometry: object = None) -> Result:  # noqa: ARG002 - a detector's
        """Softmax, then the k best, best first; exact ties, which quantised logits do have, in order of class id.

        `logits`: float32, shape (n_classes,).
        """
        exponentials = self._exponentials
        # Less the maximum: exp never overflows, and the softmax is the same.
        np.subtract(logits, logits.max(), out=exponentials)
        np.exp(exponentials, out=exponentials)
        total = exponentials.sum()
        np.divide(exponentials, total, out=self._probabilities)
        # A partition finds the k-th value in linear time but may pick any of several equal ones;
        # sorting the few that reach it settles ties the same way every time.
        kth = np.partition(logits, -self._k)[-self._k]
        candidates = np.flatnonzero(logits >= kth)
        order = candidates[np.argsort(-logits[candidates], kind="stable")][: self._k]
        scale = float(total)
        scores = tuple(
            Score(class_id, self._categories[class_id], float(exponentials[class_id]) / scale)
            for class_id in order.tolist()
        )
        return Result(self._probabilities, scores)


def best(probabilities: Probabilities, categories: Sequence[str], top_k: int) -> tuple[Score, ...]:
    """The k best classes, best first, ties in order of class id; all of them if there are fewer."""
    order = np.argsort(-probabilities, kind="stable")[:top_k]
    return tuple(Score(one, categories[one], float(probabilities[one])) for one in order.tolist())

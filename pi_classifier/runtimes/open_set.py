"""Logits and features to named classes, or to none of them."""

from collections.abc import Callable, Sequence

import numpy as np

from pi_classifier.contracts.prediction import Result, Score
from pi_classifier.runtimes.classification import Classification
from pi_classifier.runtimes.novelty import UNKNOWN, Answer, Features


class OpenSetClassification:
    """As `Classification`, but what is like no class is `unknown`, which is one class more. One per thread."""

    def __init__(self, categories: Sequence[str], top_k: int, is_unknown: Callable[[Features], bool]) -> None:
        """`categories`: the label of each logit, without `unknown`. `is_unknown`: asked of each frame's features."""
        self._known = Classification(categories, top_k)
        self._is_unknown = is_unknown
        self._probabilities = np.zeros(len(categories) + 1, np.float32)
        self._unknown = (Score(len(categories), UNKNOWN, 1.0),)

    def __call__(self, answer: Answer, geometry: object = None) -> Result:  # noqa: ARG002 - a detector's
        """Either `unknown` alone, with the probability 1, or what the classification says of the classes."""
        if self._is_unknown(answer.features):
            self._probabilities[:-1] = 0
            self._probabilities[-1] = 1
            return Result(self._probabilities, self._unknown)
        known = self._known(answer.logits)
        self._probabilities[:-1] = known.probabilities
        self._probabilities[-1] = 0
        return Result(self._probabilities, known.scores)


def open_set(
    categories: Sequence[str], top_k: int, is_unknown: Callable[[Features], bool] | None
) -> Callable[..., Result]:
    """A classification of answers with features, which are passed over where `is_unknown` is None."""
    if is_unknown:
        return OpenSetClassification(categories, top_k, is_unknown)
    classification = Classification(categories, top_k)
    return lambda answer, geometry=None: classification(answer.logits)  # noqa: ARG005 - a detector's

"""Whether a picture is like any that a model of own classes learnt: one rule for both runtimes.

Softmax cannot tell: of several classes one is always the best. The features of the picture are compared with
prototypes of each class instead, by the cosine of the angle between them.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

UNKNOWN = "unknown"
"""The label of what is like no class; reserved, so no class has it."""
Features = NDArray[np.uint8]
"""The bytes of quint8: shape (n_features,), or of several pictures (n_pictures, n_features)."""


class Answer(NamedTuple):
    """What a program of own classes gives for one picture."""

    logits: NDArray[np.float32]
    """Shape (n_classes,)."""
    features: Features
    """Shape (n_features,)."""


class Novelty:
    """The rule. It may be shared between threads.

    All products are of whole numbers and their sums exact in float64, whatever the order of summing: every machine
    gives the same answer.
    """

    label = UNKNOWN
    """Of what it finds like no class."""

    def __init__(self, prototypes: Features, threshold: float) -> None:
        """`prototypes`: shape (n_prototypes, n_features). `threshold`: what is known has a cosine above it, 0 to 1."""
        self._prototypes = prototypes.astype(np.float64)
        self._lengths = np.sqrt(np.square(self._prototypes).sum(axis=1))
        self._reach = threshold * self._lengths

    def __call__(self, features: Features) -> bool:
        """Whether a picture is like no class. `features`: shape (n_features,)."""
        values = features.astype(np.float64)
        return not bool(np.any(self._prototypes @ values > self._reach * math.sqrt(values @ values)))


def cosines(prototypes: Features, features: Features) -> NDArray[np.float64]:
    """The cosine to the nearest prototype, shape (n_pictures,). `features`: shape (n_pictures, n_features)."""
    centres, values = prototypes.astype(np.float64), features.astype(np.float64)
    lengths = np.sqrt(np.square(values).sum(axis=1)) * np.sqrt(np.square(centres).sum(axis=1))[:, None]
    nearest: NDArray[np.float64] = (centres @ values.T / np.maximum(lengths, 1e-9)).max(axis=0)
    return nearest

"""What of own classes tells them from everything else: a prototype of each, and how near to one is near enough."""

import numpy as np
from numpy.typing import NDArray

from pi_classifier.runtimes.novelty import Features, cosines
from pi_classifier.training.split import unit

REFUSED = 0.02
"""The part of known pictures that may be called unknown."""
_MARGIN = 1e-6
"""Of a cosine: the nearest picture that is still known lies this much above the threshold."""


def prototypes(features: Features, labels: NDArray[np.intp], classes: int) -> Features:
    """For each class the mean direction of its pictures, stretched to the bytes 0 to 255.

    Args:
        features: of the pictures that were learnt, shape (n_pictures, n_features).
        labels: their class ids.
        classes: how many there are; each has a picture.
    """
    directions = unit(features.astype(np.float32))
    means = np.stack([directions[labels == class_id].mean(axis=0) for class_id in range(classes)])
    stretched: Features = np.rint(means * (255 / np.maximum(means.max(axis=1, keepdims=True), 1e-9))).astype(np.uint8)
    return stretched


def threshold(centres: Features, features: Features) -> float:
    """The cosine above which a picture is known, so that of these at most `REFUSED` are not.

    Args:
        centres: the prototypes.
        features: of known pictures that were not learnt, shape (n_pictures, n_features); at least one.
    """
    nearest = np.sort(cosines(centres, features))
    return float(nearest[int(REFUSED * len(nearest))]) - _MARGIN

"""What of own classes tells them from everything else: prototypes of each, and how near to one is near enough."""

import numpy as np
from numpy.typing import NDArray

from pi_classifier.runtimes.novelty import Features, cosines
from pi_classifier.training.split import unit

EACH = 8
"""Prototypes of a class: with one, blocks that were retrained to tell the classes apart take strangers for a class."""
ALL = 400
"""Prototypes at most, where there are classes enough: each frame is compared with all of them."""
_ROUNDS = 10
REFUSED = 0.015
"""The part of known pictures that may be called unknown, of those that set the threshold. Of those that come afterwards
it is somewhat more, up to 3 % (benchmarks/training.py)."""
Floats = NDArray[np.float32]
_MARGIN = 1e-6
"""Of a cosine: the nearest picture that is still known lies this much above the threshold."""


def prototypes(features: Features, labels: NDArray[np.intp], classes: int) -> Features:
    """For each class the mean directions of its kinds of pictures, stretched to the bytes 0 to 255.

    Args:
        features: of the pictures that were learnt, shape (n_pictures, n_features).
        labels: their class ids.
        classes: how many there are; each has a picture.

    Returns:
        Shape (n_classes * `each(classes)`, n_features), class by class; of few pictures some are there twice.
    """
    directions = unit(features.astype(np.float32))
    means = np.concatenate([_kinds(directions[labels == class_id], each(classes)) for class_id in range(classes)])
    stretched: Features = np.rint(means * (255 / np.maximum(means.max(axis=1, keepdims=True), 1e-9))).astype(np.uint8)
    return stretched


def each(classes: int) -> int:
    """Prototypes of a class, of so many classes."""
    return max(1, min(EACH, ALL // classes))


def _kinds(directions: Floats, count: int) -> Floats:
    """The centres of so many clusters: spherical k-means (Dhillon and Modha, 2001), begun far from one another.

    `directions`: of length 1, shape (n_pictures, n_features).
    """
    centres = _far_apart(directions, count)
    for _ in range(_ROUNDS):
        nearest = (directions @ centres.T).argmax(axis=1)
        members = [directions[nearest == number] for number in range(count)]
        means = [its.mean(axis=0) if len(its) else old for its, old in zip(members, centres, strict=True)]
        centres = unit(np.stack(means))
    return centres


def _far_apart(directions: Floats, count: int) -> Floats:
    """The picture in the middle, and then each time the one that is furthest from all before."""
    chosen = [int((directions @ directions.mean(axis=0)).argmax())]
    nearest = directions @ directions[chosen[0]]
    while len(chosen) < count:
        chosen.append(int(nearest.argmin()))
        nearest = np.maximum(nearest, directions @ directions[chosen[-1]])
    return directions[chosen]


def threshold(centres: Features, features: Features) -> float:
    """The cosine above which a picture is known, so that of these at most `REFUSED` are not.

    Args:
        centres: the prototypes.
        features: of known pictures that were not learnt, shape (n_pictures, n_features); at least one.
    """
    nearest = np.sort(cosines(centres, features))
    return float(nearest[int(REFUSED * len(nearest))]) - _MARGIN

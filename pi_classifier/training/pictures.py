"""A dataset whose pictures have been read: those that are some, with their features."""

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pi_classifier.errors import InputError
from pi_classifier.runtimes.novelty import Features
from pi_classifier.training.dataset import Dataset
from pi_classifier.training.features import Extraction


class Pictures(NamedTuple):
    """A dataset with features."""

    dataset: Dataset
    """Of those that could be read."""
    features: Features
    """Of each: uint8, shape (n_pictures, n_features)."""
    skipped: tuple[InputError, ...]
    """Why the others could not be."""
    digest: str
    """SHA-256 of the pictures, with their classes, parts and names, hexadecimal."""

    @property
    def labels(self) -> NDArray[np.intp]:
        """The class id of each."""
        return np.array([item.class_id for item in self.dataset.items], np.intp)


def gathered(dataset: Dataset, extractions: Iterable[Extraction]) -> Pictures:
    """The pictures of a dataset, with what was extracted of each, in order.

    Raises:
        DatasetError: a class has no picture that can be read.
    """
    features: list[Features] = []
    skipped: list[InputError] = []
    unreadable = set()
    digest = hashlib.sha256(repr(dataset.classes).encode())
    for item, extraction in zip(dataset.items, extractions, strict=True):
        if extraction.features is None:
            unreadable.add(item.path)
            skipped += [extraction.problem] if extraction.problem else []
            continue
        features.append(extraction.features)
        name = item.path.relative_to(dataset.folder)
        digest.update(repr((str(name), item.class_id, item.part, extraction.digest)).encode("utf-8", "surrogatepass"))
    readable = dataset.without(unreadable)
    return Pictures(readable, np.stack(features), tuple(skipped), digest.hexdigest())

"""A dataset whose pictures have been read: those that are some, with their features."""

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pi_classifier.errors import DatasetError, InputError, one_line
from pi_classifier.runtimes.novelty import Features
from pi_classifier.training.dataset import Dataset, checked
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


def gathered(dataset: Dataset, extractions: Iterable[Extraction], *, to_learn: bool = True) -> Pictures:
    """The pictures of a dataset, with what was extracted of each, in order.

    Args:
        dataset: before any was read.
        extractions: of its pictures.
        to_learn: whether those that can be read have to be enough to learn from.

    Raises:
        DatasetError: they are not, or there is none.
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
    try:
        readable = checked(dataset.without(unreadable), to_learn=to_learn)
    except DatasetError as error:
        if not skipped:
            raise
        problem = f"{error.problem}; skipped {one_line(skipped[0].problem)}"
        raise DatasetError(problem, remedy=error.remedy) from None
    return Pictures(readable, np.stack(features), tuple(skipped), digest.hexdigest())

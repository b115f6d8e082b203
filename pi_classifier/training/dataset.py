"""A folder of pictures as a dataset: its classes, its pictures and the parts that they were given to.

Without parts it is `DIR/<class>/<session>_<n>.jpg`, or any names; with parts `DIR/<part>/<class>/...`. Classes are told
by their folders' names, and never by the folders' order: a part that lacks a class moves none of the others.
"""

import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from pi_classifier.collecting.folder import FEW, LABELS, Part, class_folders, parts_of, pictures_in
from pi_classifier.collecting.names import names_in
from pi_classifier.errors import DatasetError

_SESSION = re.compile(r"(?P<session>.+)_\d+", re.ASCII)
LAYOUT = "give each class a folder of pictures: DIR/<class>/<session>_<n>.jpg"


class Item(NamedTuple):
    """A picture's file, which has not been read yet."""

    path: Path
    class_id: int
    session: str
    """From its name `<session>_<n>.jpg`; empty where it has none."""
    part: Part | None
    """The one that its folder belongs to, if there are such."""


class Dataset(NamedTuple):
    """The classes of a folder and their pictures."""

    folder: Path
    classes: tuple[str, ...]
    """The labels, by class id."""
    items: tuple[Item, ...]
    """In order of their classes and paths."""

    def counts(self) -> dict[str, int]:
        """How many pictures each class has, by its name."""
        found = Counter(item.class_id for item in self.items)
        return {name: found[class_id] for class_id, name in enumerate(self.classes)}

    def without(self, paths: set[Path]) -> "Dataset":
        """The same without the pictures that turned out not to be any."""
        return self._replace(items=tuple(item for item in self.items if item.path not in paths))


def read_dataset(folder: Path, *, to_learn: bool = True) -> Dataset:
    """What a folder holds. No picture is opened.

    Args:
        folder: the folder.
        to_learn: whether it has to be enough to learn from.

    Raises:
        DatasetError: it has a name that cannot be a label, no picture, or is not enough.
    """
    parts = parts_of(folder)
    # A folder `train` alone is no split.
    found = [
        (part if len(parts) > 1 else None, named)
        for name, part in parts.items()
        for named in class_folders(folder / name)
    ]
    found = found or [(None, named) for named in class_folders(folder)]
    classes = _class_order(folder, {name for _, (name, _) in found})
    items = [
        Item(path, classes.index(name), _session(path), part)
        for part, (name, place) in found
        for path in pictures_in(place)
    ]
    items.sort(key=lambda item: (item.class_id, str(item.path)))
    return checked(Dataset(folder, classes, tuple(items)), to_learn=to_learn)


def checked(dataset: Dataset, *, to_learn: bool) -> Dataset:
    """The same.

    Raises:
        DatasetError: it has no picture; or, to learn from, fewer than two classes or one without pictures.
    """
    if not to_learn:
        if not dataset.items:
            raise DatasetError(f"{dataset.folder}: has no pictures", remedy=LAYOUT)
        return dataset
    if len(dataset.classes) < 2:
        named = f"only the class {dataset.classes[0]!r}" if dataset.classes else "no folder of pictures"
        raise DatasetError(f"{dataset.folder}: has {named}, and at least two classes are needed", remedy=LAYOUT)
    learnt = dataset._replace(items=tuple(item for item in dataset.items if item.part in (None, "train")))
    for name, count in learnt.counts().items():
        if not count:
            raise DatasetError(
                f"{dataset.folder}: the class {name!r} has no pictures to learn from",
                remedy="add some, or take its folder and its line in labels.txt away",
            )
    return dataset


def few(dataset: Dataset) -> list[str]:
    """A line for each class that has few pictures."""
    return [f"{name}: only {count} pictures" for name, count in dataset.counts().items() if count < FEW]


def _class_order(folder: Path, found: set[str]) -> tuple[str, ...]:
    """That of labels.txt, which says what classes there are; else of their names."""
    labels = folder / LABELS
    if not labels.exists():
        return tuple(sorted(found))
    names = names_in(labels)
    if foreign := found - set(names):
        raise DatasetError(
            f"{labels}: lacks the class {min(foreign)!r}, which has a folder", remedy="add a line for it"
        )
    return names


def _session(path: Path) -> str:
    found = _SESSION.fullmatch(path.stem)
    return found["session"] if found else ""

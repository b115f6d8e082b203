"""A folder of pictures as a dataset: its classes, its pictures and the parts that they were given to.

Without parts it is `DIR/<class>/<session>_<n>.jpg`, or any names; with parts `DIR/<part>/<class>/...`. Classes are told
by their folders' names, and never by the folders' order: a part that lacks a class moves none of the others.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from pi_classifier.errors import DatasetError
from pi_classifier.sources.files.kinds import PICTURE_SUFFIXES
from pi_classifier.training.names import check_distinct, class_name, names_in

Part = Literal["train", "validation", "test"]
PARTS: dict[str, Part] = {
    "train": "train", "val": "validation", "valid": "validation", "validation": "validation", "test": "test",
}  # fmt: skip
"""By the names of their folders."""
LABELS = "labels.txt"
FEW = 10
"""Pictures of a class that are too few to expect much of."""
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
        """The same without the pictures that turned out not to be any.

        Raises:
            DatasetError: a class has none left.
        """
        return checked(self._replace(items=tuple(item for item in self.items if item.path not in paths)))


def read_dataset(folder: Path) -> Dataset:
    """What a folder holds. No picture is opened.

    Raises:
        DatasetError: it has fewer than two classes, one without pictures, or a name that cannot be a label.
    """
    folders = _subfolders(folder)
    parts = {name: PARTS[name] for name in folders if name in PARTS}
    given = "train" in parts and len(parts) == len(folders)
    # A folder `train` alone is no split.
    found = [
        (part if len(parts) > 1 else None, named)
        for name, part in (parts.items() if given else ())
        for named in _classes(folder / name)
    ]
    found = found or [(None, named) for named in _classes(folder)]
    classes = _class_order(folder, {name for _, (name, _) in found})
    items = [
        Item(path, classes.index(name), _session(path), part)
        for part, (name, place) in found
        for path in _pictures(place)
    ]
    items.sort(key=lambda item: (item.class_id, str(item.path)))
    return checked(Dataset(folder, classes, tuple(items)))


def checked(dataset: Dataset) -> Dataset:
    """The same. Raises DatasetError where it has fewer than two classes, or one without pictures."""
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


def _classes(folder: Path) -> Sequence[tuple[str, Path]]:
    named = [(class_name(name, folder), folder / name) for name in _subfolders(folder)]
    check_distinct([name for name, _ in named], folder)
    return named


def _subfolders(folder: Path) -> list[str]:
    """Names; hidden ones, as of this program's own folder in it, are passed over."""
    try:
        return sorted(entry.name for entry in os.scandir(folder) if entry.is_dir() and entry.name[0] != ".")
    except OSError as error:
        raise DatasetError(f"{folder}: {error.strerror}", remedy="name a readable folder of classes") from None


def _pictures(folder: Path) -> Iterator[Path]:
    """In it and below it, hidden ones left out."""
    for place, below, files in os.walk(folder):
        below[:] = sorted(name for name in below if name[0] != ".")
        yield from (
            Path(place, name)
            for name in sorted(files)
            if name[0] != "." and Path(name).suffix.lower() in PICTURE_SUFFIXES
        )


def _session(path: Path) -> str:
    found = _SESSION.fullmatch(path.stem)
    return found["session"] if found else ""

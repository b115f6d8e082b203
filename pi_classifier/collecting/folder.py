"""A folder of own classes, `DIR/<class>/<session>_<n>.jpg`: its classes and their pictures, none of which is opened."""

import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pi_classifier.collecting.names import check_distinct, class_name, names_in
from pi_classifier.errors import CannotWrite, DatasetError
from pi_classifier.sources.files.kinds import PICTURE_SUFFIXES

Part = Literal["train", "validation", "test"]
PARTS: dict[str, Part] = {
    "train": "train", "val": "validation", "valid": "validation", "validation": "validation", "test": "test",
}  # fmt: skip
"""By the names of their folders."""
LABELS = "labels.txt"
FEW = 10
"""Pictures of a class; of fewer there is not much to expect."""
LONGEST_NAME = 255
"""Bytes of a file's name (Linux's NAME_MAX)."""
_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS)
_FULL = (errno.ENOSPC, errno.EDQUOT)


def class_folders(folder: Path) -> list[tuple[str, Path]]:
    """Each class with its folder, in order of their names.

    Raises:
        DatasetError: the folder cannot be read, or a name in it cannot be a label.
    """
    named = [(class_name(name, folder), folder / name) for name in subfolders(folder)]
    check_distinct([name for name, _ in named], folder)
    return named


def subfolders(folder: Path) -> list[str]:
    """Names; hidden ones, as of this program's own folder in it, are passed over. Raises DatasetError."""
    try:
        return sorted(entry.name for entry in os.scandir(folder) if entry.is_dir() and entry.name[0] != ".")
    except OSError as error:
        raise DatasetError(f"{folder}: {error.strerror}", remedy="name a readable folder of classes") from None


def pictures_in(folder: Path) -> Iterator[Path]:
    """In it and below it, hidden ones left out."""
    for place, below, files in os.walk(folder):
        below[:] = sorted(name for name in below if name[0] != ".")
        yield from (
            Path(place, name)
            for name in sorted(files)
            if name[0] != "." and Path(name).suffix.lower() in PICTURE_SUFFIXES
        )


def parts_of(folder: Path) -> dict[str, Part]:
    """The parts that it is divided into, by the names of their folders; empty where it is not. Raises DatasetError."""
    names = subfolders(folder)
    return {name: PARTS[name] for name in names} if "train" in names and PARTS.keys() >= set(names) else {}


def counts(folder: Path) -> dict[str, int]:
    """How many pictures each class has, by its name. Raises DatasetError."""
    return {name: sum(1 for _ in pictures_in(place)) for name, place in class_folders(folder)}


def label_for(folder: Path, text: str) -> str:
    """What somebody calls a class, as a label that the folder can take.

    Raises:
        DatasetError: it cannot be a label, or training on the folder would refuse it, or misunderstand it.
    """
    label = class_name(text, folder)
    if len(os.fsencode(label)) > LONGEST_NAME:
        raise DatasetError(f"{folder}: {label!r} is too long for a folder's name", remedy="give it a shorter one")
    if not folder.exists():
        return label
    class_folders(folder)
    if (parts := parts_of(folder)) and subfolders(folder / "train"):
        raise DatasetError(f"{folder}: is divided into {' and '.join(parts)}", remedy=f"name {folder / 'train'}")
    listed = folder / LABELS
    if listed.exists() and label not in names_in(listed):
        raise DatasetError(f"{listed}: lacks the class {label!r}", remedy="add a line for it")
    return label


def make_folder(folder: Path) -> None:
    """See to it that there is such a folder, and that pictures can be put there. Raises CannotWrite."""
    try:
        folder.mkdir(exist_ok=True)
        # To ask for permission would not tell a file system that is read-only. It has no name, and leaves nothing.
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise cannot_write(folder, error) from None


def cannot_write(path: Path, error: OSError) -> CannotWrite:
    """What an OSError about a path means to who takes pictures."""
    remedy = "name another folder"
    if error.errno in _FULL:
        remedy = "make room there; what was saved is kept"
    elif error.errno in _REFUSED:
        remedy = "let this user write there; the service needs ReadWritePaths= as well (docs/own-classes.md)"
    elif error.errno == errno.ENOENT:
        remedy = f"make the folder {path.parent} first"
    return CannotWrite(f"{path}: cannot be written ({error.strerror})", remedy=remedy)

"""What a command is given to look at: files, folders, stdin."""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pi_classifier.errors import CannotWrite, InputError
from pi_classifier.sources.files.folder import find_files
from pi_classifier.sources.files.opening import path_problem

STDIN = "-"


@dataclass(frozen=True, slots=True)
class Item:
    """One file to look at."""

    name: str
    """As the user gave or would find it."""
    path: Path
    problem: InputError | None = None
    """Why there is nothing to open."""


@contextmanager
def on_disk(inputs: Sequence[str]) -> Iterator[list[Item]]:
    """The files that inputs stand for; what comes on stdin is put into a temporary one: videos are read at random.

    Raises CannotWrite where there is no room for that.
    """
    if STDIN not in inputs:
        yield [item for name in dict.fromkeys(inputs) for item in _items_of(name, Path(name))]
        return
    with tempfile.TemporaryDirectory(prefix="pi-classifier-") as folder:
        stdin = Path(folder) / "stdin"
        try:
            with stdin.open("wb") as file:
                while chunk := sys.stdin.buffer.read(1 << 20):
                    file.write(chunk)
        except OSError as error:
            raise CannotWrite(
                f"{folder}: what comes on stdin cannot be put there ({error.strerror})",
                remedy="make room there, or set TMPDIR",
            ) from None
        named = {name: stdin if name == STDIN else Path(name) for name in inputs}
        yield [item for name, path in named.items() for item in _items_of(name, path)]


def _items_of(name: str, path: Path) -> list[Item]:
    """A folder becomes its files, and whatever in it should be one."""
    if problem := path_problem(path):
        return [Item(name, path, InputError(f"{name}: {problem}", remedy="name a picture, video or folder"))]
    if path.is_dir():
        try:
            return [Item(str(found.path), found.path, found.problem) for found in find_files(path)]
        except InputError as error:
            return [Item(name, path, error)]
    return [Item(name, path)]

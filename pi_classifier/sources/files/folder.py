"""Folders: every picture and video in them and below."""

import itertools
import logging
import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import NamedTuple

from pi_classifier.contracts.frame import Frame
from pi_classifier.errors import InputError
from pi_classifier.sources.files.kinds import SUFFIXES, unreadable
from pi_classifier.sources.files.opening import open_file, path_problem

MOST_WARNINGS = 3
"""Lines about what a folder holds and cannot be read."""

logger = logging.getLogger(__name__)


class Found(NamedTuple):
    """A picture, a video, or what should be one and cannot be read."""

    path: Path
    problem: InputError | None = None


def find_files(folder: Path) -> list[Found]:
    """The pictures and videos in a folder and below, by suffix, in order of their names.

    Hidden ones are left out. What else is not entered or cannot be read has its problem with it: links to folders,
    which may lead round in circles, folders that are forbidden or vanish meanwhile, pictures of other kinds.

    Raises:
        InputError: the folder cannot be read, or there is nothing in it.
    """
    try:
        found = list(walk(folder))
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}", remedy="name another") from None
    if not found:
        raise InputError(f"{folder}: no pictures or videos in this folder", remedy="name another")
    return found


def walk(folder: Path) -> Iterator[Found]:
    """Depth first, by a list: a recursion would have an end. Raises OSError for `folder` itself."""
    waiting = _backwards(folder)
    while waiting:
        entry = waiting.pop()
        path = Path(entry.path)
        try:
            if entry.is_dir(follow_symlinks=False):
                waiting += _backwards(path)
            elif entry.is_dir():
                yield Found(path, _problem(path, "a link to a folder is not followed", "name the folder itself, too"))
            elif path.suffix.lower() in SUFFIXES:
                problem = "" if entry.is_file() else path_problem(path)
                yield Found(path, _problem(path, problem, "check the file") if problem else unreadable(path))
        except OSError as error:
            yield Found(path, _problem(path, str(error.strerror), "check what it is"))


def _backwards(folder: Path) -> list[os.DirEntry[str]]:
    """What a folder holds and shows, the last name first."""
    with os.scandir(folder) as entries:
        return sorted((one for one in entries if one.name[0] != "."), key=lambda one: one.name, reverse=True)


def _problem(path: Path, problem: str, remedy: str) -> InputError:
    return InputError(f"{path}: {problem}", remedy=remedy)


class Folder:
    """Every picture and video of a folder, one after another, as one source. What cannot be read is left out."""

    def __init__(self, camera: str, path: Path, *, fps: float) -> None:
        """`fps`: the rate at which frames follow one another. Raises InputError for a folder with nothing to show."""
        self.pace_fps: float | None = fps
        self._camera = camera
        self._path = path
        found = find_files(path)
        self._files = [one.path for one in found if one.problem is None]
        self._problems = [one.problem for one in found if one.problem]
        self._numbers = itertools.count()
        if not self._files:
            first = self._problems[0]
            raise InputError(f"{path}: nothing in this folder can be read: {first.problem}", remedy=first.remedy)

    def __str__(self) -> str:
        left_out = f", {len(self._problems)} left out" if self._problems else ""
        return f"folder {self._path}, {len(self._files)} files at {self.pace_fps:g} fps{left_out}"

    def frames(self) -> Generator[Frame, None, None]:
        """Every frame of every file. Raises InputError at the first file that turns out to be damaged."""
        self._warn()
        for path in self._files:
            for frame in open_file(self._camera, path, fps=self.pace_fps or 1).frames():
                yield Frame(self._camera, next(self._numbers), frame.captured_at, frame.pixels)

    def _warn(self) -> None:
        for problem in self._problems[:MOST_WARNINGS]:
            logger.warning("%s: left out: %s", self._camera, problem)
        if (more := len(self._problems) - MOST_WARNINGS) > 0:
            logger.warning("%s: left out: %d more; 'pi-classifier classify' names each", self._camera, more)

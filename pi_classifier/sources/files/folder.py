"""Folders: every picture and video in them and below."""

import itertools
from collections.abc import Generator
from pathlib import Path

from pi_classifier.contracts.frame import Frame
from pi_classifier.errors import InputError
from pi_classifier.sources.files.opening import open_file

PICTURE_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
VIDEO_SUFFIXES = (".avi", ".m4v", ".mjpeg", ".mjpg", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ts", ".webm")
SUFFIXES = frozenset(PICTURE_SUFFIXES + VIDEO_SUFFIXES)
"""What a folder is searched for. A file that is named itself may be called anything."""


def find_files(folder: Path) -> list[Path]:
    """The pictures and videos in a folder and below, by suffix, in order of their names; hidden ones are left out.

    Raises:
        InputError: there are none.
    """
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    if not found:
        raise InputError(f"{folder}: no pictures or videos in this folder", remedy="name another")
    return found


class Folder:
    """Every picture and video of a folder, one after another, as one source."""

    def __init__(self, camera: str, path: Path, *, fps: float) -> None:
        """`fps`: the rate at which pictures follow one another. Raises InputError for an empty folder."""
        self.pace_fps: float | None = fps
        self._camera = camera
        self._path = path
        self._files = find_files(path)
        self._numbers = itertools.count()

    def __str__(self) -> str:
        return f"folder {self._path}, {len(self._files)} files at {self.pace_fps:g} fps"

    def frames(self) -> Generator[Frame, None, None]:
        """Every frame of every file. Raises InputError at the first file that cannot be read."""
        for path in self._files:
            for frame in open_file(self._camera, path, fps=self.pace_fps or 1).frames():
                yield Frame(self._camera, next(self._numbers), frame.captured_at, frame.pixels)

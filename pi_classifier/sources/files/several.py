"""Pictures of several frames: those that move, whose frames are a video's, and those of pages, each a still picture."""

import itertools
import os
import time
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path

from PIL import Image, ImageFile

from pi_classifier.contracts.frame import Frame, Pixels
from pi_classifier.sources.files.container import cut_short, ended_early
from pi_classifier.sources.files.picture import DAMAGE, MOST_PIXELS, decoded, picture_in, readable

MOVING = frozenset({"AVIF", "FLI", "GIF", "PNG", "WEBP"})
PAGED = frozenset({"DCX", "IM", "SPIDER", "TIFF"})
"""Pillow's names of formats. What others hold besides their first picture (MPO, PSD, ICO) shows the same thing again:
other views, layers, sizes."""

TIMED_FRAMES = 10
"""The rate is the mean of so many at the beginning."""
INSTANT_MS, INSTANT_SHOWN_MS = 10, 100
"""Browsers show a frame that shall stand so short a time for that long."""
LONGEST_MS = 60_000

_NEW_SUBFILE_TYPE, _COPY_OR_MASK = 254, 0b101
"""TIFF 6.0, section 8: bit 0 marks a smaller copy of another page, bit 2 the transparency mask of one."""


def moves(path: Path, picture: ImageFile.ImageFile) -> bool:
    """Whether it is an animation, be it one of which a single frame is left. Raises OSError."""
    if picture.format not in MOVING:
        return False
    try:
        return getattr(picture, "is_animated", False) or ("loop" in picture.info and not _is_whole(path, picture))
    except DAMAGE:
        return True  # it has a second frame, whose head is damaged


def has_pages(picture: ImageFile.ImageFile) -> bool:
    """Whether it has more than one page."""
    if picture.format not in PAGED:
        return False
    try:
        return len(list(itertools.islice(_pages(picture), 2))) > 1
    except DAMAGE:
        return True  # it has a second one, which is damaged


class Animation:
    """A GIF, WebP, APNG or AVIF that moves: its frames as a viewer composes and shows them."""

    still = False

    def __init__(self, camera: str, path: Path) -> None:
        """Raises InputError if it cannot be opened."""
        self._camera = camera
        self._path = path
        self._numbers = itertools.count()
        with picture_in(path) as picture:
            self.estimated_count = max(0, _end(picture) - _first(picture))
            """0 where that is not known before the end."""
            self.pace_fps: float | None = _rate(picture)

    def __str__(self) -> str:
        return f"animation {self._path} at {self.pace_fps:.4g} fps"

    def frames(self) -> Generator[Frame, None, None]:
        """Every frame. Raises InputError if the file ends before the last of them, or one is damaged."""
        with picture_in(self._path) as picture:
            first = _first(picture)
            for read in itertools.count():
                pixels = self._decoded(picture, first + read, read)
                if pixels is None:
                    return
                yield Frame(self._camera, next(self._numbers), time.monotonic(), pixels)

    def _decoded(self, picture: ImageFile.ImageFile, number: int, read: int) -> Pixels | None:
        """The frame of that number, after so many that were read; None behind the last."""
        with readable(self._path):
            try:
                return decoded(self._path, picture) if _seek(self._path, picture, number) else None
            except DAMAGE:
                raise ended_early(self._path, read) from None


def _first(picture: ImageFile.ImageFile) -> int:
    """An APNG may begin with a picture for those who cannot show the animation."""
    return int(getattr(picture, "default_image", False))


def _end(picture: ImageFile.ImageFile) -> int:
    """The number behind the last frame's; 0 for a GIF, which does not state it."""
    return 0 if picture.format == "GIF" else int(getattr(picture, "n_frames", 0))


def _seek(path: Path, picture: ImageFile.ImageFile, number: int) -> bool:
    """Whether there is such a frame; False at the end of a file that is whole."""
    try:
        picture.seek(number)
    except EOFError:
        if number >= _end(picture) and _is_whole(path, picture):
            return False
        raise
    return True


def _is_whole(path: Path, picture: ImageFile.ImageFile) -> bool:
    """Whether a picture, which was read up to the end of its file, ends as its format wants it."""
    if picture.format == "GIF" and picture.fp:
        picture.fp.seek(-1, os.SEEK_CUR)
        return picture.fp.read(1) == b";"
    return not cut_short(path)


def _rate(picture: ImageFile.ImageFile) -> float:
    """Frames a second."""
    shown_ms = []
    with suppress(*DAMAGE, Image.DecompressionBombError):  # they are told to whoever asks for frames
        for number in range(_first(picture), _first(picture) + TIMED_FRAMES):
            picture.seek(number)
            if picture.width * picture.height > MOST_PIXELS:
                break
            picture.load()
            duration = float(picture.info.get("duration", 0))
            shown_ms.append(min(duration, LONGEST_MS) if duration > INSTANT_MS else INSTANT_SHOWN_MS)
    return 1000 * len(shown_ms) / sum(shown_ms) if shown_ms else 1000 / INSTANT_SHOWN_MS


class Pages:
    """A TIFF of several pages, each a still picture. What it holds of smaller copies and masks of pages is left out."""

    still = True
    estimated_count = 0
    """Not known before the end."""

    def __init__(self, camera: str, path: Path, *, fps: float) -> None:
        self.pace_fps: float | None = fps
        self._camera = camera
        self._path = path
        self._numbers = itertools.count()

    def __str__(self) -> str:
        return f"pages of {self._path} at {self.pace_fps:g} fps"

    def frames(self) -> Generator[Frame, None, None]:
        """Every page. Raises InputError at the first that cannot be read."""
        with picture_in(self._path) as picture:
            pages = _pages(picture)
            for page in itertools.count(1):
                with readable(self._path, f"page {page} cannot be read: "):
                    if next(pages, None) is None:
                        return
                    pixels = decoded(self._path, picture)
                yield Frame(self._camera, next(self._numbers), time.monotonic(), pixels)


def _pages(picture: ImageFile.ImageFile) -> Iterator[int]:
    """The numbers of pages; `picture` stands at the one that came last. Raises any of `DAMAGE`."""
    yield 0
    for number in itertools.count(1):
        try:
            picture.seek(number)
        except EOFError:
            return
        if not getattr(picture, "tag_v2", {}).get(_NEW_SUBFILE_TYPE, 0) & _COPY_OR_MASK:
            yield number

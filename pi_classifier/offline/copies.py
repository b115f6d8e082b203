"""Copies of pictures, animations and videos with what is seen drawn on them.

A copy gets its final name when it is complete, and never that of an input, or of a file that was there before unless
that is wanted.
"""

import contextlib
import os
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

import cv2
import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import AppendingTiffWriter

from pi_classifier.contracts.frame import Pixels
from pi_classifier.errors import CannotWrite, InputError
from pi_classifier.sources.files.video import opencv_name

PICTURE, PAGES, VIDEO = ".png", ".tiff", ".mp4"
SMALLEST_SIDE, LARGEST_SIDE = 2, 8190
"""Pixels, of a frame in MPEG-4."""
ELSEWHERE = "name another folder with --output"
Seen = TypeVar("Seen")
"""What a model says of a frame."""
Seen_contra = TypeVar("Seen_contra", contravariant=True)
Draw = Callable[[Pixels, Seen], None]
"""Writes one frame: uint8, height x width x 3, BGR, which stays as it is."""


class Overlay(Protocol[Seen_contra]):
    """Draws on frames what a model says of them."""

    def labelled(self, pixels: Pixels, seen: Seen_contra, /) -> Pixels:
        """A copy of a frame with that drawn on it, both uint8, height x width x 3, BGR."""


def copy_names(inputs: Sequence[Path], folder: Path, *, overwrite: bool) -> list[Path]:
    """Where the copy of each input goes, without the suffix: its own name, numbered where two inputs have the same.

    Args:
        inputs: files, which may stand there twice.
        folder: for the copies; it is made if it is not there.
        overwrite: whether a copy may replace a file that is no input.

    Raises:
        CannotWrite: there is no such folder and it cannot be made, or a name is taken.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        existing = {name.casefold() for name in os.listdir(folder)}  # noqa: PTH208 - names are all that is needed
    except OSError as error:
        raise CannotWrite(f"{folder}: {error.strerror}", remedy=ELSEWHERE) from None
    names = [folder / name for name in distinct_names([path.stem for path in inputs])]
    sources = {path.resolve() for path in inputs}
    for target in (name.with_name(name.name + suffix) for name in names for suffix in (PICTURE, PAGES, VIDEO)):
        if target.name.casefold() not in existing:
            continue
        if target.resolve() in sources:
            raise CannotWrite(f"{target}: is an input and would be overwritten", remedy=ELSEWHERE)
        if not overwrite:
            raise CannotWrite(f"{target}: exists already", remedy=f"{ELSEWHERE}, or allow it with --overwrite")
    return names


def distinct_names(names: Sequence[str]) -> list[str]:
    """The same names, repeated ones with a number; on a FAT card those that differ in case alone are the same."""
    taken: set[str] = set()
    last: dict[str, int] = {}
    distinct = []
    for name in names:
        number, candidate = last.get(name, 1), name
        while candidate.casefold() in taken:
            number += 1
            candidate = f"{name}-{number}"
        last[name] = number
        taken.add(candidate.casefold())
        distinct.append(candidate)
    return distinct


@contextmanager
def annotated_picture(name: Path, overlay: Overlay[Seen]) -> Iterator[Draw[Seen]]:
    """Writes one picture as PNG; `name` is without the suffix. Raises CannotWrite."""
    target = name.with_name(name.name + PICTURE)

    def draw(pixels: Pixels, seen: Seen) -> None:
        with _complete(target) as unfinished:
            try:
                unfinished.write_bytes(cv2.imencode(PICTURE, overlay.labelled(pixels, seen))[1].tobytes())
            except OSError as error:
                raise CannotWrite(f"{target}: {error.strerror}", remedy=ELSEWHERE) from None

    yield draw


@contextmanager
def annotated_pages(name: Path, overlay: Overlay[Seen]) -> Iterator[Draw[Seen]]:
    """Writes a TIFF, each frame a page of its own size; `name` is without the suffix. Raises CannotWrite."""
    target = name.with_name(name.name + PAGES)

    def draw(pixels: Pixels, seen: Seen) -> None:
        try:
            with AppendingTiffWriter(unfinished) as pages:
                page = Image.fromarray(cv2.cvtColor(overlay.labelled(pixels, seen), cv2.COLOR_BGR2RGB))
                page.save(pages, "TIFF", compression="tiff_adobe_deflate")
                pages.newFrame()
        except (OSError, struct.error) as error:  # a struct.error: over 4 GB
            reason = getattr(error, "strerror", None) or error
            raise CannotWrite(f"{target}: {reason}", remedy=ELSEWHERE) from None

    with _complete(target) as unfinished:
        broken: InputError | None = None
        try:
            yield draw
        except InputError as error:  # what came before it is a copy worth having
            broken = error
    if broken:
        raise broken


@contextmanager
def annotated_video(name: Path, fps: float, overlay: Overlay[Seen]) -> Iterator[Draw[Seen]]:
    """Writes a video as MP4 at `fps` frames a second; `name` is without the suffix.

    Its size is that of the first frame, as far as MPEG-4 goes; frames of another size are scaled to it.

    Raises CannotWrite, at the end of the context too: OpenCV does not say that a disk is full.
    """
    target = name.with_name(name.name + VIDEO)
    writer, written, size = cv2.VideoWriter(), 0, (0, 0)

    def draw(pixels: Pixels, seen: Seen) -> None:
        nonlocal written, size
        if not writer.isOpened():
            height, width = (min(max(side, SMALLEST_SIDE), LARGEST_SIDE) for side in pixels.shape[:2])
            size = (width, height)
            name = f"{folder}/{unfinished.name}"
            if not writer.open(name, cv2.VideoWriter.fourcc(*"mp4v"), fps, size):
                raise CannotWrite(f"{target}: cannot be written", remedy=ELSEWHERE)
        writer.write(_scaled(overlay.labelled(pixels, seen), size))
        written += 1

    with opencv_name(target.parent) as folder, _complete(target) as unfinished:
        broken: InputError | None = None
        try:
            yield draw
        except InputError as error:  # what came before it is a copy worth having
            broken = error
        finally:
            writer.release()
        if written and _frame_count(f"{folder}/{unfinished.name}") != written:
            raise CannotWrite(f"{target}: cannot be written to its end", remedy=f"make room there, or {ELSEWHERE}")
    if broken:
        raise broken


def _scaled(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """To so many pixels in width and height."""
    if pixels.shape[1::-1] == size:
        return pixels
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


@contextmanager
def _complete(target: Path) -> Iterator[Path]:
    """A name to write under, which becomes `target` when the context ends well and something was written."""
    # Not made of the target's name, which may hold what OpenCV cannot take.
    unfinished = target.with_name(f".pi-classifier-{os.getpid()}{target.suffix}")
    try:
        # What is raised in here need not be about the copy: results are printed meanwhile.
        yield unfinished
        try:
            unfinished.replace(target)
        except FileNotFoundError:
            return  # not a frame of it could be read
        except OSError as error:
            raise CannotWrite(f"{target}: {error.strerror}", remedy=ELSEWHERE) from None
    finally:
        with contextlib.suppress(OSError):  # a read-only card has nothing to remove either
            unfinished.unlink(missing_ok=True)


def _frame_count(video: str) -> int:
    """What the container says; 0 for one that was cut off, whose index is missing."""
    capture = cv2.VideoCapture(video, cv2.CAP_FFMPEG)
    try:
        return int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    finally:
        capture.release()

"""A copy of a picture or video with its labels drawn on it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2

from pi_classifier.contracts.frame import Pixels
from pi_classifier.contracts.prediction import Score
from pi_classifier.errors import CannotWrite
from pi_classifier.sinks.overlay import labelled

Draw = Callable[[Pixels, tuple[Score, ...]], None]
"""Writes one frame: uint8, height x width x 3, BGR, which stays as it is."""


@contextmanager
def annotated_picture(target: Path) -> Iterator[Draw]:
    """Writes one picture as PNG. Raises CannotWrite."""

    def draw(pixels: Pixels, scores: tuple[Score, ...]) -> None:
        try:
            target.write_bytes(cv2.imencode(".png", labelled(pixels, scores))[1].tobytes())
        except OSError as error:
            raise CannotWrite(f"{target}: {error.strerror}", remedy="name another folder with --output") from None

    yield draw


@contextmanager
def annotated_video(target: Path, fps: float) -> Iterator[Draw]:
    """Writes a video as MP4 at `fps` frames a second, its size that of the first frame. Raises CannotWrite."""
    writer = cv2.VideoWriter()

    def draw(pixels: Pixels, scores: tuple[Score, ...]) -> None:
        if not writer.isOpened():
            size = (pixels.shape[1], pixels.shape[0])
            if not writer.open(str(target), cv2.VideoWriter.fourcc(*"mp4v"), fps, size):
                raise CannotWrite(f"{target}: cannot be written", remedy="name another folder with --output")
        writer.write(labelled(pixels, scores))

    try:
        yield draw
    finally:
        writer.release()

"""A copy of a picture or video with its labels drawn on it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pi_classifier.errors import CannotWrite
from pi_classifier.prediction import Classification

FONT = cv2.FONT_HERSHEY_SIMPLEX
Pixels = NDArray[np.uint8]
Draw = Callable[[Pixels, tuple[Classification, ...]], None]
"""Writes one frame: uint8, height x width x 3, BGR, which stays as it is."""


@contextmanager
def annotated_picture(target: Path) -> Iterator[Draw]:
    """Writes one picture as PNG. Raises CannotWrite."""

    def draw(pixels: Pixels, top: tuple[Classification, ...]) -> None:
        try:
            target.write_bytes(cv2.imencode(".png", labelled(pixels, top))[1].tobytes())
        except OSError as error:
            raise CannotWrite(f"{target}: {error.strerror}; name another folder with --output") from None

    yield draw


@contextmanager
def annotated_video(target: Path, fps: float) -> Iterator[Draw]:
    """Writes a video as MP4 at `fps` frames a second, its size that of the first frame. Raises CannotWrite."""
    writer = cv2.VideoWriter()

    def draw(pixels: Pixels, top: tuple[Classification, ...]) -> None:
        if not writer.isOpened():
            size = (pixels.shape[1], pixels.shape[0])
            if not writer.open(str(target), cv2.VideoWriter.fourcc(*"mp4v"), fps, size):
                raise CannotWrite(f"{target}: cannot be written; name another folder with --output")
        writer.write(labelled(pixels, top))

    try:
        yield draw
    finally:
        writer.release()


def labelled(pixels: Pixels, top: tuple[Classification, ...]) -> Pixels:
    """A copy of the frame with a line a class in its upper left, readable on any ground at any size."""
    canvas = pixels.copy()
    scale = max(0.4, pixels.shape[0] / 600)
    line_height = round(30 * scale)
    for row, best in enumerate(top, start=1):
        text = f"{best.probability:.1%} {best.label}"
        at = (line_height // 3, row * line_height)
        for colour, thickness in (((0, 0, 0), 4), ((255, 255, 255), 1)):
            cv2.putText(canvas, text, at, FONT, scale, colour, max(1, round(thickness * scale)), cv2.LINE_AA)
    return canvas

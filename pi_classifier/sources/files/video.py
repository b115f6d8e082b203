"""Videos, by the FFmpeg inside OpenCV."""

import itertools
import os
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import cv2
import numpy as np

from pi_classifier.contracts.frame import Frame, Pixels
from pi_classifier.errors import InputError
from pi_classifier.sources.ffmpeg import ffmpeg_options
from pi_classifier.sources.files.container import cut_short, ended_early

MOST_FRAMES = 10_000_000
"""Some headers, written before the end was known, state a thousand million."""

PATIENCE = 500
"""Reads that fail in a row before the end is believed: OpenCV gives up at each packet that cannot be decoded, and after
4,096 of sound, and goes on when it is asked again."""


class Video:
    """A video file, from its first frame to its last."""

    still = False

    def __init__(self, camera: str, path: Path) -> None:
        """Raises InputError if the file is no video."""
        self._camera = camera
        self._path = path
        self._numbers = itertools.count()
        with _capture(path) as capture:
            rate = float(capture.get(cv2.CAP_PROP_FPS))
            count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self.pace_fps: float | None = rate if 0 < rate <= 1000 else None
        self.estimated_count = count if 0 < count < MOST_FRAMES else 0
        """What a progress bar may be drawn by: mostly a duration times a rate. 0 where there is not even that."""

    def __str__(self) -> str:
        return f"video {self._path}" + (f" at {self.pace_fps:.4g} fps" if self.pace_fps else "")

    def frames(self) -> Generator[Frame, None, None]:
        """Every frame. Raises InputError if there is none, or if the file is shorter than its container states."""
        read = 0
        with _capture(self._path) as capture:
            for pixels in _pictures(capture):
                read += 1
                yield Frame(self._camera, next(self._numbers), time.monotonic(), pixels)
            if cut_short(self._path):
                raise ended_early(self._path, read)
        if read == 0:
            raise InputError(f"{self._path}: holds no frame that can be read", remedy="check the file")


def _pictures(capture: cv2.VideoCapture) -> Iterator[Pixels]:
    """Every frame, in the same memory."""
    picture = None
    failed = 0
    while failed < PATIENCE:
        more, picture = capture.read(picture)
        if more:
            yield np.asarray(picture, np.uint8)
        failed = 0 if more else failed + 1


@contextmanager
def _capture(path: Path) -> Iterator[cv2.VideoCapture]:
    with ExitStack() as stack:
        try:
            name = stack.enter_context(opencv_name(path))
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}", remedy="check the file") from None
        # Not a subclass: one of cv2.VideoCapture crashes the interpreter.
        with ffmpeg_options():
            capture = cv2.VideoCapture(name, cv2.CAP_FFMPEG)
        stack.callback(capture.release)
        # FFmpeg opens many a file that is none; it then knows no size.
        if not capture.isOpened() or capture.get(cv2.CAP_PROP_FRAME_WIDTH) < 1:
            if cut_short(path):
                raise ended_early(path, 0)
            raise InputError(f"{path}: neither a picture nor a video that can be read", remedy="check the file")
        yield capture


@contextmanager
def opencv_name(path: Path) -> Iterator[str]:
    """A name for an existing file or folder that OpenCV can take.

    One that is not UTF-8 crashes the interpreter. One with a suffix, a colon or a percent sign means more to FFmpeg
    than a name: it would take a Motion JPEG that is called .jpg for a picture.

    Raises OSError where it cannot be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)

"""Videos, by the FFmpeg inside OpenCV."""

import itertools
import os
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from pi_classifier.contracts.frame import Frame
from pi_classifier.errors import InputError


class Video:
    """A video file, from its first frame to its last."""

    def __init__(self, camera: str, path: Path) -> None:
        """Raises InputError if the file is no video."""
        self._camera = camera
        self._path = path
        self._numbers = itertools.count()
        with _capture(path) as capture:
            rate = float(capture.get(cv2.CAP_PROP_FPS))
            self.count = max(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT)))
            """How many frames the file says it has; 0 if it does not say."""
        self.pace_fps: float | None = rate if 0 < rate <= 1000 else None

    def __str__(self) -> str:
        return f"video {self._path}" + (f" at {self.pace_fps:.4g} fps" if self.pace_fps else "")

    def frames(self) -> Generator[Frame, None, None]:
        """Every frame. Raises InputError if the file ends well before the frame count that it states itself."""
        with _capture(self._path) as capture:
            read = 0
            more, picture = capture.read()
            while more:
                read += 1
                pixels = np.asarray(picture, np.uint8)
                yield Frame(self._camera, next(self._numbers), time.monotonic(), pixels)
                more, picture = capture.read(picture)
        if read == 0:
            raise InputError(f"{self._path}: holds no frame that can be read", remedy="check the file")
        # Some containers state no count, and OpenCV then reckons it from a rounded duration.
        if read < self.count - max(2, self.count // 50):
            raise InputError(
                f"{self._path}: ends after {read} of {self.count} frames", remedy="the file is cut short or damaged"
            )


@contextmanager
def _capture(path: Path) -> Iterator[cv2.VideoCapture]:
    with opencv_name(path) as name:
        # Not a subclass: one of cv2.VideoCapture crashes the interpreter.
        capture = cv2.VideoCapture(name, cv2.CAP_FFMPEG)
        try:
            # FFmpeg opens many a file that is none by its suffix alone; it then knows no size.
            if not capture.isOpened() or capture.get(cv2.CAP_PROP_FRAME_WIDTH) < 1:
                raise InputError(f"{path}: neither a picture nor a video that can be read", remedy="check the file")
            yield capture
        finally:
            capture.release()


@contextmanager
def opencv_name(path: Path) -> Iterator[str]:
    """A name for an existing file or folder that OpenCV can take: one that is not UTF-8 crashes the interpreter.

    Raises OSError where it cannot be opened.
    """
    if path.as_posix().isprintable():
        yield str(path)
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)

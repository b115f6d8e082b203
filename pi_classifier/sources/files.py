"""Pictures and videos from files, every frame of them, in order."""

import itertools
import os
import stat
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from pi_classifier.contracts.frame import Frame, Pixels
from pi_classifier.errors import InputError

PICTURE_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
VIDEO_SUFFIXES = (".avi", ".m4v", ".mjpeg", ".mjpg", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ts", ".webm")
MOST_PIXELS = 90_000_000
"""Of a still picture: decoded and turned it takes half a gigabyte."""
# Its own bounds warn in two lines from half of this on; ours is the one that counts.
Image.MAX_IMAGE_PIXELS = None
SUFFIXES = frozenset(PICTURE_SUFFIXES + VIDEO_SUFFIXES)
"""What a folder is searched for. A file that is named itself may be called anything."""


def read_picture(path: Path) -> Pixels:
    """Decode a still picture, turned upright: uint8, height x width x 3, BGR.

    Pillow decodes it, as in the reference transform, and complains of a truncated file where OpenCV paints it grey.

    Grey of 16 bits is scaled to 8, where Pillow's own conversion would clip it to white.

    Raises:
        InputError: not a picture, truncated, or larger than `MOST_PIXELS`.
    """
    try:
        with Image.open(path) as picture:
            _refuse_huge(path, picture.size)
            upright = _eight_bits(ImageOps.exif_transpose(picture)).convert("RGB")
    except UnidentifiedImageError:
        raise InputError(f"{path}: neither a picture nor a video that can be read", remedy="check the file") from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        # SyntaxError is what Pillow's decoders raise for a broken PNG.
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: {reason}", remedy="check the file") from None
    return np.ascontiguousarray(np.asarray(upright)[:, :, ::-1])


def _refuse_huge(path: Path, size: tuple[int, int]) -> None:
    width, height = size
    if width * height > MOST_PIXELS:
        limit = f"{MOST_PIXELS / 1e6:.0f} million pixels"
        raise InputError(f"{path}: {width}x{height} is more than {limit}", remedy="scale it down")


def _eight_bits(picture: Image.Image) -> Image.Image:
    if not picture.mode.startswith("I;16"):
        return picture
    return Image.fromarray((np.asarray(picture).astype(np.uint16) >> 8).astype(np.uint8))


def path_problem(path: Path) -> str:
    """Why a path cannot be opened as a file or folder, in words; empty where it can be tried.

    A FIFO would be waited for, and a device may have no end.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return "does not exist"
    except (OSError, ValueError) as error:  # a ValueError: a NUL in it
        return str(getattr(error, "strerror", None) or error)
    return "" if stat.S_ISREG(mode) or stat.S_ISDIR(mode) else "no regular file"


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


class Picture:
    """One still picture, once."""

    def __init__(self, camera: str, path: Path, *, fps: float) -> None:
        self.pace_fps: float | None = fps
        self._camera = camera
        self._path = path
        self._numbers = itertools.count()

    def __str__(self) -> str:
        return f"picture {self._path}"

    def frames(self) -> Generator[Frame, None, None]:
        """The picture as one frame. Raises InputError if it cannot be read."""
        pixels = read_picture(self._path)
        yield Frame(self._camera, next(self._numbers), time.monotonic(), pixels)


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


def open_file(camera: str, path: Path, *, fps: float) -> Picture | Video:
    """A file as what it is, whatever it is called. Raises InputError if it is neither picture nor video."""
    try:
        with Image.open(path):
            return Picture(camera, path, fps=fps)
    except UnidentifiedImageError:
        return Video(camera, path)
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or error}", remedy="check the file") from None


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

"""What a path leads to, and a file as what it is."""

import stat
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from pi_classifier.errors import InputError
from pi_classifier.sources.files.picture import Picture
from pi_classifier.sources.files.video import Video

_NO_PICTURES = frozenset({"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"})
"""What Pillow recognises without being able to decode it, or not without another program. FFmpeg may."""


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


def open_file(camera: str, path: Path, *, fps: float) -> Picture | Video:
    """A file as what it is, whatever it is called. Raises InputError if it is neither picture nor video."""
    try:
        with Image.open(path) as picture:
            return Video(camera, path) if picture.format in _NO_PICTURES else Picture(camera, path, fps=fps)
    except UnidentifiedImageError:
        return Video(camera, path)
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or error}", remedy="check the file") from None

"""What a path leads to, and a file as what it is."""

import stat
from pathlib import Path

from PIL import ImageFile, UnidentifiedImageError

from pi_classifier.sources.files.kinds import raw_in_tiff, unreadable, unreadable_by_content
from pi_classifier.sources.files.motion_jpeg import is_motion_jpeg
from pi_classifier.sources.files.picture import Picture, opened, readable
from pi_classifier.sources.files.several import Animation, Pages, has_pages, moves
from pi_classifier.sources.files.video import Video

FileSource = Picture | Pages | Animation | Video

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


def open_file(camera: str, path: Path, *, fps: float) -> FileSource:
    """A file as what it is, whatever it is called.

    Args:
        camera: the name that its frames are given.
        path: of the file.
        fps: the rate at which still pictures follow one another; what moves has its own.

    Raises:
        InputError: it is neither picture nor video, or of a kind that cannot be read.
    """
    with readable(path):
        try:
            with opened(path) as picture:
                return _picture(camera, path, picture, fps)
        except UnidentifiedImageError:
            problem = unreadable(path) or unreadable_by_content(path)
    if problem:
        raise problem
    return Video(camera, path)


def _picture(camera: str, path: Path, picture: ImageFile.ImageFile, fps: float) -> FileSource:
    """What Pillow takes for a picture. Raises InputError."""
    if problem := raw_in_tiff(path, picture):
        raise problem
    if picture.format in _NO_PICTURES or _is_motion_jpeg(path, picture):
        return Video(camera, path)
    if moves(path, picture):
        return Animation(camera, path)
    if has_pages(picture):
        return Pages(camera, path, fps=fps)
    return Picture(camera, path, fps=fps)


def _is_motion_jpeg(path: Path, picture: ImageFile.ImageFile) -> bool:
    # With an index of its pictures (MPF) it is a photograph with other views of it, or with a gain map.
    return picture.format == "JPEG" and "mp" not in picture.info and is_motion_jpeg(path)

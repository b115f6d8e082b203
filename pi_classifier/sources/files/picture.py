"""Still pictures, by Pillow."""

import itertools
import time
from collections.abc import Generator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from pi_classifier.contracts.frame import Frame, Pixels
from pi_classifier.errors import InputError

MOST_PIXELS = 90_000_000
"""Of a still picture: decoded and turned it takes half a gigabyte."""
# Its own bounds warn in two lines from half of this on; ours is the one that counts.
Image.MAX_IMAGE_PIXELS = None


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

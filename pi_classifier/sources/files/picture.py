"""Still pictures, and how any picture is decoded: by Pillow, upright, as BGR."""

import itertools
import struct
import time
import warnings
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from pi_classifier.contracts.frame import Frame, Pixels
from pi_classifier.errors import InputError
from pi_classifier.sources.files import webp
from pi_classifier.sources.files.container import cut_short, ended_early

MOST_PIXELS = 90_000_000
"""Of a picture, and of each frame of one that has several: decoded and turned it takes half a gigabyte."""
# Pillow refuses twice as many before it takes memory for them.
Image.MAX_IMAGE_PIXELS = MOST_PIXELS
# Of damage, and of half that size, it warns on lines of its own. What matters it raises.
warnings.filterwarnings("ignore", module=r"PIL\.")

DAMAGE = (
    OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, ArithmeticError, RuntimeError, struct.error,
)  # fmt: skip
"""What Pillow raises for a file that it cannot decode: it trusts what a file says of itself."""


def read_picture(path: Path) -> Pixels:
    """Decode a still picture, or the first of several, turned upright: uint8, height x width x 3, BGR.

    Pillow decodes it, as in the reference transform, and complains of a truncated file where OpenCV paints it grey.

    Raises:
        InputError: not a picture, truncated, or larger than `MOST_PIXELS`.
    """
    with readable(path), opened(path) as picture:
        return decoded(path, picture)


@contextmanager
def picture_in(path: Path) -> Iterator[ImageFile.ImageFile]:
    """A picture whose frames are not decoded yet. Raises InputError if it cannot be opened."""
    with ExitStack() as stack:
        with readable(path):
            picture = stack.enter_context(opened(path))
        yield picture


@contextmanager
def readable(path: Path, part: str = "") -> Iterator[None]:
    """Turns what Pillow raises for a file, or for a `part` of it, into an InputError."""
    try:
        yield
    except UnidentifiedImageError:
        raise InputError(f"{path}: neither a picture nor a video that can be read", remedy="check the file") from None
    except Image.DecompressionBombError:
        raise InputError(f"{path}: {part}more than {_LIMIT}", remedy="scale it down") from None
    except DAMAGE as error:
        if cut_short(path):
            raise ended_early(path, 0) from None
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: {part}{reason}", remedy="check the file") from None


_LIMIT = f"{MOST_PIXELS / 1e6:.0f} million pixels"


@contextmanager
def opened(path: Path) -> Iterator[ImageFile.ImageFile]:
    """As `picture_in`, but raises what Pillow raises.

    Raises:
        UnidentifiedImageError: Pillow knows no such kind.
        Any other of `DAMAGE`, DecompressionBombError: it cannot be opened.
    """
    try:
        picture = Image.open(path)
    except OSError:
        whole = webp.whole_part(path)
        if whole is None:
            raise
        picture = Image.open(whole)
    with picture:
        yield picture


def decoded(path: Path, picture: Image.Image) -> Pixels:
    """The frame that `picture` stands at, upright: uint8, height x width x 3, BGR.

    Grey of 16 bits is scaled to 8, where Pillow's own conversion would clip it to white.

    Raises:
        InputError: larger than `MOST_PIXELS`; it is not decoded then.
        Any of `DAMAGE`: it cannot be decoded.
    """
    width, height = picture.size
    if width * height > MOST_PIXELS:
        raise InputError(f"{path}: {width}x{height} is more than {_LIMIT}", remedy="scale it down")
    upright = _eight_bits(ImageOps.exif_transpose(picture)).convert("RGB")
    return np.ascontiguousarray(np.asarray(upright)[:, :, ::-1])


def _eight_bits(picture: Image.Image) -> Image.Image:
    if not picture.mode.startswith("I;16"):
        return picture
    return Image.fromarray((np.asarray(picture).astype(np.uint16) >> 8).astype(np.uint8))


class Picture:
    """One still picture, once. Of a file with several views of one thing (MPO, PSD, ICO) it is the first."""

    still = True

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

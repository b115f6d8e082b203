"""A picture that somebody sends, as pixels. Imported with the first one, for Pillow is a twentieth of a start."""

import io
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

from PIL import Image, UnidentifiedImageError

from pi_classifier.contracts.frame import Pixels
from pi_classifier.errors import InputError
from pi_classifier.runtimes.reference_transform import reference_crop
from pi_classifier.sources.files.picture import DAMAGE, decoded
from pi_classifier.web.problem import Problem

MOST_PIXELS = 25_000_000
"""Of a picture: decoded it takes 75 MB, and as much again while it is turned."""
FORMATS = ("JPEG", "PNG", "WEBP")


class Sent(NamedTuple):
    """A picture, and what the model sees of it."""

    width: int
    height: int
    """Of the whole."""
    pixels: Pixels
    """uint8, height x width x 3, BGR."""


def cropped(data: bytes, *, resize_size: int, crop_size: int) -> Sent:
    """Decode a picture, and crop it as the weights' authors do. Raises Problem: 413 too large, 422 no fit picture.

    Args:
        data: JPEG, PNG or WebP, as a file has it.
        resize_size: length of the shorter side after scaling, in pixels.
        crop_size: of the square that is left, in pixels.
    """
    pixels = _decoded(data)
    height, width = pixels.shape[:2]
    try:
        return Sent(width, height, reference_crop(pixels, resize_size=resize_size, crop_size=crop_size))
    except InputError as error:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from None


def whole(data: bytes) -> Sent:
    """The same for a model that sees all of it. `data` and Problems: as of `cropped`."""
    pixels = _decoded(data)
    height, width = pixels.shape[:2]
    return Sent(width, height, pixels)


def _decoded(data: bytes) -> Pixels:
    """Upright."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            width, height = picture.size
            if width * height > MOST_PIXELS:
                detail = f"{width}x{height} is more than {MOST_PIXELS // 1_000_000} million pixels; scale it down"
                raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
            return decoded(Path("picture"), picture)
    except UnidentifiedImageError:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "this is no JPEG, PNG or WebP") from None
    except Image.DecompressionBombError:
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the picture has too many pixels; scale it down") from None
    except DAMAGE as error:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"the picture cannot be decoded: {error}") from None

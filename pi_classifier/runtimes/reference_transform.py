"""The reference transform of a still picture, as the weights' authors measured their accuracy with it."""

import numpy as np
from PIL import Image

from pi_classifier.contracts.frame import Pixels
from pi_classifier.errors import InputError
from pi_classifier.runtimes.preprocess import centre_crop

MOST_SCALED_PIXELS = 20_000_000
"""After scaling: a picture 300 times as long as it is wide."""


def reference_crop(pixels: Pixels, *, resize_size: int, crop_size: int) -> Pixels:
    """The shorter side scaled to `resize_size`, then the centre `crop_size` x `crop_size`.

    Pillow's antialiased bilinear filter is the one that torchvision applies to pictures; it works on each channel
    alone, so BGR is as good as RGB.

    Args:
        pixels: uint8, height x width x 3.
        resize_size: length of the shorter side after scaling, in pixels.
        crop_size: at most `resize_size`.

    Raises:
        InputError: so long and narrow that it would be larger than `MOST_SCALED_PIXELS` after scaling.
    """
    height, width = pixels.shape[:2]
    if min(height, width) != resize_size:
        # As torchvision.transforms.functional.resize: the longer side is truncated, not rounded.
        longer = int(resize_size * max(height, width) / min(height, width))
        if longer * resize_size > MOST_SCALED_PIXELS:
            raise InputError(f"{width}x{height} pixels are too long and narrow to be classified", remedy="crop it")
        size = (longer, resize_size) if width > height else (resize_size, longer)
        pixels = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR))
    return centre_crop(pixels, crop_size)

"""The reference transform of a still picture, as the weights' authors measured their accuracy with it."""

import numpy as np
from PIL import Image

from pi_classifier.contracts.frame import Pixels
from pi_classifier.runtimes.preprocess import centre_crop


def reference_crop(pixels: Pixels, *, resize_size: int, crop_size: int) -> Pixels:
    """The shorter side scaled to `resize_size`, then the centre `crop_size` x `crop_size`.

    Pillow's antialiased bilinear filter is the one that torchvision applies to pictures; it works on each channel
    alone, so BGR is as good as RGB.

    Args:
        pixels: uint8, height x width x 3.
        resize_size: length of the shorter side after scaling, in pixels.
        crop_size: at most `resize_size`.
    """
    height, width = pixels.shape[:2]
    if min(height, width) != resize_size:
        # As torchvision.transforms.functional.resize: the longer side is truncated, not rounded.
        longer = int(resize_size * max(height, width) / min(height, width))
        size = (longer, resize_size) if width > height else (resize_size, longer)
        pixels = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR))
    return centre_crop(pixels, crop_size)

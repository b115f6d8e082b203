"""What the camera of `web` shows."""

import cv2
import numpy as np

from pi_classifier.contracts.frame import Pixels

PICTURES = 8
BLOB = 14
"""Pixels: with blobs of about this size a JPEG is as large as that of a photograph."""


def pictures(width: int, height: int) -> list[Pixels]:
    """Coloured blobs, uint8, height x width x 3, each picture with others."""
    random = np.random.default_rng(0)
    shape = (height // BLOB, width // BLOB, 3)
    blobs = [random.integers(0, 256, shape, np.uint8) for _ in range(PICTURES)]
    return [np.asarray(cv2.resize(one, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8) for one in blobs]

"""What the camera of `detection` sends: YUYV, as a USB camera does that is asked for no compression."""

from pathlib import Path

import cv2
import numpy as np

from benchmarks.viewing import scene
from pi_classifier.contracts.frame import Pixels

WIDTH, HEIGHT = 1280, 720
PICTURES = 8


def sent(folder: Path | None) -> list[Pixels]:
    """Frames, uint8, HEIGHT x WIDTH x 2: a folder's JPEGs, stretched, or coloured blobs."""
    files = sorted(folder.glob("*.jpg"))[:PICTURES] if folder else []
    if not files:
        return [_encoded(one) for one in scene.pictures(WIDTH, HEIGHT)]
    return [_encoded(cv2.resize(np.asarray(cv2.imread(str(file)), np.uint8), (WIDTH, HEIGHT))) for file in files]


def decoded(frame: Pixels, out: Pixels | None = None) -> Pixels:
    """BGR pixels of a frame, HEIGHT x WIDTH x 3; without `out` a new array, as `cv2.VideoCapture.read` gives it."""
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_YUV2BGR_YUYV, dst=out), np.uint8)


def _encoded(pixels: cv2.typing.MatLike) -> Pixels:
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2YUV_YUYV), np.uint8)

"""Pictures as the last blocks get them to learn from: each as it is, and as several crops of it."""

import hashlib
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from pi_classifier.contracts.frame import Pixels
from pi_classifier.contracts.model import ModelMetadata
from pi_classifier.prepare.blocks import ENTRY, Entries
from pi_classifier.prepare.trunk import Trunk
from pi_classifier.runtimes.reference_transform import reference_crop
from pi_classifier.sources.files.picture import read_picture
from pi_classifier.training.features import Extract, base_digest

VIEWS: Final = 4
"""Of a picture: itself, and crops. Each costs most of a classification, once."""
LEAST_AREA = 0.4
"""Of the picture, that a crop shows."""
MOST_STRETCH = 4 / 3
"""Of a crop's sides against each other."""
MOST_LIGHT = 1.2
"""How much brighter a crop may be, or darker."""
SIZE = VIEWS * int(np.prod(ENTRY))
"""Bytes of a picture's views."""


def view_extractor(trunk: Trunk) -> Extract:
    """Computes the views of a picture's file, uint8, shape (SIZE,); the crops depend on the pixels alone.

    For one thread.
    """
    preprocess, tensor, metadata = trunk.new_preprocessor(), trunk.new_tensor(), trunk.metadata

    def extract(path: Path) -> Entries:
        picture = read_picture(path)
        rng = np.random.default_rng(int.from_bytes(hashlib.sha256(picture.tobytes()).digest()[:8]))
        entries = []
        for number in range(VIEWS):
            if number:
                view = crop(picture, metadata.input_size, rng)
            else:
                view = reference_crop(picture, resize_size=metadata.resize_size, crop_size=metadata.input_size)
            preprocess(view, tensor)
            entries.append(trunk.entry(tensor).ravel())
        return np.concatenate(entries)

    return extract


def views_digest(metadata: ModelMetadata) -> str:
    """Of all that views depend on besides the picture, hexadecimal."""
    rule = base_digest(metadata), VIEWS, LEAST_AREA, MOST_STRETCH, MOST_LIGHT
    return hashlib.sha256(repr(rule).encode()).hexdigest()


def crop(picture: Pixels, size: int, rng: np.random.Generator) -> Pixels:
    """A part of a picture, uint8, shape (size, size, 3), stretched a little and in another light.

    As torchvision's RandomResizedCrop, and not mirrored: classes may be what is on the left and what is on the right.
    """
    height, width = picture.shape[:2]
    area = rng.uniform(LEAST_AREA, 1) * height * width
    ratio = np.exp(rng.uniform(-np.log(MOST_STRETCH), np.log(MOST_STRETCH)))
    across = int(np.clip(round(np.sqrt(area * ratio)), 1, width))
    down = int(np.clip(round(np.sqrt(area / ratio)), 1, height))
    left, top = rng.integers(0, width - across + 1), rng.integers(0, height - down + 1)
    interpolation = cv2.INTER_AREA if across > size else cv2.INTER_LINEAR
    part = cv2.resize(picture[top : top + down, left : left + across], (size, size), interpolation=interpolation)
    return np.asarray(cv2.convertScaleAbs(part, alpha=rng.uniform(2 - MOST_LIGHT, MOST_LIGHT)), np.uint8)

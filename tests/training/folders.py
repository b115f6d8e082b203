"""Folders of pictures for tests: classes that are told apart by colour, each picture another."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = {"red": (210, 40, 40), "green": (40, 180, 60), "blue": (40, 60, 200)}


def picture(colour: tuple[int, int, int], seed: int) -> Image.Image:
    """Coarse noise around a colour, 64 x 48."""
    rng = np.random.default_rng(seed)
    coarse = np.clip(np.array(colour) + rng.normal(0, 45, (6, 8, 3)), 0, 255).astype(np.uint8)
    return Image.fromarray(coarse).resize((64, 48), Image.Resampling.NEAREST)


def make(folder: Path, classes: Mapping[str, tuple[int, int, int]] = COLOURS, *, count: int = 8) -> Path:
    """A folder with so many pictures of each class; returns it."""
    for number, (name, colour) in enumerate(classes.items()):
        (folder / name).mkdir(parents=True)
        for index in range(count):
            picture(colour, 1000 * number + index).save(folder / name / f"p{index}.png")
    return folder


def touch(folder: Path, *names: str) -> Path:
    """Empty files by their paths in it, for tests that open none; returns the folder."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder

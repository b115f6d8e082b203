"""A scene that is drawn, for a machine without a camera: a shape in view for a few seconds, then another."""

import itertools
import time
from collections.abc import Generator
from random import Random

import numpy as np

from pi_classifier.contracts.frame import Frame
from pi_classifier.sources.scene import LABELS, Scene, noise_for

SECONDS = 4.0
"""How long a shape is in view."""


class Synthetic:
    """All shapes in all colours, one after the other in an order of the seed, again and again, never twice alike."""

    def __init__(self, camera: str, *, width: int, height: int, fps: float, seed: int = 0) -> None:
        """`seed`: on it, the size and `fps` depends every pixel."""
        self.pace_fps: float | None = fps
        self._camera = camera
        self._width, self._height = width, height
        self._seed = seed
        self._each = max(1, round(SECONDS * fps))
        self._order = self._chance("order").sample(range(len(LABELS)), len(LABELS))
        self._pixels = np.empty((height, width, 3), np.uint8)
        self._numbers = itertools.count()

    def __str__(self) -> str:
        return f"drawn scene {self._seed}, {self._width}x{self._height} at {self.pace_fps:g} fps"

    def label(self, number: int) -> str:
        """What the frame of this number shows."""
        return LABELS[self._class_id(number // self._each)]

    def frames(self) -> Generator[Frame, None, None]:
        """Frames without end."""
        size = {"width": self._width, "height": self._height}
        noise, scene, shown = noise_for(self._chance("noise"), **size), None, -1
        for number in self._numbers:
            turn, step = divmod(number, self._each)
            if scene is None or turn != shown:
                scene, shown = Scene(self._class_id(turn), self._chance(str(turn)), **size), turn
            scene.draw(self._pixels, noise, number=number, share=step / self._each)
            yield Frame(self._camera, number, time.monotonic(), self._pixels)

    def _chance(self, name: str) -> Random:
        return Random(f"{self._seed} {name}")  # noqa: S311 - to be repeated

    def _class_id(self, turn: int) -> int:
        return self._order[turn % len(LABELS)]

"""A made film whose truth is known: photographs that a hand holds unsteadily before a camera, and blank walls between.

A hand's tremor is a random walk that is drawn back to its middle, of the place, the size and the angle of the picture;
the exposure wanders and flickers, the sensor adds noise, and now and then a jerk blurs some frames.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.shared.photographs import Photograph
from benchmarks.stability.figures import Scene
from pi_classifier.contracts.frame import Pixels
from pi_classifier.errors import CannotWrite
from pi_classifier.sources.files.picture import read_picture

FPS = 30
SIZE = 240
"""Height and width of the film, in pixels."""
SCENE_SECONDS = 2
PHOTOGRAPHS = 45 / 64
"""Of all scenes; the others are walls."""
UNEVEN = 8
"""Frames by which a cut may come earlier or later than every two seconds."""


@dataclass(frozen=True, slots=True)
class Shake:
    """How unsteady it is: standard deviations, each of a walk that forgets within `memory`.

    So much that the best class of a frame changes some 400 times a minute.
    """

    memory: float = 0.25
    """Seconds."""
    shift: float = 0.035
    """Of the picture's size."""
    zoom: float = 0.055
    """Natural logarithm."""
    angle: float = 3.5
    """Degrees."""
    exposure: float = 0.1
    """Natural logarithm; half as much again from frame to frame."""
    noise: float = 5.5
    """Of 255, each channel of each pixel."""
    jerks: float = 0.4
    """A second."""


SHAKE = Shake()


def photographs_needed(seconds: int) -> int:
    """How many of a film's scenes are photographs."""
    return max(1, round(seconds / SCENE_SECONDS * PHOTOGRAPHS))


class Film:
    """The same frames at every showing, and for the same seed those of every other."""

    def __init__(self, photographs: Sequence[Photograph], *, seconds: int, seed: int, shake: Shake = SHAKE) -> None:
        """Decide which photograph or wall is shown when.

        Args:
            photographs: to choose from, at least `photographs_needed`, each of another class.
            seconds: it lasts, an even number.
            seed: of all that is left to chance.
            shake: how unsteady it is.
        """
        self.seconds = seconds
        self.count = seconds * FPS
        self._seed = seed
        self._shake = shake
        random = np.random.default_rng((seed, 0))
        scenes, needed = seconds // SCENE_SECONDS, photographs_needed(seconds)
        shown = random.permutation(len(photographs))[:needed].tolist()
        # A wall comes after a photograph: two of them in a row would be one.
        walls = set(random.permutation(needed)[: scenes - needed].tolist())
        self._photographs: list[Photograph | None] = []
        for place, which in enumerate(shown):
            self._photographs += [photographs[which], *([None] if place in walls else [])]
        cuts = np.arange(1, scenes) * (SCENE_SECONDS * FPS) + random.integers(-UNEVEN, UNEVEN + 1, scenes - 1)
        self._cuts = [0, *cuts.tolist(), self.count]

    @property
    def scenes(self) -> list[Scene]:
        """What it shows, and when."""
        return [
            Scene(begin / FPS, end / FPS, photograph.class_id if photograph else None)
            for begin, end, photograph in zip(self._cuts[:-1], self._cuts[1:], self._photographs, strict=True)
        ]

    def frames(self) -> Iterator[Pixels]:
        """One after another: uint8, SIZE x SIZE x 3, BGR. Raises InputError for a photograph that cannot be read."""
        random = np.random.default_rng((self._seed, 1))
        hand = Hand(self._shake, random)
        for begin, end, photograph in zip(self._cuts[:-1], self._cuts[1:], self._photographs, strict=True):
            picture = wall(random) if photograph is None else read_picture(photograph.file)
            for _ in range(begin, end):
                yield hand.frame(picture)

    def write(self, file: Path) -> None:
        """Keep it as a Motion JPEG, to look at. Raises CannotWrite, or InputError as `frames` does."""
        writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (SIZE, SIZE))
        try:
            if not writer.isOpened():
                raise CannotWrite(f"{file}: not written", remedy="name an .avi in a folder that can be written to")
            for pixels in self.frames():
                writer.write(pixels)
        finally:
            writer.release()


class Hand:
    """What holds a picture before a camera, and that camera."""

    def __init__(self, shake: Shake, random: np.random.Generator) -> None:
        self._shake = shake
        self._random = random
        self._kept = np.exp(-1 / (FPS * shake.memory))
        self._walk = random.standard_normal(5)
        self._jerked = 0
        self._blur = np.ones((1, 1), np.float32)

    def frame(self, picture: Pixels) -> Pixels:
        """The next frame, of whatever picture."""
        random, shake = self._random, self._shake
        self._walk = self._kept * self._walk + np.sqrt(1 - self._kept**2) * random.standard_normal(5)
        held = cv2.warpAffine(
            picture, self._placed(picture), (SIZE, SIZE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
        )
        if self._jerks():
            held = cv2.filter2D(held, -1, self._blur)
        gain = np.exp(shake.exposure * (self._walk[4] + 0.5 * random.standard_normal()))
        noise = np.float32(shake.noise) * random.standard_normal(held.shape, np.float32)
        return np.asarray(np.clip(held * np.float32(gain) + noise, 0, 255), np.uint8)

    def _placed(self, picture: Pixels) -> NDArray[np.float64]:
        """The affine map from a picture, its shorter side as long as the film's, to a frame."""
        across, down, size, turn, _ = self._walk.tolist()
        height, width = picture.shape[:2]
        scale = SIZE / min(height, width) * np.exp(self._shake.zoom * size)
        place = cv2.getRotationMatrix2D((width / 2, height / 2), self._shake.angle * turn, scale)
        shift = SIZE * self._shake.shift
        place[:, 2] += (SIZE / 2 - width / 2 + shift * across, SIZE / 2 - height / 2 + shift * down)
        return np.asarray(place, np.float64)

    def _jerks(self) -> bool:
        """Whether this frame is blurred."""
        if not self._jerked and self._random.random() < self._shake.jerks / FPS:
            self._jerked = int(self._random.integers(3, 9))
            self._blur = streak(int(self._random.integers(8, 25)), float(self._random.uniform(0, 180)))
        self._jerked = max(0, self._jerked - 1)
        return self._jerked > 0


def streak(length: int, angle: float) -> NDArray[np.float32]:
    """The kernel of a motion so many pixels long, under an angle in degrees; its sum is 1."""
    line = np.zeros((length, length), np.float32)
    line[length // 2] = 1
    turned = cv2.warpAffine(
        line, cv2.getRotationMatrix2D((length / 2 - 0.5, length // 2), angle, 1.0), (length, length)
    )  # fmt: skip
    return np.asarray(turned / turned.sum(), np.float32)


def wall(random: np.random.Generator) -> Pixels:
    """A plain surface, lit from one side: uint8, SIZE x SIZE x 3."""
    paint = random.uniform(90, 220) + random.uniform(-25, 25, 3)
    left, right = random.uniform(0.8, 1.1, 2).tolist()
    light = np.linspace(left, right, SIZE)[None, :, None]
    return np.asarray(np.clip(np.ones((SIZE, 1, 1)) * light * paint, 0, 255), np.uint8)

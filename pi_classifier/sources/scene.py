"""Drawn scenes: one coloured shape before a blurred background, under some light, with a camera's noise.

The demonstration model is learnt from such scenes, and names them.
"""

import math
from random import Random

import cv2
import numpy as np
from numpy.typing import NDArray

from pi_classifier.contracts.frame import Pixels

COLOURS = {"blue": (205, 85, 45), "green": (60, 160, 45), "red": (50, 45, 205), "yellow": (50, 205, 230)}
"""BGR, in full light."""
JITTER = 25
"""How far a channel of a shape may be from that."""
LIGHTS = (0.55, 1.0)
RADII = (0.2, 0.38)
"""Distance of a shape's tips from its centre, in sides of the square in the middle of the frame."""
PATCHES, SMOOTH = 5, 40
"""The background is so many patches across and down, blurred into one another in so many pixels."""
TILE = 64
"""Pixels; the noise is this again and again, which nobody sees."""
SHIFTS = 32
"""Pixels, less one, that the noise is moved by at most."""
_FRACTION = 4
"""Bits of a coordinate behind the point."""
Polygon = NDArray[np.complex128]
"""Corners in the complex plane, where a product turns and scales."""


def _ring(*radii: float, corners: int) -> Polygon:
    """Corners at equal angles and at these radii in turn."""
    angles = np.arange(corners) * (2j * math.pi / corners)
    corners_at: Polygon = np.exp(angles) * np.resize(radii, corners)
    return corners_at


def _cross(half: float) -> Polygon:
    """Two bars, `half` as wide to either side of the middle as they are long."""
    tip = [1 - half * 1j, 1 + half * 1j, half + half * 1j]
    return np.array([corner * 1j**quarter for quarter in range(4) for corner in tip])


SHAPES = {
    "circle": _ring(1, corners=48),
    "cross": _cross(0.3),
    "square": _ring(1, corners=4),
    "star": _ring(1, 0.42, corners=10),
    "triangle": _ring(1, corners=3),
}
LABELS = tuple(f"{colour} {shape}" for colour in COLOURS for shape in SHAPES)
"""By class id."""


class Scene:
    """One shape, before one background, on its way; what does not move is drawn once."""

    def __init__(self, class_id: int, rng: Random, *, width: int, height: int) -> None:
        """Choose all that varies.

        Args:
            class_id: of the shape, an index into `LABELS`.
            rng: of its state depends all else.
            width: of the frames, in pixels.
            height: the same.
        """
        colour, shape = divmod(class_id, len(SHAPES))
        light, side = rng.uniform(*LIGHTS), min(width, height)
        self._polygon = list(SHAPES.values())[shape]
        self._colour = [light * (channel + rng.uniform(-JITTER, JITTER)) for channel in list(COLOURS.values())[colour]]
        self._radius = side * rng.uniform(*RADII)
        # All of it stays in the square in the middle, for that is what a model gets to see of a frame.
        reach = side / 2 - self._radius
        self._start, self._end = (
            complex(width / 2 + rng.uniform(-reach, reach), height / 2 + rng.uniform(-reach, reach)) for _ in range(2)
        )
        self._angle, self._turn = rng.uniform(0, math.tau), rng.uniform(-1, 1)
        self._background = _background(rng, light, width, height)

    def draw(self, out: Pixels, noise: Pixels, *, number: int, share: float) -> None:
        """Draw one frame.

        Args:
            out: to be filled, uint8, height x width x 3, BGR.
            noise: as `noise_for` makes it, for frames of this size.
            number: of the frame; in the next one the noise is elsewhere, so that no two in a row are alike.
            share: of the shape's way that is behind it, 0 to 1.
        """
        height, width = out.shape[:2]
        np.copyto(out, self._background)
        corners = self._polygon * (self._radius * np.exp(1j * (self._angle + share * self._turn)))
        corners += self._start + share * (self._end - self._start)
        points = np.stack([corners.real, corners.imag], axis=-1) * (1 << _FRACTION)
        cv2.fillPoly(out, [points.astype(np.int32)], self._colour, cv2.LINE_AA, _FRACTION)
        left, top = 11 * number % SHIFTS, 7 * number % SHIFTS
        cv2.add(out, noise[top : top + height, left : left + width], dst=out)


def noise_for(rng: Random, *, width: int, height: int) -> Pixels:
    """A camera's noise, of a random strength, to be added to frames of this size: uint8, larger than they are."""
    values = np.frombuffer(rng.randbytes(3 * TILE * TILE), np.uint8).reshape(TILE, TILE, 3)
    # The sum of a byte's two halves: small numbers near to their mean, mostly.
    tile = cv2.convertScaleAbs((values & 15) + (values >> 4), alpha=rng.uniform(0.2, 1.2))
    down, across = (math.ceil((length + SHIFTS) / TILE) for length in (height, width))
    return np.tile(np.asarray(tile, np.uint8), (down, across, 1))


def _background(rng: Random, light: float, width: int, height: int) -> Pixels:
    grey, tint = rng.uniform(40, 200), np.array([rng.uniform(-20, 20) for _ in range(3)])
    clouds = np.array([rng.uniform(-30, 30) for _ in range(PATCHES**2)]).reshape(PATCHES, PATCHES, 1)
    small = (light * (grey + tint + clouds)).clip(0, 255).astype(np.uint8)
    # Smooth, and then large: at once it would cost as much as a dozen frames.
    smooth = cv2.resize(small, (SMOOTH, SMOOTH), interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.resize(smooth, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)

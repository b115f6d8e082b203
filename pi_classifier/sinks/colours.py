"""Colours that stay with a class, wherever it is drawn; the page's `colours.js` has the same ones."""

from colorsys import hls_to_rgb
from functools import lru_cache

Colour = tuple[int, int, int]
"""Blue, green, red, each 0 to 255."""
GOLDEN_ANGLE = 137.508
"""Degrees between the hues of two classes that are numbered one after the other: however many, they spread evenly."""
LIGHTNESS, SATURATION = 0.7, 1.0
"""Of all of them, by HSL. Black on any hue so light has a contrast of 4.8 to 1 at least (WCAG 2)."""


@lru_cache
def colour_of(class_id: int) -> Colour:
    """The colour of a class, which depends on nothing but its id."""
    red, green, blue = hls_to_rgb(class_id * GOLDEN_ANGLE % 360 / 360, LIGHTNESS, SATURATION)
    return round(255 * blue), round(255 * green), round(255 * red)

"""Lines of text as masks, in letters that fit the picture: any text, shortened to the room that there is."""

from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache
from math import ceil

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pi_classifier.sinks.fonts import Fonts, Run, drawable

LEAST, SMALL = 8, 12
"""Size of letters, in pixels: the least that can be read, and what pictures get that are small, not tiny."""
NARROW, NARROW_LABEL = 10, 4
"""Pictures that are narrower have smaller letters; where labels had less room than that, percentages are left out."""
# Times the size of letters:
LINE, PADDING = 1.35, 0.45
"""Height of a line, margin around text."""
CAPITAL = 0.7
"""Height of capitals in Pillow's font."""
ELLIPSIS = "…"
KEPT = 256
"""Drawn texts: most of a frame's are those of the frame before."""
Mask = NDArray[np.uint8]
"""uint8, height x width: how much of each pixel is covered by letters."""


def wanted_size(height: int, width: int, letters_a_side: float) -> float:
    """Of letters on a picture, in pixels: this part of a large one's shorter side."""
    return min(max(SMALL, min(height, width) / letters_a_side), width / NARROW)


def line_height(size: int) -> int:
    """Of a line in letters of this size, in pixels."""
    return round(LINE * size)


def padding(size: int) -> int:
    """At either end of a line, in pixels."""
    return round(PADDING * size)


class Lettering:
    """Draws lines of text. It keeps fonts and drawn texts; for one thread at a time.

    Raises CannotWrite when it is made: this Pillow cannot draw with fonts.
    """

    def __init__(self, fonts: Fonts | None = None) -> None:
        """`fonts`: Pillow's and the system's, unless others are given."""
        self._fonts = fonts or Fonts()
        self._line = lru_cache(KEPT)(self._drawn)

    def line(self, text: str, size: int, room: int) -> Mask:
        """One line, with padding at its left and right, which slanting letters may reach into.

        Args:
            text: any; one that is too long is shortened.
            size: of letters, in pixels.
            room: what the letters may take, without the padding, in pixels; at least one letter's.

        Returns:
            Read-only, `line_height(size)` high, at most `room` and the padding wide.
        """
        return self._line(text[: room + 1], size, room)  # letters are wider than a pixel

    def _drawn(self, text: str, size: int, room: int) -> Mask:
        runs = self._shortened(text, size, room)
        mask = Image.new("L", (_length(runs) + 2 * padding(size), line_height(size)))
        # Capitals stand in the line's middle.
        draw, left, baseline = ImageDraw.Draw(mask), float(padding(size)), round((LINE + CAPITAL) / 2 * size)
        for font, piece in runs:
            draw.text((left, baseline), piece, fill=255, font=font, anchor="ls")
            left += font.getlength(piece)
        return np.asarray(mask)

    def _shortened(self, text: str, size: int, room: int) -> list[Run]:
        """The text, or as much of its beginning as there is room for, and an ellipsis."""
        text = drawable(text)
        runs = self._fonts.runs(text, size)
        if _length(runs) <= room:
            return runs

        def beginning(length: int) -> list[Run]:
            return self._fonts.runs(text[:length].rstrip(" ,") + ELLIPSIS, size)

        return beginning(bisect_right(range(1, len(text)), room, key=lambda length: _length(beginning(length))))


def _length(runs: Iterable[Run]) -> int:
    return ceil(sum(font.getlength(text) for font, text in runs))

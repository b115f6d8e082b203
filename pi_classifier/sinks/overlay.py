"""Labels drawn on a picture."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import ceil
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pi_classifier.contracts.frame import Pixels
from pi_classifier.contracts.prediction import Score
from pi_classifier.sinks.fonts import Fonts, Run, drawable

LEAST, SMALL = 8, 12
"""Size of letters, in pixels: the least that can be read, and what pictures get that are small, not tiny."""
LETTERS_A_SIDE = 28
"""On large pictures letters are this part of the shorter side."""
# Times the size of letters:
LINE, PADDING, GAP = 1.35, 0.45, 0.5
"""Height of a line, margin within the panel and around it, distance of columns."""
CAPITAL = 0.7
"""Height of capitals in Pillow's font."""
NARROW, NARROW_LABEL = 10, 4
"""Pictures that are narrower have smaller letters; where labels had less room than that, percentages are left out."""
GROUND = 0.3
"""What the panel leaves of the picture under it: white on that has a contrast of over 7 to 1, whatever the picture."""
WIDEST = "100.0%"
"""Percentage: the column has its width, whatever is in it, so that labels stand still in a video."""
ELLIPSIS = "…"
KEPT = 64
"""Drawn texts: most of a frame's are those of the frame before."""
Mask = NDArray[np.uint8]
"""uint8, height x width: how much of each pixel is covered by letters."""


class Overlay:
    """Draws labels on frames of any size. It keeps fonts and drawn texts; for one thread at a time.

    Raises CannotWrite when it is made: this Pillow cannot draw with fonts.
    """

    def __init__(self, fonts: Fonts | None = None) -> None:
        """`fonts`: Pillow's and the system's, unless others are given."""
        self._fonts = fonts or Fonts()
        self._line = lru_cache(KEPT)(self._drawn)

    def labelled(self, pixels: Pixels, scores: Sequence[Score]) -> Pixels:
        """A copy of the frame with a line a class, on a dark translucent panel in its upper left.

        Labels that are too long are shortened. Where there is no room for all classes the first are shown, and where
        there is none for letters that can be read, none.

        Args:
            pixels: uint8, height x width x 3, BGR, of any size; they stay as they are.
            scores: best first; their labels are any text.

        Returns:
            uint8, height x width x 3, BGR; outside of the panel they are the frame's.
        """
        canvas = pixels.copy()
        layout = _Layout.fitting(canvas.shape[0], canvas.shape[1], len(scores))
        if layout.rows > 0:
            mask = self._text(scores[: layout.rows], layout)
            bottom, right = np.add(mask.shape, layout.margin)
            _blend(mask, canvas[layout.margin : bottom, layout.margin : right])
        return canvas

    def _text(self, scores: Sequence[Score], layout: "_Layout") -> Mask:
        """Percentages, to the right of their column, and labels; these alone where both have no room."""
        percentages = [self._line(f"{score.probability:.1%}", layout, layout.room) for score in scores]
        indent = self._line(WIDEST, layout, layout.room).shape[1]
        column = indent - 2 * layout.padding + layout.gap
        if layout.room - column < NARROW_LABEL * layout.size:
            percentages, column = [], 0
        labels = [self._line(score.label, layout, layout.room - column) for score in scores]
        width = column + max(line.shape[1] for line in labels)
        mask = np.zeros((2 * layout.padding + len(scores) * layout.line, width), np.uint8)
        placed = [(row, indent - line.shape[1], line) for row, line in enumerate(percentages)]
        placed += [(row, column, line) for row, line in enumerate(labels)]
        for row, left, line in placed:
            top = layout.padding + row * layout.line
            mask[top : top + layout.line, left : left + line.shape[1]] = line
        return mask

    def _drawn(self, text: str, layout: "_Layout", room: int) -> Mask:
        """One line, with padding at its left and right, which slanting letters may reach into."""
        runs = self._shortened(text, layout.size, room)
        mask = Image.new("L", (_length(runs) + 2 * layout.padding, layout.line))
        draw, left = ImageDraw.Draw(mask), float(layout.padding)
        for font, piece in runs:
            draw.text((left, layout.baseline), piece, fill=255, font=font, anchor="ls")
            left += font.getlength(piece)
        return np.asarray(mask)

    def _shortened(self, text: str, size: int, room: int) -> list[Run]:
        """The text, or as much of its beginning as there is room for, and an ellipsis."""
        text = drawable(text[: room + 1])  # letters are wider than a pixel
        runs = self._fonts.runs(text, size)
        if _length(runs) <= room:
            return runs

        def beginning(length: int) -> list[Run]:
            return self._fonts.runs(text[:length].rstrip(" ,") + ELLIPSIS, size)

        return beginning(bisect_right(range(1, len(text)), room, key=lambda length: _length(beginning(length))))


class _Layout(NamedTuple):
    """Where text goes, in pixels. It follows from the picture's size alone, so that it stands still in a video."""

    size: int
    """Of letters."""
    rows: int
    """What there is room for, 0 where no text can be read."""
    room: int
    """From the left of the percentages to the right of the longest label."""
    margin: int
    """Around the panel."""

    @classmethod
    def fitting(cls, height: int, width: int, rows: int) -> "_Layout":
        """For so many classes, or fewer."""
        wanted = max(SMALL, min(height, width) / LETTERS_A_SIDE)
        size = int(max(LEAST, min(wanted, height / (LINE * rows + 4 * PADDING), width / NARROW)))
        bare = cls(size, rows, room=0, margin=0)
        margin = bare.padding if size > LEAST else 0
        border = 2 * (margin + bare.padding)
        rows = min(rows, (height - border) // bare.line)
        return cls(size, rows if width - border >= size else 0, width - border, margin)

    @property
    def padding(self) -> int:
        """Within the panel."""
        return round(PADDING * self.size)

    @property
    def gap(self) -> int:
        """Between the columns."""
        return round(GAP * self.size)

    @property
    def line(self) -> int:
        """Height of a row."""
        return round(LINE * self.size)

    @property
    def baseline(self) -> int:
        """Of letters in their row; capitals stand in its middle."""
        return round((LINE + CAPITAL) / 2 * self.size)


def _length(runs: Iterable[Run]) -> int:
    return ceil(sum(font.getlength(text) for font, text in runs))


def _blend(mask: Mask, panel: Pixels) -> None:
    """White letters on what is darkened of the picture; `panel`, the part of it under the mask, is written to."""
    dark = cv2.convertScaleAbs(panel, alpha=GROUND)
    letters = cv2.cvtColor(mask, cv2.COLOR_GRAY2BGR)
    panel[:] = cv2.add(dark, cv2.multiply(255 - dark, letters, scale=1 / 255))

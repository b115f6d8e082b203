"""Labels drawn on a picture."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from pi_classifier.contracts.frame import Pixels
from pi_classifier.contracts.prediction import Score
from pi_classifier.sinks.fonts import Fonts
from pi_classifier.sinks.lettering import (
    LEAST,
    LINE,
    NARROW_LABEL,
    PADDING,
    Lettering,
    Mask,
    line_height,
    padding,
    wanted_size,
)

LETTERS_A_SIDE = 28
"""On large pictures letters are this part of the shorter side."""
GAP = 0.5
"""Distance of columns, times the size of letters."""
GROUND = 0.3
"""What the panel leaves of the picture under it: white on that has a contrast of over 7 to 1, whatever the picture."""
WIDEST = "100.0%"
"""Percentage: the column has its width, whatever is in it, so that labels stand still in a video."""


class Overlay:
    """Draws labels on frames of any size. It keeps fonts and drawn texts; for one thread at a time.

    Raises CannotWrite when it is made: this Pillow cannot draw with fonts.
    """

    def __init__(self, fonts: Fonts | None = None) -> None:
        """`fonts`: Pillow's and the system's, unless others are given."""
        self._lettering = Lettering(fonts)

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

        def line(text: str, room: int) -> Mask:
            return self._lettering.line(text, layout.size, room)

        percentages = [line(f"{score.probability:.1%}", layout.room) for score in scores]
        indent = line(WIDEST, layout.room).shape[1]
        column = indent - 2 * layout.padding + layout.gap
        if layout.room - column < NARROW_LABEL * layout.size:
            percentages, column = [], 0
        labels = [line(score.label, layout.room - column) for score in scores]
        width = column + max(text.shape[1] for text in labels)
        mask = np.zeros((2 * layout.padding + len(scores) * layout.line, width), np.uint8)
        placed = [(row, indent - text.shape[1], text) for row, text in enumerate(percentages)]
        placed += [(row, column, text) for row, text in enumerate(labels)]
        for row, left, text in placed:
            top = layout.padding + row * layout.line
            mask[top : top + layout.line, left : left + text.shape[1]] = text
        return mask


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
        wanted = wanted_size(height, width, LETTERS_A_SIDE)
        size = int(max(LEAST, min(wanted, height / (LINE * rows + 4 * PADDING))))
        bare = cls(size, rows, room=0, margin=0)
        margin = bare.padding if size > LEAST else 0
        border = 2 * (margin + bare.padding)
        rows = min(rows, (height - border) // bare.line)
        return cls(size, rows if width - border >= size else 0, width - border, margin)

    @property
    def padding(self) -> int:
        """Within the panel."""
        return padding(self.size)

    @property
    def gap(self) -> int:
        """Between the columns."""
        return round(GAP * self.size)

    @property
    def line(self) -> int:
        """Height of a row."""
        return line_height(self.size)


def _blend(mask: Mask, panel: Pixels) -> None:
    """White letters on what is darkened of the picture; `panel`, the part of it under the mask, is written to."""
    dark = cv2.convertScaleAbs(panel, alpha=GROUND)
    letters = cv2.cvtColor(mask, cv2.COLOR_GRAY2BGR)
    panel[:] = cv2.add(dark, cv2.multiply(255 - dark, letters, scale=1 / 255))

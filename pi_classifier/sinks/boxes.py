"""Objects drawn on a picture: a box around each, and its label."""

from collections.abc import Sequence
from functools import lru_cache
from math import ceil, floor

import cv2
import numpy as np
from numpy.typing import NDArray

from pi_classifier.contracts.detection import Box, Detection
from pi_classifier.contracts.frame import Pixels
from pi_classifier.sinks.colours import Colour, colour_of
from pi_classifier.sinks.fonts import Fonts
from pi_classifier.sinks.lettering import LEAST, NARROW_LABEL, Lettering, Mask, line_height, padding, wanted_size
from pi_classifier.sinks.placing import Point, Rectangle, placed

LETTERS_A_SIDE = 40
"""On large pictures letters are this part of the shorter side."""
LETTERS_A_LINE, LINES_A_SIDE = 6, 10
"""An outline is this part of the size of letters, and of its box's shorter side at most, but a pixel at least."""
LINES_AN_EDGE = 3
"""Its black edges are this part of the outline."""
WIDEST = "100%"
"""Percentage."""
LABELLED = 100
"""Objects that have a label: the work is bounded."""
BLACK = (0, 0, 0)


class Boxes:
    """Draws objects on frames of any size. It keeps fonts and drawn texts; for one thread at a time.

    Raises CannotWrite when it is made: this Pillow cannot draw with fonts.
    """

    def __init__(self, fonts: Fonts | None = None) -> None:
        """`fonts`: Pillow's and the system's, unless others are given."""
        self._lettering = Lettering(fonts)

    def labelled(self, pixels: Pixels, detections: Sequence[Detection]) -> Pixels:
        """A copy of the frame with a box around each object, and its label with the percentage.

        Boxes and labels have the colour of their class. Where labels have no room beside one another those of the
        first objects are there, and on pictures too small for letters that can be read none is.

        Args:
            pixels: uint8, height x width x 3, BGR, of any size; they stay as they are.
            detections: best first; their labels are any text.

        Returns:
            uint8, height x width x 3, BGR.
        """
        canvas = pixels.copy()
        height, width = canvas.shape[:2]
        size = int(max(LEAST, wanted_size(height, width, LETTERS_A_SIDE)))
        boxes = [_whole_pixels(found.box, width, height) for found in detections]
        # The best on top.
        for found, box in zip(reversed(detections), reversed(boxes), strict=True):
            _outline(canvas, box, size, colour_of(found.class_id))
        room = width - 2 * padding(size)
        if room >= size:
            labels = [self._label(found, size, room) for found in detections[:LABELLED]]
            sizes = [(label.shape[1], label.shape[0]) for label in labels]
            places = placed(boxes[:LABELLED], sizes, width, height)
            for found, label, place in zip(detections, labels, places, strict=False):
                if place is not None:
                    _write(canvas, label, place, colour_of(found.class_id))
        return canvas

    def _label(self, found: Detection, size: int, room: int) -> Mask:
        """Label and percentage, each of them a text that is kept; the label alone where both have no room."""
        # Of one width for all, so that the label's text is the same with each percentage.
        column = self._lettering.line(WIDEST, size, room).shape[1] - padding(size)
        if room - column < NARROW_LABEL * size:
            return self._lettering.line(found.label, size, room)
        label = self._lettering.line(found.label, size, room - column)
        percentage = self._lettering.line(f"{found.confidence:.0%}", size, room)
        mask = np.zeros((line_height(size), label.shape[1] + percentage.shape[1] - padding(size)), np.uint8)
        mask[:, : label.shape[1]] = label
        np.maximum(mask[:, -percentage.shape[1] :], percentage, out=mask[:, -percentage.shape[1] :])
        return mask


def _whole_pixels(box: Box, width: int, height: int) -> Rectangle:
    """What a box touches of the picture: at least one pixel."""
    left, top, right, bottom = box
    left, top = min(max(0, floor(left)), width - 1), min(max(0, floor(top)), height - 1)
    return left, top, max(left + 1, min(ceil(right), width)), max(top + 1, min(ceil(bottom), height))


def _outline(canvas: Pixels, box: Rectangle, size: int, colour: Colour) -> None:
    """Within the box, so that one of the whole picture shows; its black edges set it off from any ground."""
    left, top, right, bottom = box
    line = max(1, round(min(size / LETTERS_A_LINE, min(right - left, bottom - top) / LINES_A_SIDE)))
    edge = max(1, round(line / LINES_AN_EDGE))
    _frame(canvas, box, -edge, line + edge, BLACK)
    _frame(canvas, box, 0, line, colour)


def _frame(canvas: Pixels, box: Rectangle, outer: int, inner: int, colour: Colour) -> None:
    """Four bars, which begin and end so far within the box; OpenCV leaves out what is not in the picture."""
    left, top, right, bottom = box[0] + outer, box[1] + outer, box[2] - outer - 1, box[3] - outer - 1
    thickness = inner - outer - 1
    for opposite in ((right, top + thickness), (left + thickness, bottom)):
        cv2.rectangle(canvas, (left, top), opposite, colour, cv2.FILLED)
    for opposite in ((left, bottom - thickness), (right - thickness, top)):
        cv2.rectangle(canvas, (right, bottom), opposite, colour, cv2.FILLED)


def _write(canvas: Pixels, label: Mask, place: Point, colour: Colour) -> None:
    """Black letters on a ground of the class's colour."""
    (left, top), (height, width) = place, label.shape
    canvas[top : top + height, left : left + width] = np.take(_shades(colour), label, axis=0)


@lru_cache
def _shades(colour: Colour) -> NDArray[np.uint8]:
    """The colour under letters, by how much of a pixel they cover: uint8, 256 x 3, down to black."""
    return np.round(np.outer(np.linspace(1, 0, 256), colour)).astype(np.uint8)

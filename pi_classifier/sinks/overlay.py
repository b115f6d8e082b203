"""Labels drawn on a picture."""

import cv2

from pi_classifier.contracts.frame import Pixels
from pi_classifier.contracts.prediction import Score

FONT = cv2.FONT_HERSHEY_SIMPLEX


def labelled(pixels: Pixels, scores: tuple[Score, ...]) -> Pixels:
    """A copy of the frame with a line a class in its upper left, readable on any ground at any size."""
    canvas = pixels.copy()
    scale = max(0.4, pixels.shape[0] / 600)
    line_height = round(30 * scale)
    for row, score in enumerate(scores, start=1):
        text = f"{score.probability:.1%} {score.label}"
        at = (line_height // 3, row * line_height)
        for colour, thickness in (((0, 0, 0), 4), ((255, 255, 255), 1)):
            cv2.putText(canvas, text, at, FONT, scale, colour, max(1, round(thickness * scale)), cv2.LINE_AA)
    return canvas

"""What people usually build: a loop that draws labels on frames, and Flask that shows them.

It is the loop of many tutorials, with a fault of theirs mended: the model runs once a frame and not once for each
client.
"""

import cv2

from benchmarks.loops.camera import Camera
from benchmarks.viewing.meter import Meter
from benchmarks.viewing.motion_jpeg import MotionJpeg
from pi_classifier.contracts.frame import Pixels
from pi_classifier.contracts.model import Model
from pi_classifier.contracts.prediction import Score

WHITE = (255, 255, 255)


class FlaskSite:
    """Camera, model and labels in one loop."""

    def __init__(self, model: Model, camera: Camera) -> None:
        self._camera = camera
        self._preprocess, self._tensor = model.new_preprocessor(), model.new_tensor()
        self._predictor = model.new_predictor()
        self._stream = MotionJpeg()
        self.port = self._stream.port

    def run(self, meter: Meter) -> None:
        """Classify until the meter is done; whoever looks then may stay."""
        while not meter.done:
            captured_at, pixels = self._camera.read()
            frame = pixels.copy()  # cv2.VideoCapture.read gives a new array
            self._preprocess(frame, self._tensor)
            _draw(frame, self._predictor.decode(self._predictor.infer(self._tensor)).scores)
            self._stream.show(frame)
            meter.frame(captured_at)


def _draw(frame: Pixels, scores: tuple[Score, ...]) -> None:
    for line, score in enumerate(scores, 1):
        text = f"{score.label}: {score.probability:.1%}"
        cv2.putText(frame, text, (10, 20 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.5, WHITE, 1)

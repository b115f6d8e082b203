"""What people usually build: capture, model, decoding and drawing in one loop, and Flask that shows the frames.

It draws whether anybody looks or not, as those loops do, and encodes a JPEG if somebody does.
"""

from collections.abc import Callable

from benchmarks.loops.camera import Camera
from benchmarks.objects.scene import decoded
from benchmarks.viewing.meter import Meter
from benchmarks.viewing.motion_jpeg import MotionJpeg
from pi_classifier.contracts.frame import Pixels

Look = Callable[[Pixels], Pixels]
"""From a frame to one with its objects drawn on it; it may be the same."""


class UsualLoop:
    """One thread for all but the viewers."""

    def __init__(self, camera: Camera, look: Look) -> None:
        self._camera, self._look = camera, look
        self._stream = MotionJpeg()
        self.port = self._stream.port

    def run(self, meter: Meter) -> None:
        """Look until the meter is done."""
        while not meter.done:
            captured_at, frame = self._camera.read()
            self._stream.show(self._look(decoded(frame)))
            meter.frame(captured_at)

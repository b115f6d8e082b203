"""What people usually build: capture, model, decoding and drawing in one loop, and Flask that shows the frames.

It draws whether anybody looks or not, as those loops do. Some encode every frame, too, others for those who look.
"""

from collections.abc import Callable

from benchmarks.loops.camera import Camera
from benchmarks.objects.scene import decoded
from benchmarks.viewing.meter import Meter
from benchmarks.viewing.motion_jpeg import MotionJpeg, jpeg_of
from pi_classifier.contracts.frame import Pixels

Look = Callable[[Pixels], Pixels]
"""From a frame to one with its objects drawn on it; it may be the same."""


class UsualLoop:
    """One thread for all but the viewers."""

    def __init__(self, camera: Camera, look: Look, *, encodes: bool) -> None:
        """`encodes`: every frame, which is for nobody then."""
        self._camera, self._look, self._encodes = camera, look, encodes
        self._stream = MotionJpeg()
        self.port = self._stream.port

    def run(self, meter: Meter) -> None:
        """Look until the meter is done."""
        while not meter.done:
            captured_at, frame = self._camera.read()
            drawn = self._look(decoded(frame))
            if self._encodes:
                jpeg_of(drawn)
            self._stream.show(drawn)
            meter.frame(captured_at)

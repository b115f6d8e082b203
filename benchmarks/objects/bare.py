"""The runtime alone, again and again on the same tensor: no pre-processing, no boxes, perhaps a camera."""

import time

import numpy as np

from benchmarks.loops.camera import Camera
from benchmarks.objects.case import Setting
from benchmarks.objects.model_clock import ModelClock
from benchmarks.objects.scene import HEIGHT, WIDTH, decoded
from benchmarks.viewing.meter import Meter


class BareModel:
    """A detector's session, run."""

    port = 0

    def __init__(self, setting: Setting, camera: Camera, clock: ModelClock) -> None:
        detector = setting.detector()
        self._camera = camera if setting.site == "decoding" else None
        self._tensor = detector.new_tensor()
        self._run = clock.timed(detector.new_predictor().infer)

    def run(self, meter: Meter) -> None:
        """Run it until the meter is done, once for each frame of the camera if there is one."""
        pixels = np.empty((HEIGHT, WIDTH, 3), np.uint8)
        while not meter.done:
            started = time.monotonic()
            if self._camera:
                started, frame = self._camera.read()
                decoded(frame, pixels)
            self._run(self._tensor)
            meter.frame(started)

"""The runtime alone, again and again on the same tensor: no camera, no pre-processing, no decoding."""

import time

from benchmarks.objects.case import Setting
from benchmarks.objects.model_clock import ModelClock
from benchmarks.viewing.meter import Meter


class BareModel:
    """A detector's session, run."""

    port = 0

    def __init__(self, setting: Setting, clock: ModelClock) -> None:
        detector = setting.detector()
        self._tensor = detector.new_tensor()
        self._run = clock.timed(detector.new_predictor().infer)

    def run(self, meter: Meter) -> None:
        """Run it until the meter is done."""
        while not meter.done:
            started = time.monotonic()
            self._run(self._tensor)
            meter.frame(started)

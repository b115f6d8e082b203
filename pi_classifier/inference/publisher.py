"""What becomes of a model's outputs for a frame: a prediction, offered to every sink."""

import time
from collections.abc import Sequence

from pi_classifier.contracts.executor import Finished
from pi_classifier.contracts.job import Job
from pi_classifier.contracts.prediction import Prediction, Sink, Timings
from pi_classifier.inference.steadiness import Steadiness
from pi_classifier.statistics import CameraStatistics


class Publisher:
    """Ranks, tells what holds still, counts, and publishes; on the inference loop's thread."""

    def __init__(self, steadiness: Steadiness, sinks: Sequence[Sink]) -> None:
        """`steadiness`: of all cameras. `sinks`: are offered every prediction, in this order."""
        self._steadiness = steadiness
        self._sinks = tuple(sinks)
        self._publish_seconds = 0.0
        self.predictions = 0

    def publish(self, statistics: CameraStatistics, job: Job, done: Finished) -> None:
        """Make the prediction of a camera's frame. `job`: the frame."""
        began = time.perf_counter()
        result = done.predictor.decode(done.outputs, job.geometry)
        steady = self._steadiness.update(statistics.camera, job.captured_at, result)
        ranked = time.perf_counter()
        timings = Timings(
            capture_wait=done.wait_seconds,
            preprocess=job.preprocess_seconds,
            inference=done.inference_seconds,
            rank=ranked - began,
            publish=self._publish_seconds,
            # Some drivers stamp a frame with the end of its exposure, a little ahead of its arrival.
            age=max(0.0, time.monotonic() - job.captured_at),
        )
        prediction = Prediction(statistics.camera, job.sequence, job.captured_at, result, timings, steady, job.picture)
        statistics.frame_classified()
        self.predictions += 1
        for sink in self._sinks:
            sink.offer(prediction)
        self._publish_seconds = time.perf_counter() - ranked

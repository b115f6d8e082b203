"""The inference loop: the newest frame of each camera through the model, to every sink."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pi_classifier.contracts.job import Job, JobSource
from pi_classifier.contracts.model import Predictor
from pi_classifier.contracts.prediction import Prediction, Sink, Timings
from pi_classifier.inference.steadiness import Steadiness
from pi_classifier.statistics import CameraStatistics

if TYPE_CHECKING:
    # Imported only where somebody can ask.
    from pi_classifier.contracts.request import Request, RequestSource

LONGEST_WAIT_SECONDS = 0.25
"""How long the loop sleeps without news: the most that a signal waits to be noticed."""


class Pipeline:
    """Turns frames into predictions, one at a time, the cameras in turn, and after each turn answers one request."""

    def __init__(
        self,
        *,
        cameras: Sequence[tuple[JobSource, CameraStatistics]],
        predictor: Predictor,
        steadiness: Steadiness,
        sinks: Sequence[Sink],
        work_available: threading.Event,
        requests: "RequestSource | None" = None,
    ) -> None:
        """Take the parts.

        Args:
            cameras: each with its statistics.
            predictor: runs the model.
            steadiness: of these cameras.
            sinks: are offered every prediction.
            work_available: what the job sources and the requests set when there is news.
            requests: of others than cameras; None where nobody can ask.
        """
        self._cameras = tuple(cameras)
        self._predictor = predictor
        self._steadiness = steadiness
        self._sinks = tuple(sinks)
        self._requests = requests
        self._work_available = work_available
        self._publish_seconds = 0.0
        self.predictions = 0

    def run(self, *, frames: int, stopping: Callable[[], bool], after_turn: Callable[[], None]) -> None:
        """Classify until every camera has ended, `stopping()` is true, or `frames` predictions were made.

        Args:
            frames: 0 for no limit.
            stopping: asked at least every `LONGEST_WAIT_SECONDS` and once a prediction.
            after_turn: called once every camera was looked at, at least every `LONGEST_WAIT_SECONDS`.

        Raises:
            PiClassifierError: what stopped a camera for good.
        """
        waiting_since = time.perf_counter()
        while not stopping():
            self._work_available.wait(LONGEST_WAIT_SECONDS)
            # Cleared before the cameras are looked at: what comes after that look sets it again. And the end is asked
            # for before the last frame is taken: a camera that had ended then leaves nothing behind.
            self._work_available.clear()
            all_ended = self._all_ended()
            for source, statistics in self._cameras:
                job = source.take()
                if job is None:
                    continue
                self._predict(statistics, job, time.perf_counter() - waiting_since)
                waiting_since = time.perf_counter()
                if stopping() or self.predictions == frames > 0:
                    return
            if self._requests and (request := self._requests.take()):
                self._answer(request)
                waiting_since = time.perf_counter()
            if all_ended:
                return
            after_turn()

    def _all_ended(self) -> bool:
        ended = [source for source, _ in self._cameras if source.ended]
        for source in ended:
            if source.failure:
                raise source.failure
        return len(ended) == len(self._cameras)

    def _predict(self, statistics: CameraStatistics, job: Job, waited: float) -> None:
        started = time.perf_counter()
        outputs = self._predictor.infer(job.tensor)
        inferred = time.perf_counter()
        result = self._predictor.decode(outputs)
        steady = self._steadiness.update(statistics.camera, job.captured_at, result.probabilities)
        ranked = time.perf_counter()
        timings = Timings(
            capture_wait=waited,
            preprocess=job.preprocess_seconds,
            inference=inferred - started,
            rank=ranked - inferred,
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

    def _answer(self, request: "Request") -> None:
        if not request.begin():
            return  # who asked is gone
        started = time.perf_counter()
        outputs = self._predictor.infer(request.tensor)
        inferred = time.perf_counter()
        request.answer(self._predictor.decode(outputs).probabilities, inferred - started)

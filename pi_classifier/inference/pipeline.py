"""The inference loop: the newest frame of each camera through the model, to every sink."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

from pi_classifier.contracts.executor import Executor, Finished
from pi_classifier.contracts.job import Job, JobSource
from pi_classifier.inference.publisher import Publisher
from pi_classifier.statistics import CameraStatistics

if TYPE_CHECKING:
    # Imported only where somebody can ask.
    from pi_classifier.contracts.request import Request, RequestSource

LONGEST_WAIT_SECONDS = 0.25
"""How long the loop sleeps without news: the most that a signal waits to be noticed."""


class Pipeline:
    """Turns frames into predictions: the cameras in turn, of each one frame at a time, and then one request a turn."""

    def __init__(
        self,
        *,
        cameras: Sequence[tuple[JobSource, CameraStatistics]],
        executor: Executor,
        publisher: Publisher,
        work_available: threading.Event,
        requests: "RequestSource | None" = None,
        in_step: bool = False,
    ) -> None:
        """Take the parts.

        Args:
            cameras: each with its statistics.
            executor: runs the model.
            publisher: takes what it gives.
            work_available: what the job sources, the requests and the executor set when there is news.
            requests: of others than cameras; None where nobody can ask.
            in_step: takes all cameras' newest frames at one moment, and the next when those are classified: what keeps
                cameras together that the model cannot keep up with.
        """
        self._turn = deque(_Camera(source, statistics) for source, statistics in cameras)
        self._executor = executor
        self._publisher = publisher
        self._requests = requests
        self._work_available = work_available
        self._in_step = in_step

    @property
    def predictions(self) -> int:
        """How many were made of cameras' frames."""
        return self._publisher.predictions

    def run(self, *, frames: int, stopping: Callable[[], bool], after_turn: Callable[[], None]) -> None:
        """Classify until every camera has ended, `stopping()` is true, or `frames` predictions were made.

        Args:
            frames: 0 for no limit.
            stopping: asked at least every `LONGEST_WAIT_SECONDS` and once a prediction.
            after_turn: called once every camera was looked at, at least every `LONGEST_WAIT_SECONDS`.

        Raises:
            PiClassifierError: what stopped a camera for good, or an error in the model.
        """

        def over() -> bool:
            return stopping() or self.predictions == frames > 0

        try:
            while not over():
                self._work_available.wait(LONGEST_WAIT_SECONDS)
                # Cleared before the cameras are looked at: what comes after that look sets it again. And the end is
                # asked for before the last frame is taken: a camera that had ended then leaves nothing behind.
                self._work_available.clear()
                all_ended = self._all_ended()
                self._one_turn(over)
                if all_ended and not any(camera.job for camera in self._turn):
                    return
                after_turn()
        finally:
            self._count_what_is_left()

    def _one_turn(self, over: Callable[[], bool]) -> None:
        """Publish what is done and begin what can be begun, with the camera whose turn it is."""
        self._publish(over)
        if self._in_step and not any(camera.job for camera in self._turn):
            for camera in self._turn:
                camera.take(wait=False)
        for _ in range(len(self._turn)):
            if over() or not self._executor.free:
                return
            camera = self._turn[0]
            self._turn.rotate(-1)
            if camera.begins(self._executor, take=not self._in_step):
                self._publish(over)
        if self._requests and self._executor.free and not over():
            self._begin_request(self._requests)
            self._publish(over)

    def _begin_request(self, requests: "RequestSource") -> None:
        request = requests.take()
        if request and request.begin():  # who asked is there still
            self._executor.begin(request.tensor, request)

    def _publish(self, over: Callable[[], bool]) -> None:
        for done in self._executor.finished():
            if isinstance(done.context, _Camera):
                camera = done.context
                self._publisher.publish(camera.statistics, camera.released(), done)
                if over():
                    return
            else:
                _answer(done)

    def _all_ended(self) -> bool:
        ended = [camera.source for camera in self._turn if camera.source.ended]
        for source in ended:
            if source.failure:
                raise source.failure
        return len(ended) == len(self._turn)

    def _count_what_is_left(self) -> None:
        for camera in self._turn:
            if camera.job:
                camera.released()
                camera.statistics.frame_dropped("shutdown")


class _Camera:
    """One camera, and its frame that is on its way through the model."""

    def __init__(self, source: JobSource, statistics: CameraStatistics) -> None:
        self.source = source
        self.statistics = statistics
        self.job: Job | None = None
        self._is_running = False

    def take(self, *, wait: bool) -> None:
        """Its newest frame, if there is one."""
        self.job = self.source.take(wait=wait)

    def begins(self, executor: Executor, *, take: bool) -> bool:
        """Have its frame classified, if there is one that is not yet. `take`: the newest now, not one from before."""
        if self._is_running:
            return False
        if take:
            self.take(wait=executor.waits)
        if self.job is None:
            return False
        self._is_running = True
        executor.begin(self.job.tensor, self)
        return True

    def released(self) -> Job:
        """The frame, which is no longer on its way."""
        job, self.job, self._is_running = cast("Job", self.job), None, False
        return job


def _answer(done: Finished) -> None:
    request: Request = done.context
    request.answer(done.predictor.decode(done.outputs, request.geometry), done.inference_seconds)

"""One camera's way into the inference loop: its thread captures and pre-processes, the newest frame wins."""

import logging
import math
import random
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import closing

from pi_classifier.contracts.event import CameraObserver
from pi_classifier.contracts.frame import Frame, FrameSource
from pi_classifier.contracts.job import Job, PictureDemand
from pi_classifier.contracts.model import Model
from pi_classifier.errors import CaptureError, CaptureThreadDied, CaptureTimeout, PiClassifierError
from pi_classifier.statistics import CameraStatistics

LEAST_OF_RETRY = 0.5
"""What is left of a wait at least, which is shortened at random: cameras that went together, with a switch, do not all
come back to it at once."""
DAMAGED_SECONDS = 5.0
"""A camera whose frames are all damaged for so long is closed and opened again."""
HUNG_SECONDS = 15.0
"""Within so long a source gives a frame or says why there is none, or it hangs in its driver. The slowest, a CSI camera
that starts, takes eight."""
IMMINENT_SECONDS = 0.0005
"""How near the next frame's arrival must be to be waited for, and for how long: more than the usual jitter of it, and
little beside an inference."""
STOP_SECONDS = 0.7
"""How long `stop` waits for the thread: a camera's read may last longer, and nobody should wait for that."""

logger = logging.getLogger(__name__)


class Capture:
    """Runs one source on a thread of its own and hands over the newest frame, ready for the model.

    A `Component` and a `JobSource`.
    """

    def __init__(
        self,
        source: FrameSource,
        *,
        statistics: CameraStatistics,
        observers: Sequence[CameraObserver],
        model: Model,
        work_available: threading.Event,
        shutdown: threading.Event,
        picture_demand: PictureDemand | None = None,
        max_fps: float = 0.0,
    ) -> None:
        """Take a source to run.

        Args:
            source: where frames come from.
            statistics: the camera's.
            observers: learn in this order when the camera goes and when it comes back.
            model: what the frames are pre-processed for.
            work_available: set whenever there is something new: a frame, the end, a failure.
            shutdown: set when capturing shall end; `stop` sets it for every camera that shares it.
            picture_demand: while it lasts each frame's pixels are handed over, too; None: nobody looks.
            max_fps: frames a second that are handed over at most; 0: as many as come.
        """
        self.camera = statistics.camera
        self._statistics = statistics
        self._source = source
        self._observers = tuple(observers)
        self._preprocess = model.new_preprocessor(statistics.camera)
        self._filling, self._taken = Job(model.new_tensor()), Job(model.new_tensor())
        self._fresh = False
        """Whether `_filling` holds a frame that nobody has taken."""
        self._handover = threading.Condition(threading.Lock())
        """Held while a frame is pre-processed, and notified of it."""
        self._next_due = self._newest_captured_at = self._intact_at = 0.0
        self._expected_by = 0.0
        """When the next frame, or failed attempt, is there at the latest."""
        self._work_available = work_available
        self._shutdown = shutdown
        self._picture_demand = picture_demand or PictureDemand()
        self._limit = _RateLimit(max_fps) if max_fps else None
        self._failure: PiClassifierError | None = None
        self._finished = False
        # A daemon thread: one that hangs in a driver must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name=f"capture-{self.camera}", daemon=True)

    def start(self) -> None:
        """Begin to capture."""
        logger.info("%s: %s", self.camera, self._source)
        self._expected_by = time.monotonic() + HUNG_SECONDS
        self._thread.start()

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Wait for the thread, so long at most, and count a frame that nobody took.

        A thread whose camera hangs in the driver, or in a read from the network, is left behind.
        """
        self._shutdown.set()
        self._thread.join(seconds)
        with self._handover:
            waits, self._fresh = self._fresh, False
        if waits:
            self._statistics.frame_dropped("shutdown")

    def healthy(self, now: float) -> bool:
        """Whether the next intact frame, or failed attempt at the camera, is not overdue; an ended source is well."""
        return now < self._expected_by or self.ended

    def take(self, *, wait: bool) -> Job | None:
        """The newest frame, the caller's until it takes again; None if there is none since.

        One that is due now or being pre-processed is younger by a whole interval than the one before, and ready in a
        fraction of one. `wait`: for that one; else there is none until it is ready, and others can be looked at.
        """
        if not self._handover.acquire(blocking=wait):
            return None
        try:
            if wait and abs(self._next_due - time.monotonic()) < IMMINENT_SECONDS:
                self._handover.wait(IMMINENT_SECONDS)
            if not self._fresh:
                return None
            self._fresh = False
            self._filling, self._taken = self._taken, self._filling
            return self._taken
        finally:
            self._handover.release()

    @property
    def ended(self) -> bool:
        """Whether no further frame will come; `failure` then says whether that is how it should be."""
        return self._finished or not self._thread.is_alive()

    @property
    def failure(self) -> PiClassifierError | None:
        """What stopped the source for good, if anything did."""
        if self._failure is None and self.ended and not self._finished:
            return CaptureThreadDied(f"{self.camera}: capture ended on the error above", remedy="please report it")
        return self._failure

    def _run(self) -> None:
        try:
            self._capture_until_it_ends()
            self._finished = True
        except PiClassifierError as error:
            self._failure = error
            self._finished = True
        finally:
            self._statistics.source_ended()
            self._work_available.set()

    def _capture_until_it_ends(self) -> None:
        retry = 0.0
        while not self._shutdown.is_set():
            try:
                self._intact_at = time.monotonic()
                with closing(self._paced()) as frames:
                    for frame in frames:
                        self._publish(frame)
                        retry = 0.0
                    return
            except CaptureError as error:
                retry = min(max(retry, error.first_retry_seconds), error.longest_retry_seconds)
                self._failed(error, retry)
                self._shutdown.wait(retry * random.uniform(LEAST_OF_RETRY, 1))  # noqa: S311 - no secret
                retry *= 2

    def _publish(self, frame: Frame) -> None:
        if frame.corrupt:
            self._drop_corrupt()
            return
        if self._limit and not self._limit.lets_pass(frame.captured_at):
            self._drop_limited()
            return
        with self._handover:
            started, now = time.perf_counter(), time.monotonic()
            self._intact_at, self._expected_by = now, now + HUNG_SECONDS
            # By its arrival, which may be later than its capture by a whole USB transfer.
            self._next_due = now + frame.captured_at - self._newest_captured_at
            self._newest_captured_at = frame.captured_at
            job = self._filling
            # First, so that nobody takes a job that is half written, should this thread fail in the middle of it.
            stale, self._fresh = self._fresh, False
            if stale:
                self._statistics.frame_dropped("stale")
            job.geometry = self._preprocess(frame.pixels, job.tensor)
            job.sequence, job.captured_at = frame.sequence, frame.captured_at
            job.picture = frame.pixels.copy() if now < self._picture_demand.until else None
            job.preprocess_seconds = time.perf_counter() - started
            returned = self._statistics.frame_arrived(frame.captured_at)
            self._fresh = True
            self._handover.notify()
        self._work_available.set()
        if returned:
            for observer in self._observers:
                observer.camera_up(self.camera)

    def _drop_limited(self) -> None:
        now = time.monotonic()
        self._intact_at, self._expected_by = now, now + HUNG_SECONDS
        self._statistics.frame_dropped("limited")

    def _drop_corrupt(self) -> None:
        self._statistics.frame_dropped("corrupt")
        if time.monotonic() - self._intact_at > DAMAGED_SECONDS:
            raise CaptureTimeout(
                f"{self.camera} sends nothing but damaged pictures for {DAMAGED_SECONDS:g} s",
                remedy="check its plug and power",
            )

    def _failed(self, error: CaptureError, retry: float) -> None:
        self._expected_by = time.monotonic() + retry + HUNG_SECONDS
        if self._limit:
            self._limit.start_again()  # the first frame after that is news
        self._statistics.camera_failed(error.kind, str(error))
        for observer in self._observers:
            observer.camera_down(self.camera, error)
        self._work_available.set()

    def _paced(self) -> Generator[Frame, None, None]:
        """The source's frames, no faster than its pace, until it is time to stop."""
        interval = 1 / self._source.pace_fps if self._source.pace_fps else 0.0
        due = time.monotonic()
        with closing(self._source.frames()) as frames:
            while not self._shutdown.wait(max(0.0, due - time.monotonic()) if interval else 0.0):
                frame = next(frames, None)
                if frame is None:
                    return
                yield frame
                # A source that is late does not catch up in a burst: no camera does.
                due = max(due + interval, time.monotonic() - interval)
                if interval:
                    # To wait for the pace is no hang, however slow it is.
                    self._expected_by = max(self._expected_by, due + HUNG_SECONDS)


class Captures:
    """Several captures that share their end: nobody waits for one after another of those that hang. A `Component`."""

    def __init__(self, captures: Sequence[Capture], shutdown: threading.Event) -> None:
        """`shutdown`: theirs."""
        self._captures = tuple(captures)
        self._shutdown = shutdown

    def start(self) -> None:
        """Begin to capture."""
        for capture in self._captures:
            capture.start()

    def stop(self) -> None:
        """End all of them, within the time that one may take."""
        self._shutdown.set()
        until = time.monotonic() + STOP_SECONDS
        for capture in self._captures:
            capture.stop(max(0.0, until - time.monotonic()))

    def healthy(self, now: float) -> bool:
        """Whether all are."""
        return all(capture.healthy(now) for capture in self._captures)


class _RateLimit:
    """Lets so many frames a second pass, on average exactly, and never more in a burst."""

    def __init__(self, fps: float) -> None:
        self._interval = 1 / fps
        self._due = -math.inf

    def lets_pass(self, captured_at: float) -> bool:
        if captured_at < self._due:
            return False
        # From when it was due, not from when it came: frames come a little late, and each would add to that.
        begun_anew = captured_at - self._due > self._interval
        self._due = (captured_at if begun_anew else self._due) + self._interval
        return True

    def start_again(self) -> None:
        self._due = -math.inf

"""One camera's way into the hot loop: its thread captures and pre-processes, the newest frame wins."""

import logging
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pi_classifier.accounting import Account
from pi_classifier.errors import CaptureError, CaptureThreadDied, PiClassifierError
from pi_classifier.frame import Frame
from pi_classifier.mailbox import Mailbox

FIRST_RETRY_SECONDS = 0.5
LONGEST_RETRY_SECONDS = 30.0
IMMINENT_SECONDS = 0.0005
"""How near the next frame's arrival must be to be waited for, and for how long: more than the usual jitter of it, and
little beside an inference."""
STOP_SECONDS = 0.7
"""How long `join` waits for the thread: a camera's read may last longer, and nobody should wait for that."""

logger = logging.getLogger(__name__)


class FrameSource(Protocol):
    """What a feed draws from; the contract is in `sources/__init__.py`."""

    fps: float | None

    def frames(self) -> Generator[Frame, None, None]:
        """Open and yield frames until the source ends or is lost."""


@dataclass(slots=True)
class Pending:
    """A frame on its way to the model; reused for every third frame of its camera."""

    pixels: NDArray[np.uint8]
    """Pre-processed."""
    sequence: int = 0
    captured_at: float = 0.0
    preprocess_seconds: float = 0.0


class Feed:
    """Runs one source on a thread of its own and hands over the newest frame, ready for the model."""

    def __init__(
        self,
        source: FrameSource,
        *,
        account: Account,
        preprocess: Callable[[NDArray[np.uint8], NDArray[np.uint8]], None],
        input_size: int,
        bell: threading.Event,
        stopping: threading.Event,
    ) -> None:
        """Take a source to run.

        Args:
            source: where frames come from; one with an `fps` of its own is held to it.
            account: the camera's books.
            preprocess: turns BGR pixels into what the model takes; called on the feed's thread alone.
            input_size: height and width of that.
            bell: set whenever there is something new: a frame, the end, a failure.
            stopping: set from outside when capturing shall end.
        """
        self.account = account
        self._source = source
        self._preprocess = preprocess
        shape = (input_size, input_size, 3)
        self._mailbox = Mailbox(*(Pending(np.empty(shape, np.uint8)) for _ in range(3)))
        self._handover = threading.Condition(threading.Lock())
        """Held while a frame is pre-processed, and notified of it."""
        self._next_due = self._newest_captured_at = 0.0
        self._bell = bell
        self._stopping = stopping
        self._failure: PiClassifierError | None = None
        self._finished = False
        # A daemon thread: one that hangs in a driver must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name=f"capture-{account.camera}", daemon=True)

    def start(self) -> None:
        """Begin to capture."""
        self._thread.start()

    def join(self) -> None:
        """Once `stopping` is set: wait for the thread, and enter a frame that nobody took.

        A thread whose camera hangs in the driver is left behind.
        """
        self._thread.join(STOP_SECONDS)
        if self._mailbox.take() is not None:
            self.account.dropped("shutdown")

    def take(self) -> Pending | None:
        """The newest frame, the caller's until it takes again; None if there is none since.

        One that is due now or being pre-processed is waited for: it is younger by a whole interval than the one before,
        and ready in a fraction of one.
        """
        with self._handover:
            if abs(self._next_due - time.monotonic()) < IMMINENT_SECONDS:
                self._handover.wait(IMMINENT_SECONDS)
            return self._mailbox.take()

    def has_ended(self) -> bool:
        """Whether no further frame will be published: the source came to its end.

        Raises the PiClassifierError that stopped the source for good.
        """
        if self._thread.is_alive() and not self._finished:
            return False
        if self._failure is not None:
            raise self._failure
        if not self._finished:
            raise CaptureThreadDied(f"{self.account.camera}: capture ended on the error above; please report it")
        return True

    def _run(self) -> None:
        try:
            self._capture_until_it_ends()
            self._finished = True
        except PiClassifierError as error:
            self._failure = error
        finally:
            self.account.ended()
            self._bell.set()

    def _capture_until_it_ends(self) -> None:
        retry = FIRST_RETRY_SECONDS
        while not self._stopping.is_set():
            try:
                with closing(self._paced()) as frames:
                    for frame in frames:
                        self._publish(frame)
                        retry = FIRST_RETRY_SECONDS
                    return
            except CaptureError as error:
                self._lost(error)
                self._stopping.wait(retry)
                retry = min(2 * retry, LONGEST_RETRY_SECONDS)

    def _publish(self, frame: Frame) -> None:
        if frame.corrupt:
            self.account.dropped("corrupt")
            return
        with self._handover:
            started = time.perf_counter()
            # By its arrival, which may be later than its capture by a whole USB transfer.
            self._next_due = time.monotonic() + frame.captured_at - self._newest_captured_at
            self._newest_captured_at = frame.captured_at
            pending = self._mailbox.back
            self._preprocess(frame.pixels, pending.pixels)
            pending.sequence, pending.captured_at = frame.sequence, frame.captured_at
            pending.preprocess_seconds = time.perf_counter() - started
            returned = self.account.arrived(frame.captured_at)
            if self._mailbox.publish():
                self.account.dropped("stale")
            self._handover.notify()
        self._bell.set()
        if returned:
            logger.info("%s is back", self.account.camera, extra=self._fields("camera_up"))

    def _lost(self, error: CaptureError) -> None:
        # Told when it is news, not at every attempt: a camera may be away for days.
        if str(error) != self.account.snapshot().trouble:
            logger.warning("%s; retrying", error, extra=self._fields("camera_down"))
        self.account.lost(error.kind, str(error), time.monotonic())
        self._bell.set()

    def _fields(self, event: str) -> dict[str, str]:
        """Fields of a journal entry."""
        return {"EVENT": event, "CAMERA": self.account.camera}

    def _paced(self) -> Generator[Frame, None, None]:
        """The source's frames, no faster than its own rate, until it is time to stop."""
        interval = 1 / self._source.fps if self._source.fps else 0.0
        due = time.monotonic()
        with closing(self._source.frames()) as frames:
            while not self._stopping.wait(max(0.0, due - time.monotonic()) if interval else 0.0):
                frame = next(frames, None)
                if frame is None:
                    return
                yield frame
                # A source that is late does not catch up in a burst: no camera does.
                due = max(due + interval, time.monotonic() - interval)

"""The hot loop: the newest frame of each camera through the model, to every sink."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pi_classifier.accounting import Account
from pi_classifier.prediction import Classification, Prediction, Timings

LONGEST_WAIT_SECONDS = 0.25
"""How long the loop sleeps without news: the most that a signal waits to be noticed."""


class PendingFrame(Protocol):
    """A captured frame, pre-processed."""

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """What the model takes."""

    @property
    def sequence(self) -> int:
        """The frame's number."""

    @property
    def captured_at(self) -> float:
        """Seconds of `time.monotonic()`."""

    @property
    def preprocess_seconds(self) -> float:
        """What the pre-processing took."""


class FrameFeed(Protocol):
    """Where the loop gets its frames: one camera."""

    account: Account

    def take(self) -> PendingFrame | None:
        """The newest frame, or None if there is none since the last call; may wait a moment for one just arriving."""

    def has_ended(self) -> bool:
        """Whether no further frame will come; raises what stopped the camera for good."""


class Classify(Protocol):
    """The model."""

    def __call__(self, pixels: NDArray[np.uint8], /) -> NDArray[np.float32]:
        """Logits, float32, shape (n_classes,)."""


class Sink(Protocol):
    """Where predictions go."""

    def offer(self, prediction: Prediction, /) -> None:
        """Take note of a prediction. Neither blocks nor raises: it is called in the hot loop."""


class Pipeline:
    """Turns frames into predictions, one at a time, the cameras in turn."""

    def __init__(
        self,
        *,
        feeds: Sequence[FrameFeed],
        classify: Classify,
        rank: Callable[[NDArray[np.float32]], tuple[Classification, ...]],
        sinks: Sequence[Sink],
        bell: threading.Event,
    ) -> None:
        """`bell` is what the feeds set when there is news."""
        self._feeds = tuple(feeds)
        self._classify = classify
        self._rank = rank
        self._sinks = tuple(sinks)
        self._bell = bell
        self._publish_seconds = 0.0
        self.predictions = 0

    def run(self, *, frames: int, stopping: Callable[[], bool], waiting: Callable[[], None]) -> None:
        """Classify until every feed has ended, `stopping()` is true, or `frames` predictions were made.

        Args:
            frames: 0 for no limit.
            stopping: asked at least every `LONGEST_WAIT_SECONDS` and once a prediction.
            waiting: called at each turn of the loop, at least every `LONGEST_WAIT_SECONDS`, that finds no new frame.

        Raises:
            PiClassifierError: what stopped a camera for good.
        """
        waiting_since = time.perf_counter()
        while not stopping():
            self._bell.wait(LONGEST_WAIT_SECONDS)
            # Cleared before the feeds are looked at: what comes after that look rings again. And the end is asked for
            # before the last frame is taken: a feed that had ended then leaves nothing behind.
            self._bell.clear()
            alive = [feed for feed in self._feeds if not feed.has_ended()]
            before = self.predictions
            for feed in self._feeds:
                pending = feed.take()
                if pending is None:
                    continue
                self._predict(feed.account, pending, time.perf_counter() - waiting_since)
                waiting_since = time.perf_counter()
                if stopping() or self.predictions == frames > 0:
                    return
            if not alive:
                return
            if self.predictions == before:
                waiting()

    def _predict(self, account: Account, pending: PendingFrame, waited: float) -> None:
        started = time.perf_counter()
        logits = self._classify(pending.pixels)
        inferred = time.perf_counter()
        top = self._rank(logits)
        ranked = time.perf_counter()
        timings = Timings(
            capture_wait=waited,
            preprocess=pending.preprocess_seconds,
            inference=inferred - started,
            rank=ranked - inferred,
            publish=self._publish_seconds,
            # Some drivers stamp a frame with the end of its exposure, a little ahead of its arrival.
            age=max(0.0, time.monotonic() - pending.captured_at),
        )
        prediction = Prediction(account.camera, pending.sequence, pending.captured_at, top, timings)
        account.classified()
        self.predictions += 1
        for sink in self._sinks:
            sink.offer(prediction)
        self._publish_seconds = time.perf_counter() - ranked

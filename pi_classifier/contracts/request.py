"""What others than cameras want classified, and whom the inference loop gets it from."""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from pi_classifier.contracts.job import Tensor


class Answer(NamedTuple):
    """What became of a request."""

    probabilities: NDArray[np.float32]
    """Of all classes, the receiver's own."""
    queue_seconds: float
    """From the request to its turn."""
    inference_seconds: float


class Reply(Protocol):
    """Where an answer goes: a `concurrent.futures.Future`, which is not imported where nobody can ask."""

    def set_running_or_notify_cancel(self) -> bool:
        """Its turn has come. False: nobody waits for it any more."""

    def set_result(self, answer: Answer, /) -> None:
        """Hand over the answer."""


class Request(NamedTuple):
    """One tensor that is no camera's, to be classified when the cameras leave time."""

    tensor: Tensor
    """Pre-processed; not to be changed until it is answered."""
    reply: Reply
    asked_at: float
    """Seconds of `time.monotonic()`."""


class RequestSource(Protocol):
    """Whoever asks, as the inference loop sees it."""

    def take(self) -> Request | None:
        """The oldest request that waits; None if there is none."""

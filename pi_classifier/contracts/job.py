"""What is on its way to the model, frames and requests, and whom the inference loop gets it from."""

from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from pi_classifier.contracts.frame import Pixels
from pi_classifier.errors import PiClassifierError

Tensor = NDArray[Any]
"""A model's input, of the dtype and shape that `Model.new_tensor()` gives it."""


@dataclass(slots=True)
class Job:
    """One frame, ready for the model. A camera has two, which take turns: one is filled, one classified."""

    tensor: Tensor
    """Pre-processed."""
    sequence: int = 0
    """As in the `Frame`, like `captured_at`."""
    captured_at: float = 0.0
    """Seconds of `time.monotonic()`."""
    preprocess_seconds: float = 0.0
    """What the pre-processing took."""
    picture: Pixels | None = None
    """A copy of the very frame, which nobody writes to any more; None unless somebody has asked for pictures."""


class PictureDemand:
    """Whether anybody wants to see a camera's pictures. Written by who looks, read by the camera's thread."""

    __slots__ = ("until",)

    def __init__(self) -> None:
        self.until = 0.0
        """Seconds of `time.monotonic()`."""


class JobSource(Protocol):
    """One camera, as the inference loop sees it."""

    @property
    def camera(self) -> str:
        """Its name."""

    @property
    def ended(self) -> bool:
        """Whether no further job will come: the source came to its end, or failed for good."""

    @property
    def failure(self) -> PiClassifierError | None:
        """What stopped it for good, if anything did."""

    def take(self) -> Job | None:
        """The newest job, the caller's until it takes again; None if there is none since the last call.

        May wait a moment for a frame that is just arriving.
        """


class Answer(NamedTuple):
    """What became of a request."""

    probabilities: NDArray[np.float32]
    """Of all classes, the receiver's own."""
    queue_seconds: float
    """From the request to its turn."""
    inference_seconds: float


class Request(NamedTuple):
    """One tensor that is no camera's, to be classified when the cameras leave time."""

    tensor: Tensor
    """Pre-processed; not to be changed until it is answered."""
    answer: Future[Answer]
    asked_at: float
    """Seconds of `time.monotonic()`."""


class RequestSource(Protocol):
    """Whoever asks, as the inference loop sees it."""

    def take(self) -> Request | None:
        """The oldest request that waits; None if there is none."""

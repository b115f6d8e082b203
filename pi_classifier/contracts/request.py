"""What others than cameras want classified, and whom the inference loop gets it from."""

from typing import TYPE_CHECKING, NamedTuple, Protocol

from pi_classifier.contracts.job import Tensor
from pi_classifier.contracts.prediction import Result

if TYPE_CHECKING:
    # Not imported for a classifier.
    from pi_classifier.contracts.detection import Geometry


class Answer(NamedTuple):
    """What became of a request."""

    result: Result
    """The receiver's own."""
    queue_seconds: float
    """From the request to its turn."""
    inference_seconds: float


class Request(Protocol):
    """One tensor that is no camera's, to be classified when the cameras leave time."""

    tensor: Tensor
    """Pre-processed; not changed until it is answered."""
    geometry: "Geometry | None"
    """What the pre-processor gave with it."""

    def begin(self) -> bool:
        """Its turn has come. False: nobody waits for it any more."""

    def answer(self, result: Result, inference_seconds: float, /) -> None:
        """Once it has begun: what the model says; its probabilities are lent until it returns."""


class RequestSource(Protocol):
    """Whoever asks, as the inference loop sees it."""

    def take(self) -> Request | None:
        """The oldest request that waits; None if there is none."""

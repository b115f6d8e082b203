"""What the model says of a frame, and who receives it."""

from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from pi_classifier.contracts.frame import Pixels
from pi_classifier.contracts.state import Steady

if TYPE_CHECKING:
    # Not imported for a classifier.
    from pi_classifier.contracts.detection import Detection

Probabilities = NDArray[np.float32]
"""Softmax over all classes: float32, shape (n_classes,), 0 to 1."""


class Score(NamedTuple):
    """One class and how likely the model holds it to be."""

    class_id: int
    """Index into the model's `categories`."""
    label: str
    probability: float
    """Softmax over all classes, 0 to 1."""


class Result(NamedTuple):
    """What the model makes of one tensor."""

    probabilities: Probabilities
    """Of all classes. *Lent*: the predictor overwrites them with its next result."""
    scores: tuple[Score, ...]
    """The best classes, best first, those of equal probability in order of their id; may be empty."""
    detections: "tuple[Detection, ...]" = ()
    """The objects that a detector found, best first; of a classifier none."""


class Timings(NamedTuple):
    """Where the time of one frame went, in seconds."""

    capture_wait: float
    """The inference loop's wait for this frame."""
    preprocess: float
    """From the frame's pixels to the model's input, on the capture thread."""
    inference: float
    rank: float
    """From the model's output to the result."""
    publish: float
    """Handing the *previous* prediction to the sinks: this one's is not over when the sinks see it."""
    age: float
    """From `captured_at` to the end of the ranking."""


class Prediction(NamedTuple):
    """The result for one frame."""

    camera: str
    sequence: int
    captured_at: float
    """As in the `Frame`: seconds of `time.monotonic()`."""
    result: Result
    timings: Timings
    steady: Steady
    """What holds still of the camera, with this frame."""
    picture: Pixels | None = None
    """The very frame, of the size that the camera sent; None unless somebody has asked for pictures."""

    @property
    def scores(self) -> tuple[Score, ...]:
        """The best classes, best first."""
        return self.result.scores


class Sink(Protocol):
    """Who receives every prediction."""

    def offer(self, prediction: Prediction, /) -> None:
        """Take note of a prediction. Neither blocks nor raises: it is called in the inference loop.

        `prediction.result.probabilities` are lent until it returns; the rest may be kept.
        """

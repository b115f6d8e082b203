"""What the model says of a frame."""

from dataclasses import dataclass
from typing import NamedTuple


class Classification(NamedTuple):
    """One class and how likely the model holds it to be."""

    class_id: int
    """Index into the model card's `categories`."""
    label: str
    probability: float
    """Softmax over all classes, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Timings:
    """Where the time of one frame went, in seconds."""

    capture_wait: float
    """The hot loop's wait for this frame."""
    preprocess: float
    """From the frame's pixels to the model's input, on the capture thread."""
    inference: float
    rank: float
    publish: float
    """Handing the *previous* prediction to the sinks: this one's is not over when the sinks see it."""
    age: float
    """From `captured_at` to the end of the ranking."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """The best classes of one frame, best first; classes of equal probability in order of their id."""

    camera: str
    sequence: int
    captured_at: float
    """As in the `Frame`: seconds of `time.monotonic()`."""
    top: tuple[Classification, ...]
    timings: Timings

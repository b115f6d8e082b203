"""Stand-ins for what a test machine lacks: cameras that fail on cue, and a model as slow as wanted."""

import itertools
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pi_classifier.errors import PiClassifierError
from pi_classifier.contracts.frame import Frame
from pi_classifier.contracts.prediction import Prediction

Pixels = NDArray[np.uint8]
SIZE = 8


@dataclass
class ScriptedCamera:
    """Plays a script: a number yields that many frames, an error is raised, and the next `frames()` goes on behind it.

    Every frame's first pixel holds its number modulo 256, so that a mix-up of buffers shows.
    """

    script: list[int | PiClassifierError]
    corrupt: frozenset[int] = frozenset()
    fps: float | None = None
    yielded: int = 0
    opened: int = 0
    closed: int = 0
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def frames(self) -> Generator[Frame, None, None]:
        """The script from where it stands."""
        self.opened += 1
        pixels = np.zeros((SIZE, SIZE, 3), np.uint8)
        try:
            while self.script:
                step = self.script.pop(0)
                if isinstance(step, PiClassifierError):
                    raise step
                for number in itertools.islice(self._numbers, step):
                    pixels[0, 0, 0] = number % 256
                    self.yielded += 1
                    yield Frame("test", number, time.monotonic(), pixels, corrupt=number in self.corrupt)
        finally:
            self.closed += 1


def copy_pixels(pixels: Pixels, out: Pixels) -> None:
    """Pre-processing that changes nothing."""
    np.copyto(out, pixels)


def slow_model(seconds: float, stopped: threading.Event) -> Callable[[Pixels], NDArray[np.float32]]:
    """A model whose first logit is the frame's first pixel and which takes its time."""

    def classify(pixels: Pixels) -> NDArray[np.float32]:
        first = pixels[0, 0, 0]
        stopped.wait(seconds)
        assert pixels[0, 0, 0] == first, "the frame changed while the model looked at it"
        return np.array([first, 0, 0], np.float32)

    return classify


class CollectingSink:
    """Keeps every prediction."""

    def __init__(self) -> None:
        self.predictions: list[Prediction] = []

    def offer(self, prediction: Prediction) -> None:
        """Keep it."""
        self.predictions.append(prediction)

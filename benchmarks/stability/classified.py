"""Frames through the model, once; and rules on what it said of them."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.stability.figures import Scene, Shown
from benchmarks.stability.rules import PiClassifier, Rule
from pi_classifier.contracts.frame import Pixels
from pi_classifier.contracts.model import Model
from pi_classifier.contracts.prediction import Probabilities

BLOCK = 100
"""Updates between two readings of the clock, which alone costs as much as a part of one."""


@dataclass(frozen=True, slots=True)
class Classified:
    """What the model says of every frame."""

    fps: float
    """The first is at 0 s."""
    probabilities: NDArray[np.float32]
    """Frames x classes."""
    inference_us: list[float]
    """Processor time of the model, of each frame, in microseconds."""

    @property
    def seconds(self) -> float:
        """All frames last."""
        return len(self.probabilities) / self.fps

    def each(self, every: int = 1) -> Iterator[tuple[float, Probabilities]]:
        """Seconds and probabilities of every n-th frame."""
        for number in range(0, len(self.probabilities), every):
            yield number / self.fps, self.probabilities[number]


def classify(model: Model, frames: Iterable[Pixels], fps: float) -> Classified:
    """Show it frames, at least one; `fps`: of a camera that would send them. The model has one thread, this one."""
    preprocess, tensor, predictor = model.new_preprocessor(), model.new_tensor(), model.new_predictor()
    rows, microseconds = [], []
    for pixels in frames:
        preprocess(pixels, tensor)
        started = time.thread_time()
        outputs = predictor.infer(tensor)
        microseconds.append(1e6 * (time.thread_time() - started))
        rows.append(predictor.decode(outputs).probabilities.copy())
    return Classified(fps, np.stack(rows), microseconds)


def shown_by(rule: Rule, classified: Classified, every: int = 1) -> list[Shown]:
    """What a new rule shows with every n-th frame."""
    return [Shown(at, rule(at, probabilities)) for at, probabilities in classified.each(every)]


def likelihood(classified: Classified, scene: Scene) -> float:
    """Of a photograph's own class, the mean probability while it is shown."""
    frames = [probabilities[scene.class_id] for at, probabilities in classified.each() if scene.begin <= at < scene.end]
    return float(np.mean(frames))


def update_us(classified: Classified) -> list[float]:
    """Microseconds of processor time that an update of this project's rule costs, of each block of frames."""
    rule = PiClassifier(classified.probabilities.shape[1])
    blocks = []
    frames = list(classified.each())
    for first in range(0, len(frames), BLOCK):
        block = frames[first : first + BLOCK]
        started = time.thread_time()
        for at, probabilities in block:
            rule(at, probabilities)
        blocks.append(1e6 * (time.thread_time() - started) / len(block))
    return blocks

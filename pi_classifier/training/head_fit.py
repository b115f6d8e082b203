"""`head`: a new last layer on the network as it is. Seconds."""

import time
from collections.abc import Generator

import numpy as np
from numpy.typing import NDArray

from pi_classifier.prepare.trunk import Trunk
from pi_classifier.runtimes.novelty import Features
from pi_classifier.training.accuracy import Accuracy
from pi_classifier.training.checkpoint import Arrays, read_checkpoint, write_checkpoint
from pi_classifier.training.fit import HEAD, Progress, fingerprint
from pi_classifier.training.head import SMOOTHING, WEIGHT_DECAY, Regression, State
from pi_classifier.training.pictures import Pictures
from pi_classifier.training.split import Split

CHECKPOINT_SECONDS = 1.0
"""An epoch of a head takes milliseconds, and an SD card tens of them to be sure of a file."""
JUDGED_EVERY = 10
"""Epochs: to judge takes as long as one."""


class HeadFit:
    """A `Fit`."""

    method = HEAD

    def __init__(self, trunk: Trunk, pictures: Pictures, parts: Split, *, seed: int) -> None:
        """Nothing is learnt yet. `seed`: of the division, which tells one fit from another."""
        self._trunk = trunk
        self._pictures = pictures
        self._parts = parts
        self._values = trunk.values(pictures.features)
        self._fingerprint = fingerprint(pictures, trunk.metadata, seed, WEIGHT_DECAY, SMOOTHING)
        learnt, classes = parts.learnt, len(pictures.dataset.classes)
        self._regression = Regression(self._values[learnt], pictures.labels[learnt], classes)
        self._state = self._regression.start()

    @property
    def epoch(self) -> int:
        """How many are done."""
        return self._state.epoch

    def resume(self) -> bool:
        """As of a `Fit`."""
        found = read_checkpoint(self._pictures.dataset.folder, self.method, self._fingerprint)
        if found is not None:
            self._state = _state(found)
        return found is not None

    def epochs(self, last: int, *, every_seconds: float = CHECKPOINT_SECONDS) -> Generator[Progress]:
        """As of a `Fit`. A killed run loses less than `every_seconds` and the time of an epoch."""
        kept_at, kept = time.monotonic(), self._state
        try:
            while self._state.epoch < last:
                self._state = self._regression.step(self._state)
                if time.monotonic() - kept_at >= every_seconds:
                    self._keep()
                    kept_at, kept = time.monotonic(), self._state
                yield self._progress()
        finally:
            if self._state is not kept:
                self._keep()

    def install(self) -> Features:
        """As of a `Fit`."""
        features = self._pictures.features
        self._trunk.quantise(self._regression.head(self._state.best), features[self._parts.learnt])
        return features

    def _progress(self) -> Progress:
        judging, accuracy = self._parts.judging, None
        if len(judging) and self._state.epoch % JUDGED_EVERY == 0:
            found = self._regression.head(self._state.best)(self._values[judging]).argmax(axis=1)
            accuracy = Accuracy.of(found == self._pictures.labels[judging])
        return Progress(self._state.epoch, self._state.best_loss, accuracy)

    def _keep(self) -> None:
        write_checkpoint(self._pictures.dataset.folder, self.method, self._fingerprint, _arrays(self._state))


def _arrays(state: State) -> Arrays:
    return {name: np.asarray(value) for name, value in state._asdict().items()}


def _state(arrays: Arrays) -> State:
    def floats(name: str) -> NDArray[np.float32]:
        return arrays[name].astype(np.float32)

    return State(
        epoch=int(arrays["epoch"]),
        weights=floats("weights"),
        momentum=floats("momentum"),
        best=floats("best"),
        best_loss=float(arrays["best_loss"]),
        losses=tuple(float(loss) for loss in arrays["losses"]),
    )

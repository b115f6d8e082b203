"""A new head for given pictures: fitted epoch by epoch, quantised, judged, and made a bundle."""

import datetime
import time
from collections.abc import Collection, Generator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pi_classifier.contracts.model import BACKGROUND, Runtime, Training
from pi_classifier.prepare.bundle import Prepared
from pi_classifier.prepare.trunk import Trunk
from pi_classifier.runtimes.novelty import Features
from pi_classifier.training.accuracy import Accuracy
from pi_classifier.training.checkpoint import read_checkpoint, write_checkpoint
from pi_classifier.training.features import base_digest
from pi_classifier.training.head import SMOOTHING, WEIGHT_DECAY, Regression, State
from pi_classifier.training.pictures import Pictures
from pi_classifier.training.split import Split, split
from pi_classifier.training.unknown import prototypes, threshold

CHECKPOINT_SECONDS = 1.0
"""An epoch of a head takes milliseconds, and an SD card tens of them to be sure of a file."""


class Judgement(NamedTuple):
    """What a quantised head is worth."""

    accuracy: Accuracy | None
    """None where no picture judges."""
    classes: tuple[Accuracy | None, ...]
    """Of each class's own pictures: recall."""


class HeadTraining:
    """One fit. The steps are to be taken in the order of the methods."""

    def __init__(self, trunk: Trunk, pictures: Pictures, seed: int) -> None:
        """Divide the pictures. `seed`: of the division."""
        self._trunk = trunk
        self._pictures = pictures
        self._seed = seed
        self._values = trunk.values(pictures.features)
        self.split: Split = split(pictures.dataset.items, self._values, seed)
        learnt, classes = self.split.learnt, len(pictures.dataset.classes)
        self._regression = Regression(self._values[learnt], pictures.labels[learnt], classes)
        self.start = self._regression.start()

    def resumed(self) -> State | None:
        """Where the same fit was stopped, if it was: of the same pictures, base and seed."""
        return read_checkpoint(self._pictures.dataset.folder, self._fingerprint(), self.start)

    def states(self, state: State, epochs: int, *, every_seconds: float = CHECKPOINT_SECONDS) -> Generator[State]:
        """The state after each epoch, up to so many; it is kept in a checkpoint every so often and at the end.

        However the iteration ends, by an interruption, too, the last state is kept. A killed run loses less than
        `every_seconds` and the time of an epoch.

        Raises:
            CannotWrite: a checkpoint cannot be written; the one before is still there.
        """
        kept_at, kept = time.monotonic(), state
        try:
            while state.epoch < epochs:
                state = self._regression.step(state)
                if time.monotonic() - kept_at >= every_seconds:
                    self._keep(state)
                    kept_at, kept = time.monotonic(), state
                yield state
        finally:
            if state is not kept:
                self._keep(state)

    def accuracy(self, state: State) -> Accuracy | None:
        """Of the head at its best so far, not quantised yet; quick."""
        judging = self.split.judging
        head = self._regression.head(state.best)
        best = (self._values[judging] @ head.weights.T + head.bias).argmax(axis=1)
        return _accuracy(best == self._pictures.labels[judging])

    def judged(self, state: State) -> Judgement:
        """Quantise the best head so far, and let it name the pictures that it has not learnt."""
        features, labels = self._pictures.features, self._pictures.labels[self.split.judging]
        self._trunk.quantise(self._regression.head(state.best), features[self.split.learnt])
        right = np.zeros(0, bool)
        if len(labels):
            right = self._trunk.logits(features[self.split.judging]).argmax(axis=1) == labels
        classes = range(len(self._pictures.dataset.classes))
        return Judgement(_accuracy(right), tuple(_accuracy(right[labels == class_id]) for class_id in classes))

    def unknown(self) -> tuple[Features, float] | tuple[None, None]:
        """The prototypes of the classes and the threshold, by the pictures that judge; none where none judges."""
        features, labels, classes = self._pictures.features, self._pictures.labels, self._pictures.dataset.classes
        # Whatever the background is like, nothing else has to be.
        judging = [index for index in self.split.judging.tolist() if classes[labels[index]] != BACKGROUND]
        if not judging:
            return None, None
        learnt = self.split.learnt
        centres = prototypes(features[learnt], labels[learnt], len(classes))
        return centres, threshold(centres, features[judging])

    def to_bundle(
        self, name: str, state: State, judgement: Judgement, *, runtimes: Collection[Runtime], activations: str
    ) -> Prepared:
        """The bundle of the head that was judged last.

        Args:
            name: of the new weights.
            state: that it was made of.
            judgement: of it.
            runtimes: that it shall run on; with LiteRT its equality with torch is proven.
            activations: of the TorchScript program.

        Raises:
            ModelError: LiteRT is not exact on this machine, or not installed.
        """
        base, accuracy = self._trunk.metadata, judgement.accuracy or Accuracy(0, 0)
        centres, cosine = self.unknown()
        training = Training(
            method="head",
            base=base.weights,
            base_sha256=base.weights_sha256,
            date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            dataset_sha256=self._pictures.digest,
            seed=self._seed,
            epochs=state.epoch,
            learnt=len(self.split.learnt),
            judged=accuracy.total,
            correct=accuracy.correct,
            unknown_threshold=cosine,
        )
        categories = self._pictures.dataset.classes
        return self._trunk.to_bundle(name, categories, training, centres, runtimes=runtimes, activations=activations)

    def _keep(self, state: State) -> None:
        write_checkpoint(self._pictures.dataset.folder, self._fingerprint(), state)

    def _fingerprint(self) -> str:
        """All that the fit depends on."""
        return f"{self._pictures.digest} {base_digest(self._trunk.metadata)} {self._seed} {WEIGHT_DECAY} {SMOOTHING}"


def _accuracy(right: NDArray[np.bool_]) -> Accuracy | None:
    return Accuracy(int(np.count_nonzero(right)), len(right)) if len(right) else None

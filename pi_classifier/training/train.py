"""From a fit to a bundle: what was learnt is put into the network, judged there, and written down."""

import datetime
from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from pi_classifier.contracts.model import BACKGROUND, Runtime, Training
from pi_classifier.prepare.bundle import Prepared
from pi_classifier.prepare.trunk import Trunk
from pi_classifier.runtimes.novelty import Features
from pi_classifier.training.accuracy import Accuracy
from pi_classifier.training.fit import Fit
from pi_classifier.training.pictures import Pictures
from pi_classifier.training.split import Split, to_bits
from pi_classifier.training.unknown import each, prototypes, threshold


class Judgement(NamedTuple):
    """What a quantised network is worth."""

    accuracy: Accuracy | None
    """None where no picture judges."""
    classes: tuple[Accuracy | None, ...]
    """Of each class's own pictures: recall."""


class Learnt:
    """A network with what a fit has learnt, in int8."""

    def __init__(self, trunk: Trunk, pictures: Pictures, parts: Split, fit: Fit) -> None:
        """Install it. The trunk is its own from now on."""
        self._trunk = trunk
        self._pictures = pictures
        self._parts = parts
        # Before the fit may change them.
        self._base = trunk.metadata
        self.features = fit.install()
        """Of all pictures, shape (n_pictures, n_features)."""
        self._method, self._epochs = fit.method, fit.epoch
        self.judgement = self._judged()

    def unknown(self) -> tuple[Features, float] | tuple[None, None]:
        """The prototypes of the classes and the threshold, by the pictures that judge; none where none judges."""
        labels, classes = self._pictures.labels, self._pictures.dataset.classes
        # Whatever the background is like, nothing else has to be.
        judging = [index for index in self._parts.judging.tolist() if classes[labels[index]] != BACKGROUND]
        if not judging:
            return None, None
        learnt = self._parts.learnt
        centres = prototypes(self.features[learnt], labels[learnt], len(classes))
        return centres, threshold(centres, self.features[judging])

    def to_bundle(self, name: str, *, seed: int, runtimes: Collection[Runtime], activations: str) -> Prepared:
        """The bundle. The trunk must not be used afterwards.

        Args:
            name: of the new weights.
            seed: of the division and the fit.
            runtimes: that it shall run on; with LiteRT its equality with torch is proven.
            activations: of the TorchScript program.

        Raises:
            ModelError: LiteRT is not exact on this machine, or not installed.
        """
        accuracy = self.judgement.accuracy or Accuracy(0, 0)
        centres, cosine = self.unknown()
        training = Training(
            method=self._method,
            base=self._base.weights,
            base_sha256=self._base.weights_sha256,
            date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            dataset_sha256=self._pictures.digest,
            seed=seed,
            epochs=self._epochs,
            learnt=len(self._parts.learnt),
            judged=accuracy.total,
            correct=accuracy.correct,
            learnt_bits=to_bits(self._parts.learnt, len(self._pictures.features)),
            unknown_threshold=cosine,
            prototypes=each(len(self._pictures.dataset.classes)),
        )
        categories = self._pictures.dataset.classes
        return self._trunk.to_bundle(name, categories, training, centres, runtimes=runtimes, activations=activations)

    def _judged(self) -> Judgement:
        """It names the pictures that it has not learnt."""
        judging = self._parts.judging
        labels, right = self._pictures.labels[judging], np.zeros(0, bool)
        if len(labels):
            right = self._trunk.logits(self.features[judging]).argmax(axis=1) == labels
        classes = range(len(self._pictures.dataset.classes))
        return Judgement(Accuracy.of(right), tuple(Accuracy.of(right[labels == class_id]) for class_id in classes))

"""What every way of learning is: a fit that goes on epoch by epoch, and gives the network what it has learnt."""

from collections.abc import Generator
from typing import NamedTuple, Protocol

from pi_classifier import __version__
from pi_classifier.contracts.model import ModelMetadata
from pi_classifier.runtimes.novelty import Features
from pi_classifier.training.accuracy import Accuracy
from pi_classifier.training.features import base_digest
from pi_classifier.training.pictures import Pictures

HEAD, FINETUNE = "head", "finetune"
"""The methods, as the command line names them."""


class Progress(NamedTuple):
    """How far a fit is."""

    epoch: int
    """How many are done."""
    loss: float
    accuracy: Accuracy | None
    """Of the pictures that judge, not quantised yet; None where it was not asked for, or none judges."""


def fingerprint(pictures: Pictures, base: ModelMetadata, seed: int, *others: object) -> str:
    """Of all that a fit depends on: this release, the pictures, the network, the division, and the method's own."""
    return " ".join(map(str, (__version__, pictures.digest, base_digest(base), seed, *others)))


class Fit(Protocol):
    """One fit, on certain pictures."""

    method: str
    """As the command line names it."""

    @property
    def epoch(self) -> int:
        """How many are done."""
        ...

    def resume(self) -> bool:
        """Go on from where the same fit was stopped, of the same pictures, base and seed; whether there is such."""
        ...

    def epochs(self, last: int) -> Generator[Progress]:
        """Learn, up to so many epochs. However the iteration ends, by an interruption, too, what was learnt is kept.

        Raises:
            CannotWrite: a checkpoint cannot be written; the one before is still there.
        """
        ...

    def install(self) -> Features:
        """Give the network what was learnt, in int8; its features of all pictures, shape (n_pictures, n_features)."""
        ...

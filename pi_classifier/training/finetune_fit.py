"""`finetune`: the last blocks and a new last layer, trained in a process of its own. Minutes."""

import json
import os
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_classifier.errors import CannotWrite, ModelError
from pi_classifier.prepare.blocks import ENTRY
from pi_classifier.prepare.bundle import quiet_about_deprecations
from pi_classifier.prepare.head import Head
from pi_classifier.prepare.trunk import Trunk
from pi_classifier.runtimes.novelty import Features
from pi_classifier.training.accuracy import Accuracy
from pi_classifier.training.checkpoint import Arrays, read_checkpoint
from pi_classifier.training.finetune_process import Order, send
from pi_classifier.training.finetuning import BATCH, DECAY, LEARNING_RATE, Material, load, trainable
from pi_classifier.training.fit import FINETUNE, Progress, fingerprint
from pi_classifier.training.head import fitted
from pi_classifier.training.pictures import Pictures
from pi_classifier.training.split import Split
from pi_classifier.training.views import VIEWS, views_digest

LIMITS = ("OMP_THREAD_LIMIT", "OPENBLAS_NUM_THREADS")
"""What `system.environment` sets for a process that runs a model, and what keeps one from training."""


class FinetuneFit:
    """A `Fit`."""

    method = FINETUNE

    def __init__(
        self, trunk: Trunk, pictures: Pictures, views: NDArray[np.uint8], parts: Split, *, base: str, seed: int
    ) -> None:
        """Nothing is learnt yet.

        Args:
            trunk: that the pictures' features are of.
            pictures: that are learnt, and that judge.
            views: of each, uint8, shape (n_pictures, views.SIZE).
            parts: which learn and which judge.
            base: `default`, or the path of the trunk's state dict.
            seed: of the division and of all that is random.
        """
        self._trunk = trunk
        self._pictures = pictures
        self._material = Material(views.reshape(-1, VIEWS, *ENTRY), pictures.labels, parts.learnt, parts.judging)
        self._base, self._seed = base, seed
        self._resume = False
        settings = views_digest(trunk.metadata), BATCH, LEARNING_RATE, DECAY
        self._fingerprint = fingerprint(pictures, trunk.metadata, seed, *settings)
        self._head = self._fitted_head()
        self.epoch = 0

    def resume(self) -> bool:
        """As of a `Fit`."""
        found = self._kept()
        if found is not None:
            self._resume, self.epoch = True, int(found["epoch"])
        return found is not None

    def epochs(self, last: int) -> Generator[Progress]:
        """As of a `Fit`. A killed run loses the epoch that it was in.

        Raises:
            CannotWrite: as of a `Fit`.
            ModelError: the process died, as for want of memory.
        """
        order = Order(self._base, str(self._pictures.dataset.folder), self._fingerprint, self._seed, last, self._resume)
        with _process() as process:
            try:
                send(process.stdin, order, self._material, self._head)  # type: ignore[arg-type]
                for line in process.stdout:  # type: ignore[union-attr]
                    told = json.loads(line)
                    if isinstance(told, dict):
                        raise CannotWrite(told["problem"], remedy=told["remedy"])
                    epoch, loss, accuracy = told
                    self.epoch = epoch
                    yield Progress(epoch, loss, Accuracy(*accuracy) if accuracy else None)
            except BrokenPipeError:
                pass  # it died; its code says of what
            code = process.wait()
        if code:
            raise ModelError(
                f"the training ended with code {code} after epoch {self.epoch}",
                remedy="see that there is memory enough, and go on with --resume",
            )

    def install(self) -> Features:
        """As of a `Fit`. Before the end of the first epoch that is a new last layer alone."""
        features, head, learnt = self._pictures.features, self._head, self._material.learnt
        state = self._kept() if self.epoch else None
        if state is not None:
            with quiet_about_deprecations():
                network = trainable(self._trunk.blocks, len(head.bias))
                load(network, state)
                self._trunk.blocks.replace(network[0])  # type: ignore[arg-type]
            linear: Any = network[-1]
            head = Head(linear.weight.detach().numpy(), linear.bias.detach().numpy())
            features = self._trunk.blocks.features(self._material.views[:, 0])
        self._trunk.quantise(head, features[learnt])
        return features

    def _kept(self) -> Arrays | None:
        return read_checkpoint(self._pictures.dataset.folder, FINETUNE, self._fingerprint)

    def _fitted_head(self) -> Head:
        """On the blocks as they are, to begin from."""
        learnt, classes = self._material.learnt, len(self._pictures.dataset.classes)
        values = self._trunk.values(self._pictures.features[learnt])
        return fitted(values, self._material.labels[learnt], classes)


@contextmanager
def _process() -> Iterator["subprocess.Popen[bytes]"]:
    """The process that trains; it ends with the context."""
    environment = {name: value for name, value in os.environ.items() if name not in LIMITS}
    # On a busy machine threads would otherwise spend more time on waiting for one another than on learning.
    environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # -P: what lies in the working directory is not to be imported.
    command = [sys.executable, "-P", "-m", "pi_classifier.training.finetune_process"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        try:
            yield process
        finally:
            process.terminate()

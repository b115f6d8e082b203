"""Training of the last blocks and the head together, epoch by epoch, in torch.

AdamW (Loshchilov and Hutter, 2019) with a learning rate that falls along half a cosine. What is random in an epoch is
drawn by the seed and the epoch's number, so that a training which goes on after an interruption draws the same.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.ao.quantization import disable_observer

from pi_classifier.prepare.blocks import LastBlocks
from pi_classifier.prepare.head import Head
from pi_classifier.training.accuracy import Accuracy
from pi_classifier.training.checkpoint import Arrays
from pi_classifier.training.fit import Progress
from pi_classifier.training.head import SMOOTHING

EPOCHS = 12
SETTLING = 0.7
"""The part of them after which the ranges of the activations stay: int8 gets what was trained."""
BATCH = 32
LEARNING_RATE = 3e-4
DECAY = 0.01
DROPOUT = 0.2
"""As MobileNetV2 was trained with."""
_JUDGED_AT_ONCE = 64


class Material(NamedTuple):
    """What is learnt from, and what judges."""

    views: NDArray[np.uint8]
    """Shape (n_pictures, n_views, *blocks.ENTRY); the first view is the picture as it is."""
    labels: NDArray[np.intp]
    """Class ids, shape (n_pictures,)."""
    learnt: NDArray[np.intp]
    """Indices of pictures."""
    judging: NDArray[np.intp]


class Finetuning:
    """One training."""

    def __init__(self, blocks: LastBlocks, head: Head, material: Material, *, seed: int, epochs: int) -> None:
        """Begin with a head that was fitted on the blocks as they are. `epochs`: how long the learning rate falls."""
        self._blocks = blocks
        self._material = material
        self._seed = seed
        self._epochs = epochs
        self.epoch = 0
        self._network = trainable(blocks, len(head.bias))
        linear: Any = self._network[-1]
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(head.weights))
            linear.bias.copy_(torch.from_numpy(head.bias))
        self._optimiser = torch.optim.AdamW(self._network.parameters(), lr=LEARNING_RATE, weight_decay=DECAY)

    def step(self) -> Progress:
        """One epoch: every learnt picture once, in one of its views."""
        rng = np.random.default_rng((self._seed, self.epoch))
        torch.manual_seed(int(rng.integers(1 << 63)))  # of the dropout
        if self.epoch >= SETTLING * self._epochs:
            self._network.apply(disable_observer)
        order = rng.permutation(self._material.learnt)
        batches = np.array_split(order, max(1, round(len(order) / BATCH)))
        losses = [
            len(batch) * self._learn(batch, rng, self.epoch + done / len(batches)) for done, batch in enumerate(batches)
        ]
        self.epoch += 1
        return Progress(self.epoch, sum(losses) / len(order), self._judged())

    def state(self) -> Arrays:
        """All that the next epoch depends on, and what `installed` takes."""
        arrays = {f"network.{name}": tensor.numpy().copy() for name, tensor in self._network.state_dict().items()}
        for number, moments in self._optimiser.state_dict()["state"].items():
            arrays |= {f"optimiser.{number}.{name}": tensor.numpy().copy() for name, tensor in moments.items()}
        return arrays | {"epoch": np.array(self.epoch)}

    def go_on(self, state: Arrays) -> None:
        """From a state of the same training."""
        load(self._network, state)
        optimiser = self._optimiser.state_dict()
        for name, array in state.items():
            kind, _, rest = name.partition(".")
            if kind == "optimiser":
                number, _, moment = rest.partition(".")
                optimiser["state"].setdefault(int(number), {})[moment] = torch.from_numpy(array.copy())
        self._optimiser.load_state_dict(optimiser)
        self.epoch = int(state["epoch"])

    def _learn(self, batch: NDArray[np.intp], rng: np.random.Generator, epoch: float) -> float:
        """One step; returns the loss. `epoch`: how far the training is, in epochs."""
        for group in self._optimiser.param_groups:
            group["lr"] = LEARNING_RATE * (1 + np.cos(np.pi * min(1, epoch / self._epochs))) / 2
        views = self._material.views
        chosen = views[batch, rng.integers(0, views.shape[1], len(batch))]
        logits = self._network(self._blocks.values(chosen))
        wanted = torch.from_numpy(self._material.labels[batch])
        loss = torch.nn.functional.cross_entropy(logits, wanted, label_smoothing=SMOOTHING)
        self._optimiser.zero_grad()
        loss.backward()
        self._optimiser.step()
        return float(loss)

    def _judged(self) -> Accuracy | None:
        """On the pictures as they are."""
        views, labels, judging = self._material.views, self._material.labels, self._material.judging
        self._network.eval()
        right = [np.zeros(0, bool)]
        with torch.inference_mode():
            for part in np.split(judging, range(_JUDGED_AT_ONCE, len(judging), _JUDGED_AT_ONCE)):
                if len(part):
                    found = self._network(self._blocks.values(views[part, 0])).argmax(dim=1)
                    right.append(found.numpy() == labels[part])
        self._network.train()
        return Accuracy.of(np.concatenate(right))


def trainable(blocks: LastBlocks, classes: int) -> torch.nn.Sequential:
    """The blocks in floats and a head of random weights: values, shape (n_pictures, *blocks.ENTRY), to logits."""
    in_floats = blocks.in_floats()
    size = next(reversed(list(in_floats.parameters()))).shape[0]
    pool, flatten = torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()
    return torch.nn.Sequential(in_floats, pool, flatten, torch.nn.Dropout(DROPOUT), torch.nn.Linear(size, classes))


def load(network: torch.nn.Sequential, state: Arrays) -> None:
    """Fill `trainable` from `Finetuning.state`."""
    prefix = "network."
    network.load_state_dict(
        {name.removeprefix(prefix): torch.from_numpy(a.copy()) for name, a in state.items() if name.startswith(prefix)}
    )

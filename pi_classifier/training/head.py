"""Softmax regression on features, in numpy: a new last layer in seconds, epoch by epoch.

The loss is convex and every step takes all pictures, so nothing is random: the same pictures give the same head, bit
for bit on one machine. Nesterov's accelerated gradient, with a momentum of k / (k + 3) in epoch k as in Beck and
Teboulle's FISTA (2009), and a step of one over the loss's smoothness. In numpy, because torch's float layers may hang
on ARM where OMP_THREAD_LIMIT is set.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pi_classifier.prepare.head import Head

EPOCHS = 200
WEIGHT_DECAY = 2e-3
"""Of whitened features with a mean square length of 1. From a half to the double of it makes no difference."""
SMOOTHING = 0.1
"""Of labels: what a picture's own class shares with all others, so that probabilities stay honest."""
SHRINKAGE = 1.0
"""What is added to each feature's variance within the classes, as a part of their mean: the variances of a few hundred
pictures in more dimensions are not known well. With half of it or the double the accuracy is the same."""
_POWER_STEPS = 30
Floats = NDArray[np.float32]


class State(NamedTuple):
    """All that the next epoch depends on. Immutable: an interruption leaves the one before or the one after."""

    epoch: int
    """How many are done."""
    weights: Floats
    """Shape (n_features + 1, n_classes), for whitened features; the last row is the bias."""
    momentum: Floats
    """Its last change, of the same shape."""
    best: Floats
    """The weights with the least loss so far."""
    best_loss: float
    losses: tuple[float, ...]
    """Of each epoch."""


class Regression:
    """A fit on certain pictures. It holds no state of its own."""

    def __init__(self, features: Floats, labels: NDArray[np.intp], classes: int) -> None:
        """Whiten.

        Args:
            features: real values, float32, shape (n_pictures, n_features).
            labels: class ids, shape (n_pictures,).
            classes: how many there are.
        """
        self._mean = features.mean(axis=0)
        self._whitening = _whitening(features, labels, classes)
        inputs = (features - self._mean) @ self._whitening
        length = np.sqrt(np.mean(np.square(inputs).sum(axis=1))) + np.float32(1e-6)
        self._whitening /= length
        self._inputs = np.hstack([inputs / length, np.ones((len(features), 1), np.float32)])
        self._targets = np.full((len(labels), classes), SMOOTHING / classes, np.float32)
        self._targets[np.arange(len(labels)), labels] += np.float32(1 - SMOOTHING)
        self._step = np.float32(1 / (0.5 * _largest_eigenvalue(self._inputs) + WEIGHT_DECAY))

    def start(self) -> State:
        """Before the first epoch: all classes are equally likely."""
        zeros = np.zeros((self._inputs.shape[1], self._targets.shape[1]), np.float32)
        return State(0, zeros, zeros, zeros, math.inf, ())

    def step(self, state: State) -> State:
        """One epoch."""
        ahead = state.weights + np.float32(state.epoch / (state.epoch + 3)) * state.momentum
        # Judged where the gradient is taken: to judge the step's end as well would take half as long again.
        loss, gradient = self._loss_and_gradient(ahead)
        weights = ahead - self._step * gradient
        better = loss < state.best_loss
        return State(
            state.epoch + 1,
            weights,
            weights - state.weights,
            ahead if better else state.best,
            min(loss, state.best_loss),
            (*state.losses, loss),
        )

    def run(self, epochs: int) -> State:
        """So many epochs from the start, all at once."""
        state = self.start()
        while state.epoch < epochs:
            state = self.step(state)
        return state

    def head(self, weights: Floats) -> Head:
        """The layer for the features' real values, from `State.weights` or `State.best`."""
        own = self._whitening @ weights[:-1]
        return Head(np.ascontiguousarray(own.T), weights[-1] - self._mean @ own)

    def _loss_and_gradient(self, weights: Floats) -> tuple[float, Floats]:
        """Cross-entropy, averaged, with half the squared weights; the bias costs nothing."""
        logits = self._inputs @ weights
        logits -= logits.max(axis=1, keepdims=True)
        logarithms = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        decayed = weights.copy()
        decayed[-1] = 0
        loss = -np.mean((self._targets * logarithms).sum(axis=1)) + WEIGHT_DECAY / 2 * np.square(decayed).sum()
        gradient = self._inputs.T @ ((np.exp(logarithms) - self._targets) / np.float32(len(logits)))
        return float(loss), gradient + np.float32(WEIGHT_DECAY) * decayed


def fitted(features: Floats, labels: NDArray[np.intp], classes: int, epochs: int = EPOCHS) -> Head:
    """A head after so many epochs, all at once; the arguments are those of `Regression`."""
    regression = Regression(features, labels, classes)
    return regression.head(regression.run(epochs).best)


def _whitening(features: Floats, labels: NDArray[np.intp], classes: int) -> Floats:
    """What makes the covariance within the classes a unit matrix: shape (n_features, n_features), upper triangular.

    How pictures of one class differ tells nothing of the classes, so the weights' decay should cost least across it, as
    in linear discriminant analysis. The covariance is regularised as by Friedman (1989, "Regularized Discriminant
    Analysis").
    """
    members = np.eye(classes, dtype=np.float32)[labels]
    centres = members.T @ features / np.maximum(members.sum(axis=0), 1)[:, None]
    within = features - centres[labels]
    covariance = within.T @ within / np.float32(len(features))
    diagonal = np.arange(len(covariance))
    # A little more, for where every class has one picture.
    covariance[diagonal, diagonal] += SHRINKAGE * covariance.trace() / len(covariance) + np.float32(1e-6)
    return np.asarray(np.linalg.inv(np.linalg.cholesky(covariance)).T, np.float32)


def _largest_eigenvalue(inputs: Floats) -> float:
    """Of the inputs' second moments, by the power method; a tenth more, for it comes from below."""
    vector = np.ones(inputs.shape[1], np.float32)
    for _ in range(_POWER_STEPS):
        vector = inputs.T @ (inputs @ vector)
        vector /= np.linalg.norm(vector) + np.float32(1e-12)
    return 1.1 * float(np.square(inputs @ vector).sum()) / len(inputs)

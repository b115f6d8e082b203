"""The regression, and the checkpoint that it goes on from."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pi_classifier.errors import CannotWrite
from pi_classifier.training.checkpoint import read_checkpoint, write_checkpoint
from pi_classifier.training.features import OWN_FOLDER
from pi_classifier.training.head import Regression, State, fitted

CLASSES = 3


def blobs(seed: int, count: int = 90, spread: float = 1.0) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Features around three centres, and their classes."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count, dtype=np.intp) % CLASSES
    centres = np.random.default_rng(99).uniform(0, 5, (CLASSES, 20))
    return np.maximum(centres[labels] + rng.normal(0, spread, (count, 20)), 0).astype(np.float32), labels


def run(regression: Regression, state: State, epochs: int) -> State:
    """Some epochs more."""
    for _ in range(epochs):
        state = regression.step(state)
    return state


def equal(one: State, other: State) -> bool:
    """Bit for bit."""
    values: Iterable[tuple[Any, Any]] = zip(one, other, strict=True)
    return all(np.array_equal(a, b) for a, b in values)


def test_head_tells_what_it_has_not_seen() -> None:
    """Protects the learning itself: other pictures of the same classes are named rightly by the head's own logits."""
    head = fitted(*blobs(seed=0), CLASSES, epochs=200)
    features, labels = blobs(seed=1)
    assert ((features @ head.weights.T + head.bias).argmax(axis=1) == labels).mean() > 0.95


def test_fit_comes_near_to_the_least_loss() -> None:
    """Protects the 200 epochs: ten times as many gain nothing more."""
    regression = Regression(*blobs(seed=0, spread=2.0), CLASSES)
    state = run(regression, regression.start(), 200)
    assert state.best_loss < 0.7 * state.losses[0]
    assert run(regression, state, 1800).best_loss > state.best_loss - 0.01


def test_constant_features_do_no_harm() -> None:
    """Protects from a division by zero: features that never change, and pictures that are all alike, give numbers."""
    features, labels = blobs(seed=0)
    features[:, 5] = 0
    for given in (features, np.ones_like(features)):
        head = fitted(given, labels, CLASSES, epochs=5)
        assert np.isfinite(head.weights).all()
        assert np.isfinite(head.bias).all()


def test_resumed_fit_is_the_uninterrupted_one(tmp_path: Path) -> None:
    """Protects --resume: after a checkpoint every number is what it would have been without the stop."""
    regression = Regression(*blobs(seed=0), CLASSES)
    whole = run(regression, regression.start(), 30)
    write_checkpoint(tmp_path, "fit", run(regression, regression.start(), 13))
    again = Regression(*blobs(seed=0), CLASSES)
    resumed = read_checkpoint(tmp_path, "fit", again.start())
    assert resumed is not None
    assert resumed.epoch == 13
    assert equal(run(again, resumed, 17), whole)


def test_checkpoint_of_anything_else_is_not_taken(tmp_path: Path) -> None:
    """Protects from going on with another fit's numbers, and from a traceback for a damaged file."""
    regression = Regression(*blobs(seed=0), CLASSES)
    start = regression.start()
    assert read_checkpoint(tmp_path, "fit", start) is None
    write_checkpoint(tmp_path, "fit", start)
    assert read_checkpoint(tmp_path, "another", start) is None
    assert read_checkpoint(tmp_path, "fit", Regression(*blobs(seed=0), CLASSES + 1).start()) is None
    (file,) = (tmp_path / OWN_FOLDER).iterdir()
    content = file.read_bytes()
    for damaged in (b"", content[:100], content[:-30], content[:300] + b"\xff" * 40 + content[340:]):
        file.write_bytes(damaged)
        assert read_checkpoint(tmp_path, "fit", start) is None


def test_checkpoint_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    """Protects a full or read-only disk from a traceback; it is the documented error."""
    start = Regression(*blobs(seed=0), CLASSES).start()
    (tmp_path / OWN_FOLDER).write_text("a file where the folder should be")
    with pytest.raises(CannotWrite, match="cannot be written"):
        write_checkpoint(tmp_path, "fit", start)

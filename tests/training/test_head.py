"""The regression, and the checkpoint that it goes on from."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pi_classifier.errors import CannotWrite
from pi_classifier.training.checkpoint import Arrays, read_checkpoint, write_checkpoint
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


def test_head_tells_what_it_has_not_seen() -> None:
    """Protects the learning itself: other pictures of the same classes are named rightly by the head's own logits."""
    head = fitted(*blobs(seed=0), CLASSES, epochs=200)
    features, labels = blobs(seed=1)
    assert (head(features).argmax(axis=1) == labels).mean() > 0.95


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


def some_state() -> Arrays:
    """As a fit has one."""
    return {"epoch": np.array(3), "weights": np.eye(4, dtype=np.float32), "losses": np.array([1.0, 0.5])}


def test_checkpoint_gives_what_was_kept(tmp_path: Path) -> None:
    """Protects --resume: names, shapes and bits are those that were written, for each method its own."""
    write_checkpoint(tmp_path, "head", "fit", some_state())
    write_checkpoint(tmp_path, "finetune", "fit", {"epoch": np.array(9)})
    found = read_checkpoint(tmp_path, "head", "fit")
    assert found is not None
    assert found.keys() == some_state().keys()
    assert all(np.array_equal(found[name], array) for name, array in some_state().items())


def test_checkpoint_of_anything_else_is_not_taken(tmp_path: Path) -> None:
    """Protects from going on with another fit's numbers, and from a traceback for a damaged file."""
    assert read_checkpoint(tmp_path, "head", "fit") is None
    write_checkpoint(tmp_path, "head", "fit", some_state())
    assert read_checkpoint(tmp_path, "head", "another") is None
    assert read_checkpoint(tmp_path, "finetune", "fit") is None
    (file,) = (tmp_path / OWN_FOLDER).iterdir()
    content = file.read_bytes()
    for damaged in (b"", content[:100], content[:-30], content[:300] + b"\xff" * 40 + content[340:]):
        file.write_bytes(damaged)
        assert read_checkpoint(tmp_path, "head", "fit") is None


def test_checkpoint_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    """Protects a full or read-only disk from a traceback; it is the documented error."""
    (tmp_path / OWN_FOLDER).write_text("a file where the folder should be")
    with pytest.raises(CannotWrite, match="cannot be written"):
        write_checkpoint(tmp_path, "head", "fit", some_state())

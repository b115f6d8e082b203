"""A fit's state in a file, so that a run which was stopped goes on exactly where it was."""

import io
import zipfile
from pathlib import Path

import numpy as np

from pi_classifier.system.atomic_file import replace_file
from pi_classifier.training.features import OWN_FOLDER, refused_writing
from pi_classifier.training.head import State

_NAME = "head.checkpoint"
_DAMAGE = (OSError, TypeError, ValueError, KeyError, EOFError, NotImplementedError, zipfile.BadZipFile)
"""What numpy and zipfile raise for a file that is none of theirs."""


def write_checkpoint(folder: Path, fingerprint: str, state: State) -> None:
    """Keep a state in a dataset's folder, in one step.

    Args:
        folder: of the dataset.
        fingerprint: of all that the fit depends on.
        state: of the fit.

    Raises:
        CannotWrite: it cannot be written; the one before is still there.
    """
    content = io.BytesIO()
    arrays = {name: np.asarray(value) for name, value in state._asdict().items()}
    np.savez(content, fingerprint=np.array(fingerprint), **arrays)  # type: ignore[arg-type]
    path = folder / OWN_FOLDER / _NAME
    with refused_writing(path):
        path.parent.mkdir(exist_ok=True)
        replace_file(path, content.getvalue())


def read_checkpoint(folder: Path, fingerprint: str, start: State) -> State | None:
    """The state that was kept; None where there is none, or one of another fit, or a damaged one.

    Args:
        folder: of the dataset.
        fingerprint: as it was written.
        start: the fit's first state, which has the shapes that are expected.
    """
    try:
        # No pickles: a checkpoint is data.
        content = (folder / OWN_FOLDER / _NAME).read_bytes()
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            if str(arrays["fingerprint"]) != fingerprint:
                return None
            state = State(
                epoch=int(arrays["epoch"]),
                weights=arrays["weights"],
                momentum=arrays["momentum"],
                best=arrays["best"],
                best_loss=float(arrays["best_loss"]),
                losses=tuple(arrays["losses"].tolist()),
            )
    except _DAMAGE:
        return None
    matrices = state.weights, state.momentum, state.best
    sound = all(one.shape == start.weights.shape and one.dtype == np.float32 for one in matrices)
    return state if sound else None

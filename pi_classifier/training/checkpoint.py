"""A fit's state in a file, so that a run which was stopped goes on exactly where it was."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pi_classifier.system.atomic_file import replace_file
from pi_classifier.training.features import OWN_FOLDER, refused_writing

Arrays = dict[str, NDArray[np.generic]]
_DAMAGE = (OSError, TypeError, ValueError, KeyError, EOFError, NotImplementedError, zipfile.BadZipFile)
"""What numpy and zipfile raise for a file that is none of theirs."""


def write_checkpoint(folder: Path, method: str, fingerprint: str, state: Mapping[str, NDArray[np.generic]]) -> None:
    """Keep a state in a dataset's folder, in one step.

    Args:
        folder: of the dataset.
        method: of the fit; each has one checkpoint.
        fingerprint: of all that the fit depends on.
        state: of the fit.

    Raises:
        CannotWrite: it cannot be written; the one before is still there.
    """
    content = io.BytesIO()
    np.savez(content, fingerprint=np.array(fingerprint), **state)  # type: ignore[arg-type]
    path = _path(folder, method)
    with refused_writing(path):
        path.parent.mkdir(exist_ok=True)
        replace_file(path, content.getvalue())


def read_checkpoint(folder: Path, method: str, fingerprint: str) -> Arrays | None:
    """The state that was kept; None where there is none, or one of another fit, or a damaged one.

    Arguments are those of `write_checkpoint`.
    """
    try:
        # No pickles: a checkpoint is data.
        content = _path(folder, method).read_bytes()
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            if str(arrays["fingerprint"]) != fingerprint:
                return None
            # Each with its checksum.
            return {name: arrays[name] for name in arrays.files if name != "fingerprint"}
    except _DAMAGE:
        return None


def _path(folder: Path, method: str) -> Path:
    return folder / OWN_FOLDER / f"{method}.checkpoint"

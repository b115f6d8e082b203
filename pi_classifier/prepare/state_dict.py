"""Files of weights: read without pickle's powers, and the published ones fetched."""

import contextlib
import hashlib
import io
import pickle
import struct
import sys
import urllib.error
from pathlib import Path
from typing import Any

import torch

from pi_classifier.errors import ModelError, WeightsUnavailable
from pi_classifier.prepare.torchvision_models import Architecture

LARGEST_FILE = 1 << 30
"""Bytes: ten times what the largest architecture takes."""
DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)
"""What torch's unpickler raises, depending on where the damage is: it is a small program that trusts its input."""


def read_state(path: Path) -> tuple[dict[str, Any], str]:
    """The state dict in a file, and the file's SHA-256.

    Raises:
        ModelError: unreadable, cut short, no state dict, or a pickle that would run code.
    """
    try:
        content = _content(path)
        # weights_only: a pickle may not run code.
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}", remedy="name a readable file with --weights") from None
    except pickle.UnpicklingError:
        raise ModelError(
            f"{path}: not a plain state dict of tensors", remedy="save one with torch.save(model.state_dict(), ...)"
        ) from None
    except DAMAGE:
        raise ModelError(f"{path}: no state dict, or cut short", remedy="fetch or copy the file again") from None
    if not isinstance(state, dict) or not state or not all(isinstance(key, str) for key in state):
        raise ModelError(f"{path}: holds no state dict", remedy="save one with torch.save(model.state_dict(), ...)")
    return state, hashlib.sha256(content).hexdigest()


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise ModelError(f"{path}: larger than any state dict", remedy="name another file with --weights")
    return content


def default_weights(architecture: Architecture, *, progress: bool) -> Path:
    """The published weights' file: from torch's hub folder, else downloaded there and checked against its hash.

    Raises:
        WeightsUnavailable: neither is to be had; the message says where to put the file.
    """
    weights = architecture.weights
    file: Path = Path(torch.hub.get_dir()) / "checkpoints" / weights.url.rpartition("/")[2]
    if not file.exists():
        try:
            # torch.hub announces the download on stdout, which belongs to the lines of 'run' and 'classify'.
            with contextlib.redirect_stdout(sys.stderr):
                weights.get_state_dict(progress=progress, check_hash=True, weights_only=True)
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            raise _unavailable(weights.url, file, getattr(error, "reason", error)) from None
        except OSError as error:
            raise _unavailable(weights.url, file, error.strerror or error) from None
        except RuntimeError as error:  # torch.hub's word for a wrong hash
            raise _unavailable(weights.url, file, error) from None
    return file


def _unavailable(url: str, file: Path, reason: object) -> WeightsUnavailable:
    return WeightsUnavailable(
        f"no weights: {url} could not be fetched ({reason})",
        remedy=f"copy it to {file}, or name a file with --weights, "
        "or try the program on a drawn scene with --weights demo --source synthetic:",
    )

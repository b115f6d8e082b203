"""The process that trains the last blocks: `python -m pi_classifier.training.finetune_process`.

It is one of its own, for the environment that the program sets for running a model, OMP_THREAD_LIMIT, makes float
layers slow, and hang on ARM; and its memory is given back when it ends. On stdin it gets an `Order` and arrays, and on
stdout it writes a line of JSON an epoch, after the epoch's checkpoint is on disk.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pi_classifier.config.schema import ModelSettings
from pi_classifier.errors import PiClassifierError
from pi_classifier.prepare.bundle import quiet_about_deprecations
from pi_classifier.prepare.head import Head
from pi_classifier.prepare.trunk import Trunk
from pi_classifier.training.checkpoint import read_checkpoint, write_checkpoint
from pi_classifier.training.finetuning import Finetuning, Material
from pi_classifier.training.fit import FINETUNE


class Order(NamedTuple):
    """What is to be done, besides the arrays."""

    base: str
    """`default`, or the path of a state dict."""
    folder: str
    """Of the dataset, for the checkpoint."""
    fingerprint: str
    seed: int
    epochs: int
    resume: bool


def send(stream: BinaryIO, order: Order, material: Material, head: Head) -> None:
    """Write what `receive` reads."""
    stream.write(json.dumps(order._asdict()).encode() + b"\n")
    for array in (*material, *head):
        stream.write(json.dumps((array.dtype.str, array.shape)).encode() + b"\n")
        stream.write(array.tobytes())
    stream.flush()


def receive(stream: BinaryIO) -> tuple[Order, Material, Head]:
    """Read what `send` wrote."""
    order = Order(**json.loads(stream.readline()))
    arrays: list[Any] = [_array(stream) for _ in (*Material._fields, *Head._fields)]
    return order, Material(*arrays[: len(Material._fields)]), Head(*arrays[len(Material._fields) :])


def _array(stream: BinaryIO) -> NDArray[np.generic]:
    dtype, shape = json.loads(stream.readline())
    values = np.empty(shape, dtype)
    values.data.cast("B")[:] = stream.read(values.nbytes)
    return values


def train(order: Order, material: Material, head: Head) -> None:
    """Train, and tell of each epoch.

    Raises:
        CannotWrite: a checkpoint cannot be written.
        ModelError, WeightsUnavailable: the base cannot be had.
    """
    trunk, folder = Trunk(ModelSettings(weights=order.base), progress=False), Path(order.folder)
    training = Finetuning(trunk.blocks, head, material, seed=order.seed, epochs=order.epochs)
    found = read_checkpoint(folder, FINETUNE, order.fingerprint) if order.resume else None
    if found is not None:
        training.go_on(found)
    while training.epoch < order.epochs:
        progress = training.step()
        write_checkpoint(folder, FINETUNE, order.fingerprint, training.state())
        print(json.dumps(progress), flush=True)


def main() -> int:
    """Returns the exit code; an error of the program's own is a line of JSON, too: problem and remedy."""
    # Ctrl-C reaches every process of the terminal. The one that asked ends this one, after what it has to do first.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with quiet_about_deprecations():
            train(*receive(sys.stdin.buffer))
    except PiClassifierError as error:
        print(json.dumps({"problem": error.problem, "remedy": error.remedy}), flush=True)
        return error.exit_code
    except BrokenPipeError:  # nobody listens any more: the program that asked was killed
        return os.EX_IOERR
    return 0


if __name__ == "__main__":
    sys.exit(main())

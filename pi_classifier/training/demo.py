"""Makes the demonstration model, pi_classifier/prepare/demo.bundle.

    python -m pi_classifier.training.demo [--output FILE] [--learnt N] [--judged N] [--seed N]

It learns scenes that are drawn for it, each once, and is judged by others. That takes some minutes on two cores, and
gives the same file each time on the same machine under the same torch.
"""

import argparse
import dataclasses
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np

from pi_classifier.contracts.frame import Pixels
from pi_classifier.contracts.model import Model, Training
from pi_classifier.errors import ModelError
from pi_classifier.prepare.bundle import Prepared, bundled, quiet_about_deprecations
from pi_classifier.prepare.demo import Learning, metadata_of
from pi_classifier.prepare.store import DEMO_BUNDLE, write_bundle
from pi_classifier.runtimes.bundle import Bundle
from pi_classifier.runtimes.litert import LiteRTModel
from pi_classifier.runtimes.preprocess import Preprocessor
from pi_classifier.runtimes.program.check import checked_program
from pi_classifier.runtimes.torchscript import TorchScriptModel
from pi_classifier.sources.scene import LABELS, Scene, noise_for
from pi_classifier.training.accuracy import Accuracy

SEED = 2
"""One of most: now and then a model comes out whose logits LiteRT does not give bit for bit, and is refused."""
BATCH = 64
LEARNT, JUDGED = 1000 * BATCH, 2000
SIDES = (64, 96, 128, 160, 224)
"""Of the frames that are learnt, before they are scaled to the model's input; it is judged by the last."""
SHOWN_EVERY = 100
"""Batches."""


class Drawn(NamedTuple):
    """Frames of scenes, of one size, and what they show."""

    frames: list[Pixels]
    """Each uint8, shape (side, side, 3), BGR."""
    labels: list[int]


def drawn(name: str, count: int, side: int) -> Drawn:
    """So many scenes, of all classes equally often. `name`: another one gives other scenes."""
    rng, frames = Random(name), []  # noqa: S311 - to be repeated
    noise, first = noise_for(rng, width=side, height=side), rng.randrange(len(LABELS))
    labels = [(first + number) % len(LABELS) for number in range(count)]
    for number, class_id in enumerate(labels):
        frames.append(np.empty((side, side, 3), np.uint8))
        Scene(class_id, rng, width=side, height=side).draw(frames[-1], noise, number=number, share=rng.random())
    return Drawn(frames, labels)


def made(learnt: int, judged: int, seed: int = SEED) -> tuple[Prepared, Accuracy]:
    """The bundle, for both runtimes, and what it is worth.

    Args:
        learnt: how many scenes are learnt, at least a batch.
        judged: how many others it is judged by.
        seed: of the first weights and of all scenes.

    Raises:
        ModelError: the runtimes differ; another seed may do.
    """
    model, digest = _learnt(learnt // BATCH, seed)
    training = Training("whole", "", "", "", digest, seed, 1, learnt // BATCH * BATCH, 0, 0)
    with quiet_about_deprecations():
        bundle = bundled(model, metadata_of(model, training), runtimes=("torchscript", "litert"))
    accuracy = worth(bundle, drawn(f"judge {seed}", judged, SIDES[-1]))
    training = training._replace(judged=accuracy.total, correct=accuracy.correct)
    # Written anew, it names neither this machine's files nor how many classes torch has met before.
    program = checked_program(bundle.program("torchscript"), bundle.name)
    metadata, programs = bundle.metadata._replace(training=training), {**bundle.programs, "torchscript": program}
    return dataclasses.replace(bundle, metadata=metadata, programs=programs), accuracy


def _learnt(count: int, seed: int) -> tuple[Any, str]:
    """A quantised model that has learnt so many batches, and their SHA-256, hexadecimal."""
    learning, digest = Learning(count, seed), hashlib.sha256()
    for number in range(count):
        frames, labels = drawn(f"learn {seed} {number}", BATCH, SIDES[number % len(SIDES)])
        pictures = _scaled(frames, learning.size)
        digest.update(pictures.tobytes() + bytes(labels))
        loss = learning.learn(pictures, labels)
        if number % SHOWN_EVERY == SHOWN_EVERY - 1:
            print(f"{number + 1} of {count} batches, loss {loss:.3f}", file=sys.stderr, flush=True)
    return learning.quantised(), digest.hexdigest()


def _scaled(frames: list[Pixels], size: int) -> Pixels:
    """As a camera's frames are: uint8, shape (n_frames, size, size, 3), RGB."""
    fill = Preprocessor(np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, axis=2), size)
    pictures = np.empty((len(frames), size, size, 3), np.uint8)
    for frame, picture in zip(frames, pictures, strict=True):
        fill(frame, picture)
    return pictures


def worth(bundle: Bundle, scenes: Drawn) -> Accuracy:
    """How many scenes it names rightly, taken as a camera's frames are.

    Raises:
        ModelError: the runtimes give different logits for one of them.
    """
    models = (TorchScriptModel(bundle, threads=1, top_k=1), LiteRTModel(bundle, threads=1, top_k=1))
    expected, found = (_logits(model, scenes.frames) for model in models)
    if not np.array_equal(expected, found):
        raise ModelError("the runtimes give different logits", remedy="another seed may do")
    return Accuracy(int(np.count_nonzero(found.argmax(axis=1) == scenes.labels)), len(scenes.labels))


def _logits(model: Model, frames: list[Pixels]) -> Any:
    """float32, shape (n_frames, n_classes)."""
    fill, tensor, predictor = model.new_preprocessor(), model.new_tensor(), model.new_predictor()

    def outputs() -> Iterator[Any]:
        for frame in frames:
            fill(frame, tensor)
            yield predictor.infer(tensor)

    return np.stack(list(outputs()))


def main() -> None:
    """Make it, and say what it is worth."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--output", type=Path, default=DEMO_BUNDLE, metavar="FILE", help="instead of the one that comes along")
    add("--learnt", type=int, default=LEARNT, metavar="N", help="scenes to learn (default: %(default)s)")
    add("--judged", type=int, default=JUDGED, metavar="N", help="scenes to be judged by (default: %(default)s)")
    add("--seed", type=int, default=SEED, metavar="N", help="of weights and scenes (default: %(default)s)")
    arguments = parser.parse_args()
    bundle, accuracy = made(arguments.learnt, arguments.judged, arguments.seed)
    write_bundle(arguments.output, bundle)
    print(f"{arguments.output}: {arguments.output.stat().st_size / 1e3:.0f} kB; {bundle.proof}")
    print(f"accuracy: {accuracy}")


if __name__ == "__main__":
    main()

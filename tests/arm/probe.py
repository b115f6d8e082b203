"""Runs on the emulated processor: classifies the first photographs with bundles and keeps every logit.

    python probe.py RUNTIME THREADS COUNT SHARED PHOTOS OUT.npz BUNDLE...

Prints one JSON object: what torch's engine was before and after a model was loaded, where torch is the runtime, and how
many threads the process has while models are loaded, the emulator's own among them. After that, workers classify the
first SHARED photographs, all at once.
"""

import importlib
import json
import platform
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from pi_classifier.config.schema import ModelSettings
from pi_classifier.contracts.job import Tensor
from pi_classifier.contracts.model import Classifier, Predictor, Runtime
from pi_classifier.inference.workers import Workers
from pi_classifier.model import open_model
from pi_classifier.runtimes.reference_transform import reference_crop
from pi_classifier.sources.files.picture import read_picture

WORKERS = 3
"""What `auto` makes of three cameras or more on a Raspberry Pi."""


def opened(bundle: Path, runtime: Runtime, *, threads: int) -> Classifier:
    """The bundle's program for a runtime, loaded."""
    return open_model(ModelSettings(weights=str(bundle), runtime=runtime, threads=threads), progress=False)


def tensors(model: Classifier, photos: Path, *, count: int) -> list[Tensor]:
    """The model's inputs, of the first photographs in order of their names."""
    metadata, preprocess, filled = model.metadata, model.new_preprocessor(), []
    for photo in sorted(photos.glob("*.jpg"))[:count]:
        crop = reference_crop(read_picture(photo), resize_size=metadata.resize_size, crop_size=metadata.input_size)
        filled.append(model.new_tensor())
        preprocess(crop, filled[-1])
    return filled


def logits(predictor: Predictor, inputs: Sequence[Tensor]) -> NDArray[np.float32]:
    """Of each input: float32, shape (count, n_classes)."""
    return np.stack([predictor.infer(tensor) for tensor in inputs])


def logits_at_once(model: Classifier, inputs: Sequence[Tensor]) -> NDArray[np.float32]:
    """The same of each of WORKERS, all of which compute at the same time, each on another input.

    float32, shape (WORKERS, count, n_classes).
    """
    news = threading.Event()
    found: dict[tuple[int, int], NDArray[np.float32]] = {}
    workers = Workers([model.new_predictor() for _ in range(WORKERS)], news)
    workers.start()
    for first in range(len(inputs)):
        for worker in range(WORKERS):
            place = (first + worker) % len(inputs)
            workers.begin(inputs[place], (worker, place))
        while len(found) < WORKERS * (first + 1):
            news.wait()
            news.clear()
            found |= {done.context: done.outputs for done in workers.finished()}
    workers.stop()
    return np.stack([[found[worker, place] for place in range(len(inputs))] for worker in range(WORKERS)])


def torchs_engine() -> str:
    """The engine of torch's quantised operators; empty where torch is not imported."""
    torch = sys.modules.get("torch")
    return str(torch.backends.quantized.engine) if torch else ""


def main() -> None:
    """See above."""
    runtime, (threads, count, shared) = cast(Runtime, sys.argv[1]), map(int, sys.argv[2:5])
    photos, out, *files = map(Path, sys.argv[5:])
    if runtime == "torchscript":
        importlib.import_module("torch")
    default = torchs_engine()
    models = [opened(file, runtime, threads=threads) for file in files]
    predictors = [model.new_predictor() for model in models]
    inputs = [tensors(model, photos, count=count) for model in models]
    found = [logits(predictor, of_it) for predictor, of_it in zip(predictors, inputs, strict=True)]
    tasks = len(list(Path("/proc/self/task").iterdir()))
    at_once = [logits_at_once(model, of_it[:shared]) for model, of_it in zip(models, inputs, strict=True)]
    np.savez(out, allow_pickle=False, logits=found, at_once=at_once)
    seen = {
        "machine": platform.machine(),
        "versions": dict(models[0].versions),
        "default_engine": default,
        "engine": torchs_engine(),
        "tasks": tasks,
    }
    print(json.dumps(seen))


if __name__ == "__main__":
    main()

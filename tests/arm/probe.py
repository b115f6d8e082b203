"""Runs on the emulated processor: classifies the first photographs with bundles and keeps every logit.

    python probe.py RUNTIME THREADS COUNT PHOTOS OUT.npz BUNDLE...

Prints one JSON object: what torch's engine was before and after a model was loaded, where torch is the runtime, and how
many threads the process has while models are loaded, the emulator's own among them.
"""

import importlib
import json
import platform
import sys
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from pi_classifier.config.schema import ModelSettings
from pi_classifier.contracts.model import Model, Predictor, Runtime
from pi_classifier.model import open_model
from pi_classifier.runtimes.reference_transform import reference_crop
from pi_classifier.sources.files.picture import read_picture


def opened(bundle: Path, runtime: Runtime, *, threads: int) -> Model:
    """The bundle's program for a runtime, loaded."""
    return open_model(ModelSettings(weights=str(bundle), runtime=runtime, threads=threads), progress=False)


def logits(model: Model, predictor: Predictor, photos: Path, *, count: int) -> NDArray[np.float32]:
    """Of the first photographs in order of their names: float32, shape (count, n_classes)."""
    metadata, tensor, preprocess = model.metadata, model.new_tensor(), model.new_preprocessor()
    rows = []
    for photo in sorted(photos.glob("*.jpg"))[:count]:
        crop = reference_crop(read_picture(photo), resize_size=metadata.resize_size, crop_size=metadata.input_size)
        preprocess(crop, tensor)
        rows.append(predictor.infer(tensor))
    return np.stack(rows)


def torchs_engine() -> str:
    """The engine of torch's quantised operators; empty where torch is not imported."""
    torch = sys.modules.get("torch")
    return str(torch.backends.quantized.engine) if torch else ""


def main() -> None:
    """See above."""
    runtime, threads, count = cast(Runtime, sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    photos, out, *files = map(Path, sys.argv[4:])
    if runtime == "torchscript":
        importlib.import_module("torch")
    default = torchs_engine()
    models = [opened(file, runtime, threads=threads) for file in files]
    predictors = [model.new_predictor() for model in models]
    found = {
        file.stem: logits(model, predictor, photos, count=count)
        for file, model, predictor in zip(files, models, predictors, strict=True)
    }
    np.savez(out, allow_pickle=False, **found)
    seen = {
        "machine": platform.machine(),
        "versions": dict(models[0].versions),
        "default_engine": default,
        "engine": torchs_engine(),
        "tasks": len(list(Path("/proc/self/task").iterdir())),
    }
    print(json.dumps(seen))


if __name__ == "__main__":
    main()

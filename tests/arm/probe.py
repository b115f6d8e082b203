"""Runs on the emulated processor: classifies the first photographs with prepared files and keeps every logit.

    python probe.py THREADS COUNT PHOTOS OUT.npz PREPARED...

Prints one JSON object: what torch's engine was before and after a model was loaded, and how many threads the process
has in the end, the emulator's own among them.
"""

import json
import platform
import sys
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from pi_classifier.offline.reference_transform import reference_crop
from pi_classifier.runtimes.bundle import read_bundle
from pi_classifier.runtimes.torchscript import TorchScriptModel
from pi_classifier.sources.files.picture import read_picture


def logits(prepared: Path, photos: Path, *, count: int, threads: int) -> NDArray[np.float32]:
    """Of the first photographs in order of their names: float32, shape (count, n_classes)."""
    model = TorchScriptModel(read_bundle(prepared), threads=threads, top_k=1)
    metadata, tensor = model.metadata, model.new_tensor()
    preprocess, predictor = model.new_preprocessor(), model.new_predictor()
    rows = []
    for photo in sorted(photos.glob("*.jpg"))[:count]:
        crop = reference_crop(read_picture(photo), resize_size=metadata.resize_size, crop_size=metadata.input_size)
        preprocess(crop, tensor)
        rows.append(predictor.infer(tensor))
    return np.stack(rows)


def main() -> None:
    """See above."""
    threads, count = map(int, sys.argv[1:3])
    photos, out, *files = map(Path, sys.argv[3:])
    default = torch.backends.quantized.engine
    np.savez(
        out, allow_pickle=False, **{file.stem: logits(file, photos, count=count, threads=threads) for file in files}
    )
    found = {
        "machine": platform.machine(),
        "torch": torch.__version__,
        "default_engine": default,
        "engine": torch.backends.quantized.engine,
        "tasks": len(list(Path("/proc/self/task").iterdir())),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()

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

from pi_classifier.model import Model
from pi_classifier.runtimes.preprocess import Preprocessor
from pi_classifier.sources.files import read_picture
from pi_classifier.offline.reference_transform import reference_crop


def logits(prepared: Path, photos: Path, *, count: int, threads: int) -> NDArray[np.float32]:
    """Of the first photographs in order of their names: float32, shape (count, n_classes)."""
    model = Model(prepared, threads=threads)
    card = model.card
    preprocess = Preprocessor(model.input_table, card.input_size)
    model_input = np.empty((card.input_size, card.input_size, 3), np.uint8)
    rows = []
    for photo in sorted(photos.glob("*.jpg"))[:count]:
        crop = reference_crop(read_picture(photo), resize_size=card.resize_size, crop_size=card.input_size)
        preprocess(crop, model_input)
        rows.append(model(model_input).copy())
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

"""Prepares models for `compare_models` and prints a line of JSON for each: what it is and where it lies.

CACHE_DIRECTORY=FOLDER python -m benchmarks.models.prepare_models default|untrained MODEL...

A process of its own, because torchvision and unquantised weights shall be in no memory that is measured.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import torch

from benchmarks.models.model_figures import Prepared
from benchmarks.shared.failure import errors_in_one_line
from pi_classifier.config.schema import ModelSettings
from pi_classifier.errors import WeightsUnavailable
from pi_classifier.model import open_model
from pi_classifier.prepare.store import ModelStore
from pi_classifier.prepare.torchvision_models import ARCHITECTURES

Weights = Literal["default", "untrained"]


def prepare_all(names: Sequence[str], weights: Weights) -> Iterator[Prepared]:
    """Each model with the weights that are wanted, or with random ones where they cannot be had.

    A network that failed once is not asked again: then only what lies in torch's hub folder is taken.
    """
    network = True
    for name in names:
        if weights == "untrained" or not (network or _is_here(name)):
            yield _prepared(name, "untrained")
            continue
        try:
            yield _prepared(name, "default")
        except WeightsUnavailable as error:
            remedy = "name a folder that holds it with --weights-dir"
            print(f"compare_models: random weights from here on: {error.problem}; {remedy}", file=sys.stderr)
            network = False
            yield _prepared(name, "untrained")


def _is_here(name: str) -> bool:
    """Whether the published file lies in torch's hub folder."""
    file: str = ARCHITECTURES[name].weights.url.rpartition("/")[2]
    return (Path(torch.hub.get_dir()) / "checkpoints" / file).exists()


def _prepared(name: str, weights: Weights) -> Prepared:
    """Prepared as `run` does it, found to work, and kept in the cache folder."""
    settings = ModelSettings.model_validate({"name": name, "weights": weights})
    # torch.hub announces a download on stdout, which is for our lines.
    with redirect_stdout(sys.stderr):
        metadata = open_model(settings, progress=False).metadata
    file = ModelStore.default().path_for(settings, metadata.activations)
    published = ARCHITECTURES[name].weights.meta
    return Prepared(
        model=name,
        file=str(file),
        file_mb=file.stat().st_size / 2**20,
        weights=metadata.weights,
        activations=metadata.activations,
        input_size=metadata.input_size,
        qnnpack_pretrained=published["backend"] == "qnnpack",
        torchvision_top1=published["_metrics"]["ImageNet-1K"]["acc@1"],
    )


def main() -> None:
    """Prepare what the command line names."""
    wanted: Weights = "untrained" if sys.argv[1] == "untrained" else "default"
    with errors_in_one_line("compare_models"):
        for prepared in prepare_all(sys.argv[2:], wanted):
            print(json.dumps(asdict(prepared)), flush=True)


if __name__ == "__main__":
    main()

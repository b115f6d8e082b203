"""Learns own classes as `train` does, once, and answers with the figures: for benchmarks/training.py alone."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.learning.case import OwnFigures, OwnOrder, cpu_seconds, peak_rss_mb
from benchmarks.shared.failure import errors_in_one_line
from pi_classifier.config.schema import ModelSettings
from pi_classifier.offline.progress import progress_bars
from pi_classifier.offline.train import EPOCHS, Wishes, fit_for, with_features
from pi_classifier.prepare.trunk import Trunk
from pi_classifier.runtimes.novelty import Features, cosines
from pi_classifier.sources.files.folder import find_files
from pi_classifier.training.dataset import read_dataset
from pi_classifier.training.features import extractor
from pi_classifier.training.split import split
from pi_classifier.training.train import Learnt
from pi_classifier.training.unknown import threshold

STRANGERS = 200
"""At most so many are looked at."""


def learn(order: OwnOrder) -> OwnFigures:
    """The whole of it."""
    trunk, dataset = Trunk(ModelSettings(weights=order.base), progress=False), read_dataset(Path(order.folder))
    wishes = Wishes(order.base, order.method, None, order.seed, False, ("torchscript",), "quint8")  # type: ignore[arg-type]
    began = cpu_seconds()
    with progress_bars(wanted=False) as progress:
        pictures = with_features(dataset, trunk, progress)
        parts = split(pictures.dataset.items, trunk.values(pictures.features), order.seed)
        fit = fit_for(trunk, pictures, parts, wishes, progress)
    extracted = cpu_seconds()
    for _ in fit.epochs(EPOCHS[wishes.method]):
        pass
    fitted = cpu_seconds()
    learnt = Learnt(trunk, pictures, parts, fit)
    accuracy = learnt.judgement.accuracy
    assert accuracy is not None  # noqa: S101 - a quarter judges
    centres, _ = learnt.unknown()
    assert centres is not None  # noqa: S101 - the same
    known = learnt.features[parts.judging]
    strangers = _features(trunk, Path(order.strangers)) if order.strangers else None
    return OwnFigures(
        correct=accuracy.correct,
        judged=accuracy.total,
        learnt=parts.learnt.tolist(),
        features_cpu=extracted - began,
        fit_cpu=fitted - extracted,
        rss_mb=peak_rss_mb(),
        refused=refused(centres, known),
        auroc=None if strangers is None else auroc(cosines(centres, known), cosines(centres, strangers)),
    )


def refused(centres: Features, known: Features) -> float:
    """The share that is called unknown by a threshold that the other half chose; both halves judge in turn."""
    halves = known[::2], known[1::2]
    flags = [cosines(centres, one) <= threshold(centres, other) for one, other in (halves, halves[::-1])]
    return float(np.concatenate(flags).mean())


def auroc(known: NDArray[np.float64], strange: NDArray[np.float64]) -> float:
    """The probability that a known one has the larger cosine of a pair (Mann and Whitney's U); half of ties counts."""
    above = (known[:, None] > strange[None]).mean()
    return float(above + (known[:, None] == strange[None]).mean() / 2)


def _features(trunk: Trunk, folder: Path) -> Features:
    extract = extractor(trunk)
    return np.stack([extract(found.path) for found in find_files(folder)[:STRANGERS]])


if __name__ == "__main__":
    with errors_in_one_line("training"):
        print(json.dumps(asdict(learn(OwnOrder(*json.loads(sys.argv[1]))))))

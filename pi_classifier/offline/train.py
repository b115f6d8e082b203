"""`train`: a folder of pictures to a bundle of own classes, with what it is worth."""

import contextlib
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from rich.progress import Progress

from pi_classifier.config.schema import ModelSettings
from pi_classifier.contracts.model import Runtime
from pi_classifier.errors import one_line
from pi_classifier.offline.progress import progress_bars
from pi_classifier.offline.to_learn import warn
from pi_classifier.prepare.store import write_bundle
from pi_classifier.prepare.trunk import Trunk
from pi_classifier.training import finetuning, head, views
from pi_classifier.training.dataset import Dataset
from pi_classifier.training.features import Extract, FeatureCache, base_digest, extracted, extractor
from pi_classifier.training.finetune_fit import FinetuneFit
from pi_classifier.training.fit import Fit
from pi_classifier.training.head_fit import HeadFit
from pi_classifier.training.pictures import Pictures, gathered
from pi_classifier.training.split import Split, split, twins_across
from pi_classifier.training.train import Judgement, Learnt
from pi_classifier.training.views import view_extractor, views_digest

Method = Literal["head", "finetune"]
EPOCHS: dict[Method, int] = {"head": head.EPOCHS, "finetune": finetuning.EPOCHS}
SHOWN = 10
"""Of files and the like that are listed by name."""


class Wishes(NamedTuple):
    """What the user asks of a training."""

    base: str
    """`default`, or the path of a state dict."""
    method: Method
    epochs: int | None
    """None for what the method takes best."""
    seed: int
    resume: bool
    runtimes: Collection[Runtime]
    activations: str


def train(dataset: Dataset, output: Path, wishes: Wishes) -> None:
    """Learn the classes of a dataset, write the bundle, and print what it is worth.

    An interruption ends the learning, not the command: what was learnt so far is written.

    Raises:
        DatasetError: a class has no picture that can be read.
        ModelError, WeightsUnavailable: there is nothing to build on.
        CannotWrite: the bundle, features or a checkpoint cannot be written.
    """
    trunk = Trunk(ModelSettings(weights=wishes.base), progress=sys.stderr.isatty())
    with progress_bars(wanted=sys.stderr.isatty()) as progress:
        pictures = with_features(dataset, trunk, progress)
        values = trunk.values(pictures.features)
        parts = split(pictures.dataset.items, values, wishes.seed)
        twins = twins_across(values, parts)
        fit = fit_for(trunk, pictures, parts, wishes, progress)
        _learn(fit, wishes, progress)
    learnt = Learnt(trunk, pictures, parts, fit)
    bundle = learnt.to_bundle(output.name, seed=wishes.seed, runtimes=wishes.runtimes, activations=wishes.activations)
    write_bundle(output, bundle)
    warn(_doubts(pictures, parts, twins))
    _print_results(output, pictures, parts, learnt.judgement)


def with_features(dataset: Dataset, trunk: Trunk, progress: Progress) -> Pictures:
    """The dataset's pictures, with features that are known or computed; an interruption loses none.

    Raises:
        CannotWrite: they cannot be kept.
        DatasetError: a class has no picture that can be read.
    """
    with FeatureCache(dataset.folder, base_digest(trunk.metadata), trunk.size) as cache:
        return _gathered(dataset, cache, extractor(trunk), "features", progress)


def _gathered(dataset: Dataset, cache: FeatureCache, extract: Extract, what: str, progress: Progress) -> Pictures:
    """Of each picture what is extracted of it; `what` that is."""
    paths = [item.path for item in dataset.items]
    try:
        extractions = progress.track(extracted(paths, cache, extract), total=len(paths), description=what)
        return gathered(dataset, extractions)
    except KeyboardInterrupt:
        print(f"stopped; the {what} of {len(cache)} pictures are kept", file=sys.stderr)
        raise


def fit_for(trunk: Trunk, pictures: Pictures, parts: Split, wishes: Wishes, progress: Progress) -> Fit:
    """Of the method that the user asks for.

    Raises:
        CannotWrite: the views cannot be kept.
    """
    if wishes.method == "head":
        return HeadFit(trunk, pictures, parts, seed=wishes.seed)
    with FeatureCache(pictures.dataset.folder, views_digest(trunk.metadata), views.SIZE, kind="views") as cache:
        seen = _gathered(pictures.dataset, cache, view_extractor(trunk), "views", progress).features
    return FinetuneFit(trunk, pictures, seen, parts, base=wishes.base, seed=wishes.seed)


def _learn(fit: Fit, wishes: Wishes, progress: Progress) -> None:
    """To the end, or to where the user stops it."""
    epochs = wishes.epochs or EPOCHS[wishes.method]
    if wishes.resume:
        print(f"resumed after epoch {fit.epoch}" if fit.resume() else "nothing to resume: no such training was stopped")
    task = progress.add_task("learning", total=epochs, completed=fit.epoch)
    told = fit.epochs(epochs)
    try:
        with contextlib.closing(told):
            for so_far in told:
                # The last one stays where an epoch is too short to be judged.
                told_so_far = (
                    f"learning, loss {so_far.loss:.3f}, accuracy {so_far.accuracy.share:.1%}"
                    if so_far.accuracy
                    else None
                )
                progress.update(task, completed=so_far.epoch, description=told_so_far)
    except KeyboardInterrupt:
        print(f"stopped after epoch {fit.epoch} of {epochs}; --resume goes on from there", file=sys.stderr)


def _doubts(pictures: Pictures, parts: Split, twins: Sequence[tuple[int, int]]) -> list[str]:
    """Why the accuracy may be less than it seems."""
    doubts = []
    if parts.alone:
        names = ", ".join(pictures.dataset.classes[class_id] for class_id in parts.alone)
        doubts.append(f"one session only, or nearly one picture: {names}; accuracy is optimistic")
    if twins:
        items = pictures.dataset.items
        first, second = (items[index].path.relative_to(pictures.dataset.folder) for index in twins[0])
        doubts.append(
            f"{len(twins)} of the pictures that judge are nearly the same as one that was learnt: accuracy is "
            f"optimistic ({first} is like {second})"
        )
    if not len(parts.judging):
        doubts.append("no picture was left to judge by: add more")
    return doubts


def _print_results(output: Path, pictures: Pictures, parts: Split, judgement: Judgement) -> None:
    counts, classes = pictures.dataset.counts(), pictures.dataset.classes
    width = max(map(len, classes))
    for name, recall in zip(classes, judgement.classes, strict=True):
        right = f"{recall.correct} of {recall.total} right" if recall else "not judged"
        print(f"{name:<{width}}  {counts[name]:>5} pictures, {right}")
    for problem in pictures.skipped[:SHOWN]:
        print(f"skipped {one_line(problem.problem)}")
    if len(pictures.skipped) > SHOWN:
        print(f"skipped {len(pictures.skipped) - SHOWN} more")
    print(f"learnt from {len(parts.learnt)} pictures; accuracy: {judgement.accuracy or 'not known'}")
    print(
        f"{one_line(str(output))}: {output.stat().st_size / 1e6:.1f} MB; run it: pi-classifier run --weights {output}"
    )

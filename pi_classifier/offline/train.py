"""`train`: a folder of pictures to a bundle of own classes, with what it is worth."""

import contextlib
import sys
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from rich.progress import Progress

from pi_classifier.config.schema import ModelSettings, Settings
from pi_classifier.contracts.model import Runtime
from pi_classifier.errors import CannotWrite, one_line
from pi_classifier.offline.progress import progress_bars
from pi_classifier.prepare.store import write_bundle
from pi_classifier.prepare.trunk import Trunk
from pi_classifier.runtimes.bundle import is_bundle
from pi_classifier.training.dataset import Dataset, few, read_dataset
from pi_classifier.training.features import Extraction, FeatureCache, base_digest, extracted, extractor
from pi_classifier.training.head import State
from pi_classifier.training.pictures import Pictures, gathered
from pi_classifier.training.split import twins_across
from pi_classifier.training.train import HeadTraining, Judgement

SHOWN = 10
"""Of files and the like that are listed by name."""


class Wishes(NamedTuple):
    """What the user asks of a training."""

    base: str
    """`default`, or the path of a state dict."""
    epochs: int
    seed: int
    resume: bool
    runtimes: Collection[Runtime]
    activations: str


def train(folder: Path, output: Path, wishes: Wishes, settings: Settings) -> None:
    """Learn the classes of a folder, write the bundle, and print what it is worth.

    An interruption ends the learning, not the command: what was learnt so far is written.

    Raises:
        DatasetError: the folder is no dataset.
        ModelError, WeightsUnavailable: there is nothing to build on.
        CannotWrite: the bundle, features or a checkpoint cannot be written.
    """
    # First what needs no model.
    dataset = read_dataset(folder)
    check_output(output)
    _warn([*few(dataset), *_missing_labels(dataset, output, settings)])
    trunk = Trunk(ModelSettings(weights=wishes.base), progress=sys.stderr.isatty())
    with progress_bars(wanted=sys.stderr.isatty()) as progress:
        pictures = with_features(dataset, trunk, progress)
        training = HeadTraining(trunk, pictures, wishes.seed)
        state = _learnt(training, wishes, progress)
    judgement = training.judged(state)
    bundle = training.to_bundle(output.name, state, judgement, runtimes=wishes.runtimes, activations=wishes.activations)
    write_bundle(output, bundle)
    _warn(_doubts(training, trunk, pictures, judgement))
    _print_results(output, training, pictures, judgement)


def check_output(output: Path) -> None:
    """Before hours are spent: whether a bundle can be written there. Raises CannotWrite."""
    if not output.parent.is_dir():
        raise CannotWrite(f"{output}: there is no folder {output.parent}", remedy="make it, or name another file")
    try:
        taken = output.exists() and not is_bundle(output)
    except OSError as error:
        raise CannotWrite(f"{output}: {error.strerror}", remedy="name another file") from None
    if taken:
        raise CannotWrite(f"{output}: is there and no bundle", remedy="name another file")


def with_features(dataset: Dataset, trunk: Trunk, progress: Progress) -> Pictures:
    """The dataset's pictures, with features that are known or computed; an interruption loses none.

    Raises:
        CannotWrite: they cannot be kept.
        DatasetError: a class has no picture that can be read.
    """
    paths = [item.path for item in dataset.items]
    with FeatureCache(dataset.folder, base_digest(trunk.metadata), trunk.size) as cache:
        try:
            return gathered(dataset, _tracked(extracted(paths, cache, extractor(trunk)), len(paths), progress))
        except KeyboardInterrupt:
            print(f"stopped; the features of {len(cache)} pictures are kept", file=sys.stderr)
            raise


def _tracked(extractions: Iterable[Extraction], count: int, progress: Progress) -> Iterator[Extraction]:
    return iter(progress.track(extractions, total=count, description="features"))


def _learnt(training: HeadTraining, wishes: Wishes, progress: Progress) -> State:
    """The state at the end, or where the user stopped it."""
    state = training.start
    if wishes.resume:
        found = training.resumed()
        state = found or state
        print(f"resumed after epoch {found.epoch}" if found else "nothing to resume: no such training was stopped")
    task = progress.add_task("learning", total=wishes.epochs, completed=state.epoch)
    states = training.states(state, wishes.epochs)
    try:
        with contextlib.closing(states):
            for state in states:
                progress.update(task, completed=state.epoch, description=_so_far(training, state))
    except KeyboardInterrupt:
        print(f"stopped after epoch {state.epoch} of {wishes.epochs}; --resume goes on from there", file=sys.stderr)
    return state


def _so_far(training: HeadTraining, state: State) -> str | None:
    """The line of the bar, now and then: to judge takes as long as an epoch."""
    if state.epoch % SHOWN:
        return None
    accuracy = training.accuracy(state)
    return f"learning, loss {state.best_loss:.3f}" + (f", accuracy {accuracy.share:.1%}" if accuracy else "")


def _missing_labels(dataset: Dataset, output: Path, settings: Settings) -> list[str]:
    """Where the configuration runs this very bundle: the labels in it that will be no class any more."""
    if Path(settings.model.weights).absolute() != output.absolute():
        return []
    named = {label for watch in settings.watch for label in watch.labels} | set(settings.metrics.labels)
    return [f"the configuration names {label!r}, which is no class" for label in sorted(named - set(dataset.classes))]


def _doubts(training: HeadTraining, trunk: Trunk, pictures: Pictures, judgement: Judgement) -> list[str]:
    """Why the accuracy may be less than it seems."""
    doubts = []
    if training.split.alone:
        names = ", ".join(pictures.dataset.classes[class_id] for class_id in training.split.alone)
        doubts.append(f"one session only, or nearly one picture: {names}; accuracy is optimistic")
    if twins := twins_across(trunk.values(pictures.features), training.split):
        items = pictures.dataset.items
        first, second = (items[index].path.relative_to(pictures.dataset.folder) for index in twins[0])
        doubts.append(
            f"{len(twins)} of the pictures that judge are nearly the same as one that was learnt: accuracy is "
            f"optimistic ({first} is like {second})"
        )
    if not judgement.accuracy:
        doubts.append("no picture was left to judge by: add more")
    return doubts


def _warn(lines: Iterable[str]) -> None:
    for line in lines:
        print(f"pi-classifier: warning: {one_line(line)}", file=sys.stderr)


def _print_results(output: Path, training: HeadTraining, pictures: Pictures, judgement: Judgement) -> None:
    counts, classes = pictures.dataset.counts(), pictures.dataset.classes
    width = max(map(len, classes))
    for name, recall in zip(classes, judgement.classes, strict=True):
        right = f"{recall.correct} of {recall.total} right" if recall else "not judged"
        print(f"{name:<{width}}  {counts[name]:>5} pictures, {right}")
    for problem in pictures.skipped[:SHOWN]:
        print(f"skipped {one_line(problem.problem)}")
    if len(pictures.skipped) > SHOWN:
        print(f"skipped {len(pictures.skipped) - SHOWN} more")
    print(f"learnt from {len(training.split.learnt)} pictures; accuracy: {judgement.accuracy or 'not known'}")
    print(
        f"{one_line(str(output))}: {output.stat().st_size / 1e6:.1f} MB; run it: pi-classifier run --weights {output}"
    )

"""What `train` is to learn, looked at before torch is imported: that takes seconds, and a mistake is told at once."""

import sys
from collections.abc import Iterable
from pathlib import Path

from pi_classifier.config.schema import Settings
from pi_classifier.errors import one_line
from pi_classifier.offline.target import check_target
from pi_classifier.runtimes.bundle import is_bundle
from pi_classifier.training.dataset import Dataset, few, read_dataset


def dataset_to_learn(folder: Path, output: Path, settings: Settings) -> Dataset:
    """The folder's pictures and classes; prints what is doubtful about them.

    Raises:
        DatasetError: the folder is no dataset.
        CannotWrite: there can be no bundle at `output`.
    """
    dataset = read_dataset(folder)
    check_target(output, "no bundle", is_bundle)
    warn([*few(dataset), *_missing_labels(dataset, output, settings)])
    return dataset


def warn(lines: Iterable[str]) -> None:
    """A line of warning each."""
    for line in lines:
        print(f"pi-classifier: warning: {one_line(line)}", file=sys.stderr)


def _missing_labels(dataset: Dataset, output: Path, settings: Settings) -> list[str]:
    """Where the configuration runs this very bundle: the labels in it that will be no class any more."""
    if Path(settings.model.weights).absolute() != output.absolute():
        return []
    named = {label for watch in settings.watch for label in watch.labels} | set(settings.metrics.labels)
    return [f"the configuration names {label!r}, which is no class" for label in sorted(named - set(dataset.classes))]

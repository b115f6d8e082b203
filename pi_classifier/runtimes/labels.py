"""Labels: of a model from elsewhere, from a file or as the exporter wrote them down; and those that a user names."""

import ast
import warnings
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from pi_classifier.errors import ConfigError
from pi_classifier.runtimes.given_file import read_limited

LARGEST = 4 << 20
"""Bytes of a labels file, or of the names in a model's metadata. ImageNet's take 11 kB."""
LONGEST = 200
"""Characters of a label."""
BACKGROUNDS = frozenset({"background", "__background__", "bg", "n/a", "???", "unlabeled", "unlabelled"})
"""What labels files call the class that is none, in small letters."""
REMEDY = "write one label on each line, in the order of the model's outputs"


def read_labels(path: Path) -> tuple[str, ...]:
    """The labels of a file: UTF-8, one on each line, in the order of the model's outputs.

    Raises:
        ConfigError: unreadable, no text, or a line that is no label.
    """
    try:
        content = read_limited(path, LARGEST)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}", remedy="name a labels file with --labels") from None
    return labels_of(str(path), content)


def labels_of(name: str, content: bytes) -> tuple[str, ...]:
    """The labels in what a labels file holds. `name`: what errors call it. Raises ConfigError as `read_labels`."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{name}: no text in UTF-8", remedy=REMEDY) from None
    labels = tuple(line.strip() for line in text.rstrip().split("\n"))
    for number, label in enumerate(labels, 1):
        if not _is_label(label):
            raise ConfigError(f"{name}: line {number} is no label ({label[:40]!r})", remedy=REMEDY)
    return labels


def without_background(labels: tuple[str, ...]) -> tuple[str, ...]:
    """The labels of a detector's classes, without what some files begin with: the class that is none."""
    return labels[1:] if labels[0].lower() in BACKGROUNDS else labels


def names_in(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """The labels in a model's metadata, as Ultralytics writes them: `names`, a dict by class id or a list, in Python.

    Nothing of it is run. None where there are none, or they cannot be read.
    """
    text = metadata.get("names", "")
    if len(text) > LARGEST:
        return ()
    try:
        with warnings.catch_warnings():  # of a backslash, which it is no place to complain about
            warnings.simplefilter("ignore")
            names = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return ()
    if isinstance(names, dict):
        if set(names) != set(range(len(names))):
            return ()
        names = [names[class_id] for class_id in range(len(names))]
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) and _is_label(name) for name in names):
        return ()
    return tuple(names)


def _is_label(text: str) -> bool:
    return 0 < len(text) <= LONGEST and text.isprintable()


def class_id_of(label: str, categories: Sequence[str], place: str) -> int:
    """Raises ConfigError with the nearest class if there is none of this label; `place`: where it was given."""
    if label not in categories:
        near = get_close_matches(label, categories, n=1, cutoff=0.0)[0]
        raise ConfigError(f"{place}: the model has no class {label!r}", remedy=f"did you mean {near!r}?")
    return categories.index(label)

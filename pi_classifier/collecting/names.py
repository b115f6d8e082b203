"""The names of own classes: what a folder may be called that becomes a label."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path

from pi_classifier.errors import DatasetError
from pi_classifier.runtimes.novelty import UNKNOWN

LONGEST = 200
"""Characters."""


def class_name(text: str, place: Path) -> str:
    """A folder's name, or a line of labels.txt, as a label: in Unicode's normal form C, as keyboards write it.

    macOS stores names in another form, in which an equal-looking label would not be found.

    Args:
        text: the name.
        place: the folder or file that it stands in, for the error.

    Raises:
        DatasetError: it cannot be a label.
    """
    name = unicodedata.normalize("NFC", text)
    if problem := _problem(name):
        raise DatasetError(f"{place}: {name[:LONGEST]!r} cannot be a class: {problem}", remedy="rename it")
    return name


def _problem(name: str) -> str:
    """In words; empty where there is none."""
    if name.casefold() == UNKNOWN:
        return f"'{UNKNOWN}' stands for what is none of the classes"
    if not name.strip() or name != name.strip():
        return "it is empty, or begins or ends with a space"
    if name.startswith("."):
        return "it begins with a dot"
    if "/" in name:
        return "it has a slash in it"
    if not name.isprintable():
        return "it has characters in it that cannot be printed"
    return "" if len(name) <= LONGEST else f"it is longer than {LONGEST} characters"


def names_in(labels: Path) -> tuple[str, ...]:
    """The classes in a labels.txt, a line each, in its order; empty lines are passed over.

    Raises:
        DatasetError: it cannot be read, or a name in it cannot be a label or stands there twice.
    """
    try:
        lines = labels.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "no text in UTF-8"
        raise DatasetError(f"{labels}: cannot be read ({reason})", remedy="write a class's name a line") from None
    names = tuple(class_name(line.strip(), labels) for line in lines if line.strip())
    check_distinct(names, labels)
    return names


def check_distinct(names: Sequence[str], place: Path) -> None:
    """Raises DatasetError where a name is there twice."""
    for name in names:
        if names.count(name) > 1:
            raise DatasetError(f"{place}: two classes are called {name!r}", remedy="rename one, or put them together")

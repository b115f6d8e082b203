"""Whether the pictures that the page takes are enough to learn from."""

import shlex
from pathlib import Path

from pi_classifier.collecting.folder import FEW, counts
from pi_classifier.config.schema import WebSettings
from pi_classifier.doctor.finding import Finding, State
from pi_classifier.errors import DatasetError

NAME = "own classes"


def own_classes(settings: WebSettings) -> list[Finding]:
    """What is in the folder that the page collects into, and what comes next; nothing where it collects none."""
    if not settings.collect:
        return []
    folder = Path(settings.collect)
    try:
        found = counts(folder)
    except DatasetError as error:
        return [Finding(NAME, State.PROBLEM, error.problem, error.remedy)]
    seen = f"{folder}: {len(found)} {'class' if len(found) == 1 else 'classes'}, {sum(found.values())} pictures"
    few = [name for name, count in found.items() if count < FEW]
    if len(found) < 2 or few:
        remedy = f"take pictures at /collect: at least two classes, and {FEW} pictures of each"
        return [Finding(NAME, State.WARNING, seen + (f", few of {', '.join(few[:5])}" if few else ""), remedy)]
    return [Finding(NAME, State.OK, f"{seen}; 'pi-classifier train {shlex.quote(str(folder))}' learns them")]

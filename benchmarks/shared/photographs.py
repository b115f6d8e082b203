"""The photographs that programs show to models."""

import csv
from dataclasses import dataclass
from pathlib import Path

SIZE = 224
"""Height and width, in pixels, that MobileNetV2 takes, and most others."""

LABELS = "labels.csv"
"""Beside photographs, with the columns `file` and `class_index`."""


@dataclass(frozen=True, slots=True)
class Photograph:
    """A file, and what it shows."""

    file: Path
    class_id: int


def labelled_photographs(folder: Path, limit: int | None = None) -> list[Photograph]:
    """The photographs that a folder's labels.csv names; the first `limit` of them."""
    with (folder / LABELS).open(newline="", encoding="utf-8") as labels:
        rows = list(csv.DictReader(labels))[:limit]
    return [Photograph(folder / row["file"], int(row["class_index"])) for row in rows]

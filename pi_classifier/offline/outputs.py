"""What `--output` gives: for each input a copy of its kind, with what is seen drawn on it."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from pi_classifier.offline.copies import (
    Draw,
    Overlay,
    Seen,
    annotated_pages,
    annotated_picture,
    annotated_video,
    copy_names,
)
from pi_classifier.offline.inputs import Item
from pi_classifier.offline.walk import Copy
from pi_classifier.sources.files.opening import FileSource
from pi_classifier.sources.files.picture import Picture
from pi_classifier.sources.files.several import Pages

ASSUMED_FPS = 25.0
"""Of the copy of a video that does not state its rate."""


def copies_of(
    items: Sequence[Item], output: Path | None, new_overlay: Callable[[], Overlay[Seen]], *, overwrite: bool
) -> list[Copy[Seen] | None]:
    """The copies, of which nothing is written yet.

    Args:
        items: the inputs.
        output: the folder for the copies; None: there shall be none.
        new_overlay: makes what draws on all of them, whose fonts serve them all.
        overwrite: whether a copy may replace a file that is no input.

    Returns:
        One an input, or None for one that has none.

    Raises:
        CannotWrite: there is no such folder and it cannot be made, or a name is taken, or there are no fonts.
    """
    if output is None:
        return [None] * len(items)
    overlay = new_overlay()
    names = iter(copy_names([item.path for item in items if not item.problem], output, overwrite=overwrite))
    return [None if item.problem else partial(_copy, name=next(names), overlay=overlay) for item in items]


def _copy(source: FileSource, name: Path, overlay: Overlay[Seen]) -> AbstractContextManager[Draw[Seen]]:
    if isinstance(source, Picture):
        return annotated_picture(name, overlay)
    if isinstance(source, Pages):
        return annotated_pages(name, overlay)
    return annotated_video(name, source.pace_fps or ASSUMED_FPS, overlay)

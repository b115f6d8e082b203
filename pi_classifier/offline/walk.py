"""Every frame of every input past a model, one after another, with what it says printed."""

import contextlib
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from rich.markup import escape
from rich.progress import Progress

from pi_classifier.contracts.frame import Frame, Pixels
from pi_classifier.errors import InputError, one_line
from pi_classifier.offline.inputs import Item
from pi_classifier.offline.progress import progress_bars
from pi_classifier.sources.files.opening import FileSource, open_file
from pi_classifier.sources.files.picture import Picture

Seen = TypeVar("Seen")
"""What a model says of a frame."""
Said_contra = TypeVar("Said_contra", contravariant=True)
Saying_co = TypeVar("Saying_co", covariant=True)
Copy = Callable[[FileSource], AbstractContextManager[Callable[[Pixels, Seen], None]]]
"""Begins the copy of an input that has been opened; what it gives writes one frame."""


class Look(Protocol[Saying_co]):
    """A model, one frame after another on one thread."""

    def __call__(self, pixels: Pixels, *, still: bool) -> Saying_co:
        """What is in BGR pixels; `still`: whether they are a picture, and not a video's."""


class Report(Protocol[Said_contra]):
    """Where results are printed."""

    def seen(self, name: str, number: int, seen: Said_contra, /) -> None:
        """Print what was seen in frame `number` of the input `name`."""

    def failed(self, name: str, error: InputError) -> None:
        """Print that an input could not be read, or not to its end."""


def look_at_all(
    items: Sequence[Item], look: Look[Seen], report: Report[Seen], copies: Sequence[Copy[Seen] | None]
) -> bool:
    """Whether all could be read to their ends."""
    good = True
    # Not where the results themselves show on the terminal that everything goes on.
    with progress_bars(wanted=sys.stderr.isatty() and not sys.stdout.isatty()) as progress:
        files = progress.add_task("files", total=len(items))
        for item, copy in zip(items, copies, strict=True):
            progress.update(files, description=escape(one_line(item.name)))
            try:
                _look_at(item, look, report, copy, progress)
            except InputError as error:
                report.failed(item.name, error)
                good = False
            progress.advance(files)
    return good


def _look_at(item: Item, look: Look[Seen], report: Report[Seen], copy: Copy[Seen] | None, progress: Progress) -> None:
    """Every frame of one input; what was printed before an InputError stays valid."""
    if item.problem:
        raise item.problem
    source = open_file(item.name, item.path, fps=1)
    frames: Iterable[Frame] = source.frames()
    with contextlib.ExitStack() as stack:
        draw = stack.enter_context(copy(source)) if copy else None
        if not isinstance(source, Picture):
            task = progress.add_task("frames", total=source.estimated_count or None)
            stack.callback(progress.remove_task, task)
            frames = progress.track(frames, task_id=task)
            # Before the task is removed: a thread of the generator's updates it.
            stack.callback(frames.close)  # type: ignore[attr-defined]
        for frame in frames:
            seen = look(frame.pixels, still=source.still)
            report.seen(item.name, frame.sequence, seen)
            if draw:
                draw(frame.pixels, seen)

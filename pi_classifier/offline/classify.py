"""`classify`: every frame of files, one after another, as a table or as lines of JSON."""

import contextlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from rich.markup import escape
from rich.progress import Progress

from pi_classifier.config.schema import Settings
from pi_classifier.contracts.frame import Frame, Pixels
from pi_classifier.contracts.model import Model
from pi_classifier.contracts.prediction import Score
from pi_classifier.errors import CannotWrite, InputError, one_line
from pi_classifier.model import open_model
from pi_classifier.offline.copies import Draw, annotated_pages, annotated_picture, annotated_video, copy_names
from pi_classifier.offline.progress import progress_bars
from pi_classifier.runtimes.reference_transform import reference_crop
from pi_classifier.sinks.overlay import Overlay
from pi_classifier.sources.files.folder import find_files
from pi_classifier.sources.files.opening import FileSource, open_file, path_problem
from pi_classifier.sources.files.picture import Picture
from pi_classifier.sources.files.several import Pages

STDIN = "-"
ASSUMED_FPS = 25.0
"""Of the copy of a video that does not state its rate."""
Scores = tuple[Score, ...]
Copy = Callable[[FileSource], AbstractContextManager[Draw]]
"""Begins the copy of an input that has been opened."""


@dataclass(frozen=True, slots=True)
class Item:
    """One file to classify."""

    name: str
    """As the user gave or would find it."""
    path: Path
    problem: InputError | None = None
    """Why there is nothing to open."""


class Report(Protocol):
    """Where results are printed."""

    def seen(self, name: str, number: int, scores: Scores) -> None:
        """Print what was seen in frame `number` of the input `name`."""

    def failed(self, name: str, error: InputError) -> None:
        """Print that an input could not be read, or not to its end."""


def classify(
    inputs: Sequence[str], settings: Settings, *, json_lines: bool, output: Path | None, overwrite: bool = False
) -> bool:
    """Classify every frame of every input and print what is seen.

    Args:
        inputs: paths of pictures, videos and folders; `-` is one picture or video on stdin.
        settings: which model, and how many classes to name.
        json_lines: one JSON object a line instead of a table for people.
        output: a folder for copies with the labels drawn on them.
        overwrite: whether a copy may replace a file that was there before; an input it never replaces.

    Returns:
        False if any input could not be read, or not to its end; it is reported, and the others are still done.

    Raises:
        PiClassifierError: no model, or nowhere to write.
    """
    with _on_disk(inputs) as named:
        items = [item for name in named for item in _items(name, named[name])]
        # First what needs no model: a wrong path, a name that is taken.
        copies = _copies(items, output, overwrite=overwrite)
        problems = [(item.name, item.problem) for item in items if item.problem]
        if len(problems) == len(items):
            report = _report(items, json_lines=json_lines, untrained=False)
            for name, problem in problems:
                report.failed(name, problem)
            return False
        model = open_model(settings.model, progress=sys.stderr.isatty())
        report = _report(items, json_lines=json_lines, untrained=model.metadata.untrained)
        return _classify_all(items, _Classifier(model), report, copies)


def _report(items: Sequence[Item], *, json_lines: bool, untrained: bool) -> Report:
    return JsonReport(untrained=untrained) if json_lines else _TableReport(items, untrained=untrained)


def _copies(items: Sequence[Item], output: Path | None, *, overwrite: bool) -> list[Copy | None]:
    """One an item, or None for one that has none. The fonts of one overlay serve them all."""
    if output is None:
        return [None] * len(items)
    overlay = Overlay()
    names = iter(copy_names([item.path for item in items if not item.problem], output, overwrite=overwrite))
    return [None if item.problem else partial(_copy, name=next(names), overlay=overlay) for item in items]


def _classify_all(
    items: Sequence[Item], classifier: "_Classifier", report: Report, copies: Sequence[Copy | None]
) -> bool:
    """Whether all could be read to their ends."""
    good = True
    # Not where the results themselves show on the terminal that everything goes on.
    with progress_bars(wanted=sys.stderr.isatty() and not sys.stdout.isatty()) as progress:
        files = progress.add_task("files", total=len(items))
        for item, copy in zip(items, copies, strict=True):
            progress.update(files, description=escape(one_line(item.name)))
            try:
                _classify_one(item, classifier, report, copy, progress)
            except InputError as error:
                report.failed(item.name, error)
                good = False
            progress.advance(files)
    return good


def _classify_one(item: Item, classifier: "_Classifier", report: Report, copy: Copy | None, progress: Progress) -> None:
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
            scores = classifier(frame.pixels, still=source.still)
            report.seen(item.name, frame.sequence, scores)
            if draw:
                draw(frame.pixels, scores)


def _copy(source: FileSource, name: Path, overlay: Overlay) -> AbstractContextManager[Draw]:
    if isinstance(source, Picture):
        return annotated_picture(name, overlay)
    if isinstance(source, Pages):
        return annotated_pages(name, overlay)
    return annotated_video(name, source.pace_fps or ASSUMED_FPS, overlay)


class _Classifier:
    """Pixels in, named classes out, one frame after another on one thread."""

    def __init__(self, model: Model) -> None:
        self._metadata = model.metadata
        self._preprocess = model.new_preprocessor()
        self._predictor = model.new_predictor()
        self._tensor = model.new_tensor()

    def __call__(self, pixels: Pixels, *, still: bool) -> Scores:
        if still:
            size = self._metadata.input_size
            pixels = reference_crop(pixels, resize_size=self._metadata.resize_size, crop_size=size)
        self._preprocess(pixels, self._tensor)
        return self._predictor.decode(self._predictor.infer(self._tensor)).scores


def _items(name: str, path: Path) -> list[Item]:
    """A folder becomes its files, and whatever in it should be one."""
    if problem := path_problem(path):
        return [Item(name, path, InputError(f"{name}: {problem}", remedy="name a picture, video or folder"))]
    if path.is_dir():
        try:
            return [Item(str(found.path), found.path, found.problem) for found in find_files(path)]
        except InputError as error:
            return [Item(name, path, error)]
    return [Item(name, path)]


@contextmanager
def _on_disk(inputs: Sequence[str]) -> Iterator[dict[str, Path]]:
    """Where each input lies; what comes on stdin is put into a temporary file, for videos are read at random."""
    if STDIN not in inputs:
        yield {name: Path(name) for name in inputs}
        return
    with tempfile.TemporaryDirectory(prefix="pi-classifier-") as folder:
        stdin = Path(folder) / "stdin"
        try:
            with stdin.open("wb") as file:
                while chunk := sys.stdin.buffer.read(1 << 20):
                    file.write(chunk)
        except OSError as error:
            raise CannotWrite(
                f"{folder}: what comes on stdin cannot be put there ({error.strerror})",
                remedy="make room there, or set TMPDIR",
            ) from None
        yield {name: stdin if name == STDIN else Path(name) for name in inputs}


class _TableReport:
    def __init__(self, items: Sequence[Item], *, untrained: bool) -> None:
        self._width = max((len(one_line(item.name)) for item in items), default=0)
        if untrained:
            print("UNTRAINED weights, labels mean nothing", file=sys.stderr)
        print(f"{'INPUT':<{self._width}}  FRAME  PREDICTIONS")

    def seen(self, name: str, number: int, scores: Scores) -> None:
        best = ", ".join(f"{score.probability:.1%} {score.label}" for score in scores)
        print(f"{one_line(name):<{self._width}}  {number:>5}  {best}")

    def failed(self, name: str, error: InputError) -> None:
        print(f"{one_line(name):<{self._width}}  error", flush=True)
        print(f"pi-classifier: {error}", file=sys.stderr)


class JsonReport:
    """One JSON object a line on stdout. A `Report`."""

    def __init__(self, *, untrained: bool) -> None:
        """`untrained`: whether every line shall say that the labels mean nothing."""
        self._mark = {"weights": "untrained"} if untrained else {}

    def seen(self, name: str, number: int, scores: Scores) -> None:
        """Print one frame."""
        self._print({"input": name, "frame": number, "predictions": [score._asdict() for score in scores]})

    def failed(self, name: str, error: InputError) -> None:
        """Print why an input could not be read, or not to its end."""
        self._print({"input": name, "error": str(error)})

    def _print(self, line: dict[str, object]) -> None:
        print(json.dumps(line | self._mark, ensure_ascii=False))

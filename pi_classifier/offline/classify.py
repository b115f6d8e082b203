"""`classify`: every frame of files, one after another, as a table or as lines of JSON."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from pi_classifier.config.schema import Settings
from pi_classifier.contracts.frame import Pixels
from pi_classifier.contracts.model import Classifier
from pi_classifier.contracts.prediction import Score
from pi_classifier.errors import InputError, one_line
from pi_classifier.model import open_model
from pi_classifier.offline.inputs import Item, on_disk
from pi_classifier.offline.outputs import copies_of
from pi_classifier.offline.walk import Report, look_at_all
from pi_classifier.runtimes.reference_transform import reference_crop
from pi_classifier.sinks.overlay import Overlay

Scores = tuple[Score, ...]


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
    with on_disk(inputs) as items:
        # First what needs no model: a wrong path, a name that is taken.
        copies = copies_of(items, output, Overlay, overwrite=overwrite)
        problems = [(item.name, item.problem) for item in items if item.problem]
        if len(problems) == len(items):
            report = _report(items, json_lines=json_lines, untrained=False)
            for name, problem in problems:
                report.failed(name, problem)
            return False
        model = open_model(settings.model, progress=sys.stderr.isatty())
        report = _report(items, json_lines=json_lines, untrained=model.metadata.untrained)
        return look_at_all(items, _Classifier(model), report, copies)


def _report(items: Sequence[Item], *, json_lines: bool, untrained: bool) -> Report[Scores]:
    return JsonReport(untrained=untrained) if json_lines else _TableReport(items, untrained=untrained)


class _Classifier:
    """Pixels in, named classes out, one frame after another on one thread."""

    def __init__(self, model: Classifier) -> None:
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


class _TableReport:
    def __init__(self, items: Sequence[Item], *, untrained: bool) -> None:
        self._width = max((len(one_line(item.name)) for item in items), default=0)
        if untrained:
            print("UNTRAINED weights, labels mean nothing", file=sys.stderr)
        print(f"{'INPUT':<{self._width}}  FRAME  PREDICTIONS")

    def seen(self, name: str, number: int, scores: Scores, /) -> None:
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

    def seen(self, name: str, number: int, scores: Scores, /) -> None:
        """Print one frame."""
        self._print({"input": name, "frame": number, "predictions": [score._asdict() for score in scores]})

    def failed(self, name: str, error: InputError) -> None:
        """Print why an input could not be read, or not to its end."""
        self._print({"input": name, "error": str(error)})

    def _print(self, line: dict[str, object]) -> None:
        print(json.dumps(line | self._mark, ensure_ascii=False))

"""`evaluate`: what a bundle is worth on a folder of pictures, as text, JSON or a page."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pi_classifier.config.schema import Settings
from pi_classifier.contracts.model import Classifier
from pi_classifier.errors import CannotWrite, DatasetError, InputError, one_line
from pi_classifier.model import open_model
from pi_classifier.offline.progress import progress_bars
from pi_classifier.offline.target import check_target
from pi_classifier.runtimes.novelty import UNKNOWN, Answer
from pi_classifier.runtimes.reference_transform import reference_crop
from pi_classifier.sources.files.picture import read_picture
from pi_classifier.system.atomic_file import replace_file
from pi_classifier.training.accuracy import Accuracy
from pi_classifier.training.dataset import read_dataset
from pi_classifier.training.evaluate import Answers, Evaluation, evaluate
from pi_classifier.training.features import Extraction, picture_digest, with_path
from pi_classifier.training.pictures import Pictures, gathered
from pi_classifier.training.report import report as page

DOCTYPE = b"<!doctype html>"


def evaluate_bundle(bundle: Path, folder: Path, settings: Settings, *, json_output: bool, report: Path | None) -> None:
    """Run a bundle on every picture, and print what it is worth.

    Raises:
        DatasetError: the folder is no dataset, or has none of the bundle's classes.
        ModelError: the bundle cannot be run.
        CannotWrite: the report cannot be written, or would take the place of what is none.
    """
    if report:
        check_target(report, "is no report", _is_report)
    dataset = read_dataset(folder, to_learn=False)
    model = open_model(settings.model.model_copy(update={"weights": str(bundle)}), progress=False)
    asking = _Asking(model)
    with progress_bars(wanted=sys.stderr.isatty()) as progress:
        paths = [item.path for item in dataset.items]
        extractions = progress.track(asking.extractions(paths), total=len(paths), description="pictures")
        pictures = gathered(dataset, extractions, to_learn=False)
    training = model.metadata.training
    learnt = training is not None and training.dataset_sha256 == pictures.digest
    evaluation = evaluate(
        pictures,
        asking.answers(),
        asking.categories,
        training=training if learnt else None,
        has_features=asking.has_features,
        refuses=asking.refuses,
    )
    if evaluation is None:
        remedy = f"name folders as its classes: {', '.join(asking.categories[:5])}"
        raise DatasetError(f"{folder}: no picture to judge by of a class of {bundle}", remedy=remedy)
    if report:
        _write(report, page(evaluation, model.metadata, folder))
    if json_output:
        print(json.dumps(_to_json(evaluation, pictures), ensure_ascii=False))
    else:
        print(_to_text(evaluation, pictures))


class _Asking:
    """Asks a model picture by picture, and keeps what it said."""

    def __init__(self, model: Classifier) -> None:
        self._metadata = model.metadata
        self._preprocess, self._tensor = model.new_preprocessor(), model.new_tensor()
        self._predictor = model.new_predictor()
        categories = model.metadata.categories
        # A model from elsewhere may have a class of that name, which is one like the others.
        self.refuses = model.metadata.training is not None and categories[-1] == UNKNOWN
        self.categories = categories[:-1] if self.refuses else categories
        self.has_features = False
        self._logits: list[Any] = []
        self._unknown: list[bool] = []

    def extractions(self, paths: list[Path]) -> Iterator[Extraction]:
        for path in paths:
            try:
                digest, pixels = picture_digest(path), read_picture(path)
                answer = self._ask(pixels)
            except InputError as problem:
                yield Extraction(path, "", None, with_path(path, problem))
            else:
                yield Extraction(path, digest, answer.features)

    def answers(self) -> Answers:
        return Answers(np.stack(self._logits), np.array(self._unknown, bool))

    def _ask(self, pixels: Any) -> Answer:
        size = self._metadata.input_size
        self._preprocess(reference_crop(pixels, resize_size=self._metadata.resize_size, crop_size=size), self._tensor)
        outputs = self._predictor.infer(self._tensor)
        best = self._predictor.decode(outputs).scores[0].label
        self.has_features = isinstance(outputs, Answer)
        answer = outputs if isinstance(outputs, Answer) else Answer(outputs, np.zeros(1, np.uint8))
        self._logits.append(answer.logits)
        self._unknown.append(self.refuses and best == UNKNOWN)
        return answer


def _is_report(path: Path) -> bool:
    """Whether a file may be replaced by a report: it is one, or empty. Raises OSError where it cannot be read."""
    with path.open("rb") as file:
        return file.read(len(DOCTYPE)).lower() in (b"", DOCTYPE)


def _write(path: Path, content: str) -> None:
    try:
        replace_file(path, content.encode())
    except OSError as error:
        raise CannotWrite(f"{path}: cannot be written ({error.strerror})", remedy="name another file") from None


def _to_text(evaluation: Evaluation, pictures: Pictures) -> str:
    width = max(map(len, evaluation.classes))
    lines = [
        f"{one.name:<{width}}  recall {_percent(one.recall)}  precision {_percent(one.precision)}"
        for one in evaluation.figures
    ]
    lines += [f"skipped {one_line(problem.problem)}" for problem in pictures.skipped]
    if evaluation.learning:
        lines += [f"learnt from {size}: {accuracy}" for size, accuracy in evaluation.learning.sizes]
    if evaluation.refused:
        lines.append(f"called unknown: {evaluation.refused} of known classes")
    if evaluation.strangers:
        lines.append(f"called unknown: {evaluation.strangers} of other classes")
    if evaluation.twins:
        lines.append(f"{len(evaluation.twins)} pictures are nearly the same as one that was learnt")
    return "\n".join([*lines, f"accuracy: {evaluation.accuracy}"])


def _percent(share: Accuracy | None) -> str:
    return f"{share.share:6.1%}" if share else "     -"


def _to_json(evaluation: Evaluation, pictures: Pictures) -> dict[str, object]:
    folder = pictures.dataset.folder
    learning = evaluation.learning
    return {
        "accuracy": _share(evaluation.accuracy),
        "classes": [
            {"label": one.name, "recall": _share(one.recall), "precision": _share(one.precision)}
            for one in evaluation.figures
        ],
        "confusion": evaluation.confusion.tolist(),
        "unknown": {"known": _share(evaluation.refused), "others": _share(evaluation.strangers)},
        "mistakes": [{**one._asdict(), "path": str(one.path.relative_to(folder))} for one in evaluation.mistakes],
        "twins": [[str(path.relative_to(folder)) for path in pair] for pair in evaluation.twins],
        "pictures": [{"learnt": size, "accuracy": _share(one)} for size, one in learning.sizes] if learning else [],
        "losses": list(learning.losses) if learning else [],
        "skipped": [problem.problem for problem in pictures.skipped],
    }


def _share(share: Accuracy | None) -> dict[str, object] | None:
    if share is None:
        return None
    return {"share": share.share, "count": share.correct, "of": share.total, "interval": list(share.interval)}

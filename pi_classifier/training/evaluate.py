"""What a model is worth on pictures: of its answers, the figures that a report shows."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pi_classifier.contracts.model import Training
from pi_classifier.training.accuracy import Accuracy
from pi_classifier.training.fit import HEAD
from pi_classifier.training.head import EPOCHS, Regression
from pi_classifier.training.pictures import Pictures
from pi_classifier.training.split import Split, from_bits, twins_across

SHARES = (0.25, 0.5, 1.0)
"""Parts of the learnt pictures that are learnt from anew, to tell whether more pictures would help."""
WORST = 12
"""Mistakes that are shown."""


class Mistake(NamedTuple):
    """A picture that was named wrongly."""

    path: Path
    expected: str
    found: str
    probability: float
    """Softmax of what was found."""


class ClassFigures(NamedTuple):
    """Of one class, among the pictures that judge."""

    name: str
    recall: Accuracy | None
    """Of its pictures, those that were named so."""
    precision: Accuracy | None
    """Of the pictures that were named so, those that are."""


class Learning(NamedTuple):
    """What learning the same pictures anew shows."""

    sizes: tuple[tuple[int, Accuracy], ...]
    """How many pictures were learnt, and the accuracy then, for each of `SHARES`."""
    losses: tuple[float, ...]
    """After each epoch, with all of them."""


class Evaluation(NamedTuple):
    """All figures. Refusals do not count as mistakes; they have figures of their own."""

    classes: tuple[str, ...]
    accuracy: Accuracy
    figures: tuple[ClassFigures, ...]
    confusion: NDArray[np.intp]
    """Shape (n_classes, n_classes): what it is by row, what was found by column."""
    refused: Accuracy | None
    """Of known pictures, those called unknown; None where the model has no rule for that."""
    strangers: Accuracy | None
    """Of pictures of other classes, those called unknown."""
    mistakes: tuple[Mistake, ...]
    """The surest first."""
    twins: tuple[tuple[Path, Path], ...]
    """Pictures that judge, with a learnt one that each is nearly the same as."""
    learning: Learning | None
    """Where the pictures are those that the model learnt from."""


class Answers(NamedTuple):
    """What a model said of each picture of a dataset."""

    logits: NDArray[np.float32]
    """Shape (n_pictures, n_classes)."""
    unknown: NDArray[np.bool_]
    """Shape (n_pictures,): whether it was called unknown."""


def evaluate(
    pictures: Pictures,
    answers: Answers,
    categories: Sequence[str],
    *,
    training: Training | None,
    has_features: bool,
    refuses: bool,
) -> Evaluation | None:
    """The figures; None where no picture of a known class judges.

    Args:
        pictures: with features, which are not looked at unless `has_features`.
        answers: to each of them.
        categories: the model's classes, without `unknown`. Those of one name, like ImageNet's two cranes, count as one,
            the first: a folder of that name may be of either.
        training: of the model, if these are the pictures that it learnt from; then the others judge that were not
            learnt, else all that were not given to the part `train`.
        has_features: whether the model gives features.
        refuses: whether it calls pictures unknown.
    """
    items, names = pictures.dataset.items, pictures.dataset.classes
    first = {name: class_id for class_id, name in reversed([*enumerate(categories)])}
    truth = np.array([first.get(names[item.class_id], -1) for item in items])
    values = pictures.features.astype(np.float32)
    parts = _parts(pictures, training)
    judging = parts.judging[truth[parts.judging] >= 0]
    if not len(judging):
        return None
    merged = np.array([first[name] for name in categories])
    found, expected = merged[answers.logits[judging].argmax(axis=1)], truth[judging]
    confusion = np.zeros((len(categories), len(categories)), np.intp)
    np.add.at(confusion, (expected, found), 1)
    strange = np.flatnonzero(truth < 0)
    # Features that were trained on these pictures are alike within a class, and tell nothing of the pictures.
    telling = has_features and not (training and training.method != HEAD)
    twins = twins_across(values, parts) if telling and len(parts.learnt) else []
    return Evaluation(
        classes=tuple(categories),
        accuracy=Accuracy(int(np.trace(confusion)), len(judging)),
        figures=tuple(_figures(name, class_id, confusion) for class_id, name in enumerate(categories)),
        confusion=confusion,
        refused=Accuracy.of(answers.unknown[judging]) if refuses else None,
        strangers=Accuracy.of(answers.unknown[strange]) if refuses else None,
        mistakes=_mistakes(pictures, answers, judging[found != expected], truth, categories),
        twins=tuple((items[one].path, items[other].path) for one, other in twins),
        learning=_learning(values, truth, parts, len(categories), training.seed) if training and telling else None,
    )


def _parts(pictures: Pictures, training: Training | None) -> Split:
    """What the model learnt; of other pictures all judge that are not given as learnt."""
    items = pictures.dataset.items
    if training:
        learnt = from_bits(training.learnt_bits, len(items))
    else:
        learnt = np.flatnonzero([item.part == "train" for item in items])
    return Split(learnt, np.setdiff1d(np.arange(len(items)), learnt), ())


def _figures(name: str, class_id: int, confusion: NDArray[np.intp]) -> ClassFigures:
    right = int(confusion[class_id, class_id])
    shown, named = int(confusion[class_id].sum()), int(confusion[:, class_id].sum())
    return ClassFigures(name, Accuracy(right, shown) if shown else None, Accuracy(right, named) if named else None)


def _mistakes(
    pictures: Pictures,
    answers: Answers,
    wrong: NDArray[np.intp],
    truth: NDArray[np.intp],
    categories: Sequence[str],
) -> tuple[Mistake, ...]:
    logits = answers.logits[wrong]
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    sure = exponentials.max(axis=1) / exponentials.sum(axis=1)
    order = np.argsort(-sure, kind="stable")[:WORST].tolist()
    return tuple(
        Mistake(
            pictures.dataset.items[wrong[place]].path,
            categories[truth[wrong[place]]],
            categories[int(logits[place].argmax())],
            float(sure[place]),
        )
        for place in order
    )


def _learning(values: NDArray[np.float32], truth: NDArray[np.intp], parts: Split, classes: int, seed: int) -> Learning:
    """Heads in floats, of ever more of the learnt pictures, each judged by the same ones."""
    order = np.random.default_rng(seed).permutation(parts.learnt)
    sizes: list[tuple[int, Accuracy]] = []
    losses: tuple[float, ...] = ()
    for share in SHARES:
        some = np.sort(np.concatenate([_first(order[truth[order] == one], share) for one in range(classes)]))
        regression = Regression(values[some], truth[some], classes)
        state = regression.run(EPOCHS)
        head = regression.head(state.best)
        found = head(values[parts.judging]).argmax(axis=1)
        sizes.append((len(some), Accuracy(int(np.count_nonzero(found == truth[parts.judging])), len(found))))
        losses = state.losses
    return Learning(tuple(sizes), losses)


def _first(indices: NDArray[np.intp], share: float) -> NDArray[np.intp]:
    return indices[: max(1, round(share * len(indices)))]

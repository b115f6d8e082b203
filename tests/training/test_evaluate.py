"""The figures of an evaluation, and the page that shows them."""

import html.parser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pi_classifier.collecting.folder import Part
from pi_classifier.contracts.model import Training
from pi_classifier.training.dataset import Dataset, Item
from pi_classifier.training.evaluate import Answers, Evaluation, evaluate
from pi_classifier.training.pictures import Pictures
from pi_classifier.training.report import report
from pi_classifier.training.split import to_bits
from tests import fakes

CLASSES = ("a <b>", "c")
FOUND = [0, 0, 0, 1, 1, 0, 0, 1]
"""By picture: the best class. Four are of the first class, two of the second, two of one that the model lacks."""
UNKNOWN = [False, True, False, False, False, False, True, False]


def pictures(folder: Path, parts: list[Part | None]) -> Pictures:
    """Eight, each a file, with features that are all different but the last two of the first class."""
    truth = [0, 0, 0, 0, 1, 1, 2, 2]
    items = []
    for index, (class_id, part) in enumerate(zip(truth, parts, strict=True)):
        path = folder / f"{index}<i>.png"
        Image.new("RGB", (8, 8), (index, 0, 0)).save(path)
        items.append(Item(path, class_id, "", part))
    features = np.eye(8, dtype=np.uint8)[[0, 1, 2, 2, 4, 5, 6, 7]] * np.uint8(200)
    return Pictures(Dataset(folder, (*CLASSES, "else"), tuple(items)), features, (), "")


def evaluated(folder: Path, parts: list[Part | None] | None = None) -> Evaluation:
    """Of those answers."""
    logits = np.eye(2, dtype=np.float32)[FOUND] * np.arange(1, 9, dtype=np.float32)[:, None]
    answers = Answers(logits, np.array(UNKNOWN))
    given = pictures(folder, parts or [None] * 8)
    found = evaluate(given, answers, CLASSES, training=None, has_features=True, refuses=True)
    assert found
    return found


def test_figures_are_those_of_the_confusion(tmp_path: Path) -> None:
    """Protects the numbers people decide by: accuracy, recall, precision and refusals, counted by hand."""
    found = evaluated(tmp_path)
    assert found.confusion.tolist() == [[3, 1], [1, 1]]
    assert found.accuracy == (4, 6)
    assert [(one.recall, one.precision) for one in found.figures] == [((3, 4), (3, 4)), ((1, 2), (1, 2))]
    assert (found.refused, found.strangers) == ((1, 6), (1, 2))
    assert [(one.path.name, one.expected, one.found) for one in found.mistakes] == [
        ("5<i>.png", "c", "a <b>"),
        ("3<i>.png", "a <b>", "c"),
    ]
    assert found.learning is None
    assert found.twins == ()


def test_two_classes_of_one_name_count_as_one(tmp_path: Path) -> None:
    """Protects ImageNet's two cranes: who has a folder of that name is given right by an answer with either."""
    answers = Answers(np.eye(3, dtype=np.float32)[[0, 2, 2, 1, 1, 0, 0, 1]], np.zeros(8, bool))
    given = pictures(tmp_path, [None] * 8)
    found = evaluate(given, answers, (*CLASSES, CLASSES[0]), training=None, has_features=True, refuses=False)
    assert found
    assert found.confusion.tolist() == [[3, 1, 0], [1, 1, 0], [0, 0, 0]]
    assert found.accuracy == (4, 6)
    assert [(one.recall, one.precision) for one in found.figures] == [((3, 4), (3, 4)), ((1, 2), (1, 2)), (None, None)]


def test_given_train_part_does_not_judge_and_its_twins_are_told(tmp_path: Path) -> None:
    """Protects from pictures that were learnt: they judge nothing, and what is nearly one of them is named."""
    found = evaluated(tmp_path, ["train", "train", "train", "test", "train", "test", "test", "test"])
    assert found.accuracy == (0, 2)
    assert [(one.name, other.name) for one, other in found.twins] == [("3<i>.png", "2<i>.png")]


def test_no_known_class_is_no_evaluation(tmp_path: Path) -> None:
    """Protects from an accuracy of nothing."""
    answers = Answers(np.zeros((8, 1), np.float32), np.zeros(8, bool))
    given = pictures(tmp_path, [None] * 8)
    assert evaluate(given, answers, ["other"], training=None, has_features=True, refuses=False) is None


def learnt(method: str) -> Training:
    """From pictures 0, 1 and 4."""
    bits = to_bits(np.array([0, 1, 4]), 8)
    return Training(method, "default", "", "2026-01-01", "", 0, 5, 3, 3, 2, bits)


@pytest.mark.parametrize("method", ["head", "finetune"])
def test_what_was_learnt_does_not_judge(tmp_path: Path, method: str) -> None:
    """Protects from an accuracy on learnt pictures: the bundle itself says which those are, whatever they look like."""
    answers = Answers(np.eye(2, dtype=np.float32)[FOUND], np.array(UNKNOWN))
    given = pictures(tmp_path, [None] * 8)
    found = evaluate(given, answers, CLASSES, training=learnt(method), has_features=True, refuses=True)
    assert found
    assert found.confusion.tolist() == [[1, 1], [1, 0]]
    assert found.twins == ()
    assert (found.learning is None) == (method == "finetune"), "features that were trained tell nothing of the pictures"


class Page(html.parser.HTMLParser):
    """Collects the tags of a page, and what they refer to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.sources: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it."""
        self.tags.add(tag)
        self.sources += [value or "" for name, value in attrs if name in ("src", "href", "srcset")]


@pytest.mark.parametrize("method", [None, "head", "finetune"])
def test_page_needs_nothing_beside_it(tmp_path: Path, method: str | None) -> None:
    """Protects who sends the page on, and from names that are markup: pictures are inside, and names are text."""
    answers = Answers(np.eye(2, dtype=np.float32)[FOUND], np.array(UNKNOWN))
    parts: list[Part | None] = ["train", "train", "validation", "validation", "train", "validation", "test", "test"]
    training = learnt(method) if method else None
    found = evaluate(pictures(tmp_path, parts), answers, CLASSES, training=training, has_features=True, refuses=True)
    assert found
    page = Page(report(found, fakes.METADATA, tmp_path))
    assert page.sources
    assert all(source.startswith("data:image/jpeg;base64,") for source in page.sources)
    assert page.tags.isdisjoint({"b", "i", "script", "link"})
    assert ("svg" in page.tags) == (method == "head")

"""benchmarks/training.py: what it makes of what it measured."""

import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.learning.case import OwnFigures, PeerFigures
from benchmarks.learning.report import Measured, summary, table
from benchmarks.learning.run_own import auroc, refused
from benchmarks.training import linked, parsed_arguments
from tests.training.folders import touch

WHERE = {"machine": "here", "load": 0.0, "command": "python"}


def own(correct: int, features: float, fit: float) -> OwnFigures:
    """Of one seed: so many of 10."""
    return OwnFigures(correct, 10, [0, 1], features, fit, 300.0, 0.02, 0.99)


def test_table_says_what_was_measured() -> None:
    """Protects the figures of the document: means, intervals and what the usual way had in equal time, by hand."""
    owns = {"head": [own(7, 20.0, 1.0), own(9, 0.1, 3.0)], "finetune": [own(9, 80.0, 60.0), own(10, 0.1, 60.0)]}
    peers = {"resnet18, random weights": [PeerFigures(100.0, 5, 10, 900.0), PeerFigures(200.0, 8, 10, 900.0)]}
    text = table(summary([Measured("things", owns, peers)]) | WHERE)
    assert "| things | `head` | 80.0% (58.4% to 91.9%) | 20.0 | 2.0 | 300 | 0.990 | 2.0% |" in text
    assert "| things | resnet18, random weights | 80.0% at best, 2 epochs |  | 200 | 900 |  |  |" in text
    assert "things, 12 pictures: the head's fit takes 0.100 of the time that the features take" in text
    assert "`finetune` is 15.0 points better" in text
    assert "no epoch in the time of `head`; its 70.0% after 9.1 times that time" in text
    assert "in the time of `finetune` 50.0%; its 90.0% not in 1.4 times that time" in text


def test_area_under_the_curve() -> None:
    """Protects the figure of strangers: 1 where all known are above, a half of chance, and ties count half."""
    low, high = np.array([0.1, 0.2]), np.array([0.5, 0.6])
    assert (auroc(high, low), auroc(low, high), auroc(low, low)) == (1, 0, 0.5)
    assert auroc(np.array([0.2, 0.6]), np.array([0.2, 0.4])) == pytest.approx(0.625)


def test_refusals_are_judged_by_a_threshold_of_others() -> None:
    """Protects from a promise that keeps itself: the pictures that choose the threshold are not the ones it refuses."""
    centres = np.array([[255, 0]], np.uint8)
    near, far = [200, 10], [10, 200]
    assert refused(centres, np.array([near, near, near, near], np.uint8)) == 0
    assert refused(centres, np.array([near, near, far, near], np.uint8)) == 0.25


def test_dataset_stays_as_it_is(tmp_path: Path) -> None:
    """Protects the user's pictures: features are kept in a folder of links to its classes, and hidden ones are left."""
    source = touch(tmp_path / "source", "a/1.jpg", ".pi-classifier/x")
    made = linked(source, tmp_path / "linked")
    assert [one.name for one in made.iterdir()] == ["a"]
    assert (made / "a" / "1.jpg").exists()


def test_strangers_may_be_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects who has none: no folder is looked at in their place, not even the one that one is in."""
    monkeypatch.setattr(sys, "argv", ["training.py", "--set", str(tmp_path)])
    assert parsed_arguments().strangers == ""

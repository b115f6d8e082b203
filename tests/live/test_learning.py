"""Learning own classes from real pictures: what the benchmark of learning finds, of one division of one set."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

MINUTES = 20
"""That it may take at most: two on a machine that has nothing else to do."""
EVERY = 3
"""So many pictures stand for one that is learnt: all of them take three times as long, and tell no more here."""


@pytest.fixture(scope="module")
def figures(test_data: Path, real_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """By method, of ten signs of a hand, with photographs of other things as strangers."""
    every_picture = test_data / "own-classes" / "hand_digits10"
    if not every_picture.is_dir():
        pytest.skip("no own-classes/ in the test data")
    pictures = tmp_path_factory.mktemp("own-classes") / every_picture.name
    for label in every_picture.iterdir():
        (pictures / label.name).mkdir(parents=True)
        for picture in sorted(label.iterdir())[::EVERY]:
            (pictures / label.name / picture.name).symlink_to(picture)
    command = [
        sys.executable, str(ROOT / "benchmarks" / "training.py"), "--weights", str(real_weights),
        "--set", str(pictures), "--strangers", str(test_data / "photos"), "--seeds", "1", "--peer", "--json",
    ]  # fmt: skip
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60 * MINUTES, check=False)
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)["sets"][pictures.name]["own"]
    return found


def test_a_new_layer_learns(figures: dict[str, Any]) -> None:
    """Protects the head's accuracy, on pictures that it has not seen: of these few it was 89 %."""
    assert figures["head"]["mean"] >= 0.82


def test_retrained_blocks_learn_more(figures: dict[str, Any]) -> None:
    """Protects the point of finetune: of the same pictures it makes more than a new layer does."""
    assert figures["finetune"]["mean"] > figures["head"]["mean"]


@pytest.mark.parametrize("method", ["head", "finetune"])
def test_strangers_are_told_from_what_is_known(figures: dict[str, Any], method: str) -> None:
    """Protects `unknown`: photographs of other things are told from the ten, and few of those are refused."""
    assert figures[method]["auroc"] >= 0.95
    assert figures[method]["refused"] <= 0.06

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


@pytest.fixture(scope="module")
def figures(test_data: Path, real_weights: Path) -> dict[str, Any]:
    """By method, of six kinds of rubbish, with photographs of other things as strangers."""
    pictures = test_data / "own-classes" / "trash6"
    if not pictures.is_dir():
        pytest.skip("no own-classes/ in the test data")
    command = [
        sys.executable, str(ROOT / "benchmarks" / "training.py"), "--weights", str(real_weights),
        "--set", str(pictures), "--strangers", str(test_data / "photos"), "--seeds", "1", "--peer", "--json",
    ]  # fmt: skip
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60 * MINUTES, check=False)
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)["sets"]["trash6"]["own"]
    return found


def test_a_new_layer_learns(figures: dict[str, Any]) -> None:
    """Protects the head's accuracy, on pictures that it has not seen: five divisions have 80 to 85 %."""
    assert figures["head"]["mean"] >= 0.78


def test_retrained_blocks_learn_more(figures: dict[str, Any]) -> None:
    """Protects the point of finetune: of the same pictures it makes more than a new layer does."""
    assert figures["finetune"]["mean"] > figures["head"]["mean"]


@pytest.mark.parametrize("method", ["head", "finetune"])
def test_strangers_are_told_from_what_is_known(figures: dict[str, Any], method: str) -> None:
    """Protects `unknown`: photographs of other things are told from the six kinds, and few of those are refused."""
    assert figures[method]["auroc"] >= 0.95
    assert figures[method]["refused"] <= 0.06

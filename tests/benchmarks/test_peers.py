"""The comparison with other runtimes: what it says of made-up figures, and a short real one."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.peers import EQUAL, busy, comparison
from tests.conftest import DEADLINE_SECONDS, ROOT

NOT_INSTALLED = "not installed (pip install --editable '.[peers]')"


def figures(name: str, milliseconds: float, **others: object) -> dict[str, Any]:
    """As of a contender that takes so long on one idle core, this project taking ten milliseconds."""
    return {
        "name": name,
        "total_ms": milliseconds,
        "mean_ms": milliseconds,
        "cpu_ms": milliseconds,
        "total_of_ours": milliseconds / 10,
        "cpu_of_ours": milliseconds / 10,
        "rss_mb": 100.0,
        **others,
    }


@given(milliseconds=st.floats(0.1, 1000))
def test_the_faster_one_is_named(milliseconds: float) -> None:
    """Protects honesty: the sentence names the faster of the two, whichever that is, and by how much."""
    sentence = comparison(figures("Peer", milliseconds), figures("pi-classifier", 10))
    ratio = milliseconds / 10
    if ratio > EQUAL:
        assert sentence.startswith(f"pi-classifier is {ratio:.2f} times as fast as Peer")
    elif ratio < 1 / EQUAL:
        assert sentence.startswith(f"Peer is {1 / ratio:.2f} times as fast as pi-classifier")
    else:
        assert sentence.startswith("Peer is as fast as pi-classifier")
    assert "10.00 ms" in sentence
    assert f"{milliseconds:.2f} ms" in sentence


def test_a_busy_machine_is_reported() -> None:
    """Protects the reader: where frames waited for the processor, it says so and points at the CPU time."""
    assert busy([figures("pi-classifier", 10), {"name": "Peer", "problem": NOT_INSTALLED}]) == []
    assert "3.0 times its CPU time" in busy([figures("pi-classifier", 10, mean_ms=30.0)])[0]


def test_photographs_through_every_runtime_at_hand(test_data: Path, real_weights: Path) -> None:
    """Protects the comparison: each runtime is fed right, or it would see nothing, and a missing one is named."""
    files = sorted((test_data / "weights" / "tflite").glob("*.tflite"))
    command = [sys.executable, str(ROOT / "benchmarks" / "peers.py"), "--json", "--rounds", "1", "--limit", "12",
               "--photos", str(test_data / "photos_permissive"), "--weights", str(real_weights),
               *(["--tflite", *map(str, files)] if files else [])]  # fmt: skip
    ended = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False)
    assert ended.returncode == 0, ended.stderr
    result = json.loads(ended.stdout)
    ours, *others = result["contenders"]
    assert ours["total_of_ours"] == ours["cpu_of_ours"] == ours["agrees"] == 1
    assert len(others) == 1 + len(files)
    assert len(result["sentences"]) >= len(others)
    for one in (ours, *others):
        if "problem" in one:
            assert one["problem"] == NOT_INSTALLED
            continue
        # Twelve plain photographs; with labels off by one or colours swapped it would be none or few.
        assert one["top1"] >= 0.6, one
        assert one["total_ms"] == pytest.approx(one["preprocess_ms"] + one["inference_ms"], rel=0.2)
        assert min(one["preprocess_ms"], one["cpu_ms"], one["rss_mb"]) > 0

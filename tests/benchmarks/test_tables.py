"""The figures in docs/benchmarks.md are those of benchmarks/results, and no others."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

BENCHMARKS = ROOT / "benchmarks"
RESULTS = sorted((BENCHMARKS / "results").glob("*.json"))


def test_document_says_what_was_measured() -> None:
    """Protects from figures typed by hand: every table is what a command makes of a result that is kept."""
    checked = subprocess.run(
        [sys.executable, BENCHMARKS / "tables.py", "--check"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("result", RESULTS, ids=lambda path: path.stem)
def test_result_tells_where_it_is_from(result: Path) -> None:
    """Protects from figures without origin: a result names machine, versions and the command that repeats it."""
    about = json.loads(result.read_text(encoding="utf-8"))
    machine = about["machine"]
    command = machine["command"] if isinstance(machine, dict) else about["command"]
    assert command.startswith("python benchmarks/")
    where = machine if isinstance(machine, str) else str(machine)
    assert "ython" in where
    assert any(library in where for library in ("torch", "OpenCV", "LiteRT", "mosquitto")) or result.stem == "peers"
    assert (BENCHMARKS / command.split()[1].partition("/")[2]).exists()

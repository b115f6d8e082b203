"""benchmarks/startup.py: what it says of a start is of the program that was started."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.startup import TUTORIAL, contenders, start, table
from tests.conftest import ROOT
from tests.waiting import DEADLINE_SECONDS

STARTS = """\
import json, pathlib, sys
from benchmarks.startup import contenders, start
commands = contenders(pathlib.Path(sys.argv[1]), ["litert"])
print(json.dumps([start(commands["`pi-classifier run` on LiteRT"]), start(commands["`import torch` alone"])]))
"""


def test_memory_is_the_started_programs_own(both_programs: Path) -> None:
    """Protects the figures of memory: a program without torch is not told what one with torch, or its parent, holds."""
    ended = subprocess.run(
        [sys.executable, "-c", STARTS, both_programs],
        capture_output=True, text=True, check=True, timeout=DEADLINE_SECONDS, cwd=ROOT,
    )  # fmt: skip
    (_, litert_cpu, litert_memory), (_, torch_cpu, torch_memory) = json.loads(ended.stdout)
    assert min(litert_cpu, torch_cpu) > 0
    assert litert_memory < torch_memory / 1.5


def test_each_runtime_is_started_beside_the_tutorial(tmp_path: Path) -> None:
    """Protects the comparison: the daemon on each runtime that is asked for, the tutorial's steps, and torch alone."""
    names = list(contenders(tmp_path, ("torchscript", "litert")))
    assert names[:2] == ["`pi-classifier run` on TorchScript", "`pi-classifier run` on LiteRT"]
    assert list(contenders(tmp_path, ("litert",))) == names[1:]
    assert TUTORIAL in names


def test_a_program_that_fails_is_no_figure() -> None:
    """Protects from a fast start of nothing: one that ends with an error, or says nothing, ends the benchmark."""
    for code in ("print(1); raise SystemExit(3)", ""):
        with pytest.raises(RuntimeError, match="failed"):
            start([sys.executable, "-c", code])


def test_ratios_are_within_a_round() -> None:
    """Protects the table: each start is held to the tutorial's of the same round, not to another hour's."""
    measured = {"ours": [(1.0, 2.0, 90.0), (4.0, 2.0, 90.0)], TUTORIAL: [(10.0, 4.0, 400.0), (40.0, 4.0, 400.0)]}
    shown = table({"contenders": measured, "machine": "here", "command": "python"})
    assert "| ours | 2.50 | 0.10 | 2.00 | 0.50 | 90 MB |" in shown
    assert f"| {TUTORIAL} | 25.00 | 1.00 | 4.00 | 1.00 | 400 MB |" in shown

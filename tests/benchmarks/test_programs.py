"""The programs of benchmarks/, called as their users call them."""

import subprocess
import sys
from pathlib import Path

import pytest

import benchmarks
from tests.conftest import ROOT

PROGRAMS = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py") if path.stem != "__init__")


def helped(folder: Path, *words: str | Path) -> str:
    """What a program says of itself, called in a folder."""
    command = [sys.executable, *map(str, words), "--help"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_runs_by_path_and_as_a_module(name: str, tmp_path: Path) -> None:
    """Protects the documented commands: by its path from anywhere, and with -m from the project, it is one program."""
    by_path = helped(tmp_path, ROOT / "benchmarks" / f"{name}.py")
    assert f"python benchmarks/{name}.py" in by_path
    assert by_path == helped(ROOT, "-m", f"benchmarks.{name}")


def test_every_program_is_listed() -> None:
    """Protects whoever looks for a program: the package's description names each of them, and no other."""
    assert benchmarks.__doc__ is not None
    listed = [line.split("`")[1] for line in benchmarks.__doc__.splitlines() if line.startswith("- `")]
    assert sorted(listed) == PROGRAMS

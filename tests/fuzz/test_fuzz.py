"""A minute of odd input; longer with `--fuzz-seconds 3600 --fuzz-seed 7`."""

import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.system.environment import ENVIRONMENT
from tests.fuzz.mutation import archived, mutated, mutated_archive
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("target", TARGETS)
def test_whatever_it_is_fed(target: str, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    """Protects from input that nobody thought of: it is taken or refused in one line; no traceback, crash or hang."""
    seconds = pytestconfig.getoption("--fuzz-seconds") / len(TARGETS)
    command = [sys.executable, "-m", "tests.fuzz.run_target", target, str(tmp_path)]
    seed = ["--seed", str(pytestconfig.getoption("--fuzz-seed")), "--seconds", str(seconds)]
    ended = subprocess.run(
        [*command, *seed],
        env={**ENVIRONMENT, "PATH": os.environ["PATH"], "PYTHONFAULTHANDLER": "1"},
        capture_output=True, text=True, check=False, timeout=seconds + 300,
    )  # fmt: skip
    assert ended.returncode == 0, f"{' '.join(command)} --input {tmp_path / 'input'}\n{ended.stdout}{ended.stderr}"


@pytest.mark.parametrize("mutate", [mutated, mutated_archive])
@given(seed=st.integers(0, 2**32))
def test_a_seed_gives_one_input(mutate: Callable[[bytes, random.Random], bytes], seed: int) -> None:
    """Protects what was found: the same seed finds it again."""
    content = archived([("one", bytes(100)), ("two", bytes(range(256)))])
    first, second = (mutate(content, random.Random(seed)) for _ in range(2))  # noqa: S311 - to be repeated
    assert first == second

"""A module of this package as a process of its own, with memory and threads that are its alone."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pi_classifier.system.environment import ENVIRONMENT

ROOT = Path(__file__).parents[2]


def daemon_environment() -> dict[str, str]:
    """The variables that `pi-classifier run` runs with when it is started from here."""
    return {**ENVIRONMENT, **os.environ}


class Child:
    """A running module, which is sent bytes and answers with lines of JSON, one object each.

    Whatever it has to say to a person, it says on stderr. One that fails has said why, and ends this program with its
    own exit code.
    """

    def __init__(self, module: str, *arguments: str, environment: Mapping[str, str] = os.environ) -> None:
        """Start it. `module`: its name, `benchmarks.` and so on."""
        self._module = module
        path = os.pathsep.join(filter(None, (str(ROOT), environment.get("PYTHONPATH"))))
        self._process = subprocess.Popen(
            # -P: what lies in the working directory is not for it to import.
            [sys.executable, "-P", "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**environment, "PYTHONPATH": path},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, failure: object, *_: object) -> None:
        """Let it end: it is sent nothing more."""
        self._process.communicate()
        if self._process.returncode and not failure:
            sys.exit(self._process.returncode)

    def ask(self, content: bytes) -> dict[str, Any]:
        """Send it something and wait for its answer."""
        assert self._process.stdin is not None  # noqa: S101 - it was asked for
        self._process.stdin.write(content)
        self._process.stdin.flush()
        return self.answer()

    def answer(self) -> dict[str, Any]:
        """Wait for its next answer."""
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        line = self._process.stdout.readline()
        if not line:
            sys.exit(self._process.wait() or f"{self._module} ended without an answer")
        answer: dict[str, Any] = json.loads(line)
        return answer

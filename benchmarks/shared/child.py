"""Processes that run this very project, whatever lies in the working directory or is installed."""

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


def module_command(module: str, *arguments: str) -> list[str]:
    """The command that runs a module, in an environment `with_project`."""
    # -P: what lies in the working directory is not to be imported.
    return [sys.executable, "-P", "-m", module, *arguments]


def with_project(environment: Mapping[str, str]) -> dict[str, str]:
    """These variables, such that Python imports from this project's folder first."""
    path = os.pathsep.join(filter(None, (str(ROOT), environment.get("PYTHONPATH"))))
    return {**environment, "PYTHONPATH": path}


class Child:
    """A running module of this package, with memory and threads that are its alone.

    It is sent bytes and answers with lines of JSON, one object each; whatever it has to say to a person, it says on
    stderr. One that fails has said why, and ends this program with its own exit code.
    """

    def __init__(self, module: str, *arguments: str, environment: Mapping[str, str] = os.environ) -> None:
        """Start it. `module`: its name, `benchmarks.` and so on."""
        self._module = module
        self._process = subprocess.Popen(
            module_command(module, *arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=with_project(environment),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, failure: object, *_: object) -> None:
        """Let it end: it is sent nothing more."""
        self._process.communicate()
        if self._process.returncode and not failure:
            sys.exit(self._process.returncode)

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

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

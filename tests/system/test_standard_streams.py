"""stdin, stdout and stderr that are closed, full or broken: 73 or a quiet end, never a traceback."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.sources.test_files import write_picture, write_video
from tests.waiting import DEADLINE_SECONDS

COMMANDS = {
    "classify": "classify {picture} --weights untrained",
    "check-config": "check-config",
    "defaults": "check-config --defaults",
    "version": "--version",
}


def shell(command: str, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """What a shell makes of it; `pi-classifier` is this working tree's."""
    program = f"{sys.executable} -m pi_classifier"
    return subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", command.replace("pi-classifier", program)],
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
def test_stdout_that_takes_nothing(name: str, redirection: str, variables: dict[str, str], tmp_path: Path) -> None:
    """Protects from a lost result that looks like success: what cannot be written ends in 73 and one line."""
    command = COMMANDS[name].format(picture=write_picture(tmp_path / "in.png"))
    result = shell(f"pi-classifier {command} {redirection}", variables)
    assert result.returncode == os.EX_CANTCREAT
    complaints = [line for line in result.stderr.splitlines() if "UNTRAINED" not in line]
    assert len(complaints) == 1, result.stderr
    assert complaints[0].startswith("pi-classifier: stdout: ")


@pytest.mark.parametrize("name", COMMANDS)
def test_reader_that_goes(name: str, variables: dict[str, str], tmp_path: Path) -> None:
    """Protects `pi-classifier ... | head`: a reader that has seen enough is no fault, and nothing is said of it."""
    command = COMMANDS[name].format(picture=write_picture(tmp_path / "in.png"))
    result = shell(f"pi-classifier {command} | true", variables)
    assert result.returncode == 0
    assert [line for line in result.stderr.splitlines() if "UNTRAINED" not in line] == []


def test_reader_that_goes_while_a_copy_is_written(variables: dict[str, str], tmp_path: Path) -> None:
    """Protects the quiet end from the copy: a reader that goes in the middle of a video is no trouble with its copy."""
    video, out = write_video(tmp_path / "v.mp4", 60), tmp_path / "out"
    result = shell(
        f"pi-classifier classify {video} --json --top-k 50 --weights untrained --output {out} | true", variables
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert list(out.iterdir()) == []


def test_error_without_stderr(variables: dict[str, str], tmp_path: Path) -> None:
    """Protects exit codes: an error has the same one where nobody can read what it is."""
    assert shell("pi-classifier check-config --config /nope 2>&-", variables).returncode == os.EX_CONFIG
    assert shell("pi-classifier classify /nope 2>&-", variables).returncode == 1


def test_closed_stdin_is_empty(variables: dict[str, str], tmp_path: Path) -> None:
    """Protects from a traceback: where there is no stdin, `-` is an input that cannot be read."""
    result = shell("pi-classifier classify - --weights untrained <&-", variables)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr


def test_no_room_for_stdin(variables: dict[str, str], tmp_path: Path) -> None:
    """Protects from a traceback: what comes on stdin is put into a temporary folder, which may be full."""
    command = "head -c 3000000 /dev/zero | (ulimit -f 1000; pi-classifier classify - --weights untrained)"
    result = shell(command, variables)
    assert result.returncode == os.EX_CANTCREAT
    assert "set TMPDIR" in result.stderr
    assert "Traceback" not in result.stderr

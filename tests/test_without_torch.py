"""The program where neither torch nor torchvision can be imported, as after `make install LITE=1`."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.running import Program
from tests.sources.test_files import write_picture
from tests.training.folders import touch
from tests.waiting import DEADLINE_SECONDS

WITHOUT = """\
import sys
sys.modules.update(torch=None, torchvision=None)
from pi_classifier.__main__ import main
main()
"""
NEEDLESS = {"torch", "torchvision", "numpy.random", "PIL", "asyncio"}
Run = Callable[..., Program]


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Run]:
    """Starts `pi-classifier ARGUMENTS...` in an interpreter in which importing torch fails; the cache is empty."""
    started: list[Program] = []

    def start(*arguments: str | Path) -> Program:
        variables = {
            "PATH": os.environ["PATH"],
            "CACHE_DIRECTORY": str(tmp_path / "cache"),
            "PI_CLASSIFIER_MODEL__RUNTIME": "litert",
            "PYTHONWARNINGS": "error",
        }
        started.append(Program([sys.executable, "-c", WITHOUT, *map(str, arguments)], variables, DEADLINE_SECONDS))
        return started[-1]

    yield start
    for one in started:
        one.kill()


def test_run_and_health(program: Run, both_programs: Path, free_port: int) -> None:
    """Protects boards that torch does not fit: the daemon runs on LiteRT, serves its metrics, and health answers."""
    listen = f"127.0.0.1:{free_port}"
    daemon = program("run", "--source", "synthetic:", "--weights", both_programs, "--metrics-listen", listen)
    daemon.wait_for_line("fps")
    with urllib.request.urlopen(f"http://{listen}/metrics", timeout=60) as answer:
        text = answer.read().decode()
    assert 'model_info{activations="int8",engine="xnnpack"' in text
    assert 'runtime="litert"' in text
    assert 'litert="' in text, "its version"
    assert any("on litert (xnnpack, int8)" in line for line in daemon.notices)
    asked = program("health", "--metrics-listen", listen).wait()
    assert asked.returncode == 0, asked
    daemon.stop()
    assert " captured = " in daemon.wait().stdout


def test_classify(program: Run, both_programs: Path, tmp_path: Path) -> None:
    """Protects pictures on such a board: they are classified, and copies get their labels."""
    write_picture(tmp_path / "a.png")
    done = program(
        "classify", tmp_path / "a.png", "--weights", both_programs, "--json", "--output", tmp_path / "out"
    ).wait()
    assert done.returncode == 0, done
    assert len(json.loads(done.stdout)["predictions"]) == 5
    assert (tmp_path / "out" / "a.png").is_file()


def test_check_config(program: Run) -> None:
    """Protects the first question: what is in force can be asked without any runtime."""
    assert 'runtime = "litert"' in program("check-config").wait().stdout


def test_no_bundle_says_how_to_get_one(program: Run, tmp_path: Path) -> None:
    """Protects the first start on such a board: the line says what to run elsewhere, and where to name the result."""
    ended = program("run", "--source", write_picture(tmp_path / "a.png"), "--metrics-listen", "").wait()
    assert ended.returncode == 78
    (line,) = ended.stderr.splitlines()
    assert "prepare --runtime litert --output model.bundle" in line
    assert "--weights" in line


def test_torchscript_says_what_is_missing(program: Run, both_programs: Path) -> None:
    """Protects from the default where there is no torch: the line names the key that chooses the other runtime."""
    ended = program(
        "run", "--source", "synthetic:", "--metrics-listen", "", "--weights", both_programs, "--runtime", "torchscript"
    ).wait()
    assert ended.returncode == 78
    (line,) = ended.stderr.splitlines()
    assert "torch" in line
    assert "--runtime litert" in line


def test_auto_takes_what_is_there(program: Run, both_programs: Path) -> None:
    """Protects `auto` on such a board: there is one runtime to take."""
    done = program(
        "run", "--source", "synthetic:", "--metrics-listen", "", "--weights", both_programs, "--runtime", "auto",
        "--frames", "2",
    ).wait()  # fmt: skip
    assert done.returncode == 0, done


@pytest.mark.parametrize("named", [True, False], ids=["a bundle", "the demonstration"])
def test_nothing_is_imported_that_a_camera_on_litert_does_not_need(both_programs: Path, named: bool) -> None:
    """Protects memory and the start: what could be imported, torch above all, stays out where it is of no use.

    The demonstration runs on LiteRT without being told so.
    """
    options = ["--runtime", "litert", "--weights", str(both_programs)] if named else []
    code = (
        "import sys; sys.argv[1:] = ['run', '--source', 'synthetic:', '--metrics-listen', '', '--frames', '1',"
        f"*{options!r}]\n"
        "from pi_classifier import cli\n"
        f"cli._end_at_once = lambda: sys.exit(bool({NEEDLESS} & sys.modules.keys()))\n"
        "cli.main()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.mark.parametrize("command", ["prepare", "train"])
def test_what_takes_torch_says_so(program: Run, tmp_path: Path, command: str) -> None:
    """Protects whoever installed without torch from a traceback: one line says what to do instead."""
    folder = touch(tmp_path / "data", "a/1.jpg", "b/1.jpg")
    arguments = {"prepare": ("--weights", "untrained"), "train": (folder, "--output", tmp_path / "own.bundle")}
    done = program(command, *arguments[command])
    assert done.wait().returncode == 78
    (line,) = done.notices
    assert "takes torch, which is not installed" in line


def test_evaluate(program: Run, both_programs: Path, tmp_path: Path) -> None:
    """Protects the boards that torch does not fit: what a bundle is worth is found out there, too."""
    (tmp_path / "data" / "goldfish").mkdir(parents=True)
    (tmp_path / "data" / "tench").mkdir()
    for name in ("goldfish", "tench"):
        write_picture(tmp_path / "data" / name / "1.png")
    report = tmp_path / "report.html"
    done = program("evaluate", both_programs, tmp_path / "data", "--json", "--report", report)
    assert done.wait().returncode == 0, done.notices
    assert json.loads(done.lines[0])["accuracy"]["of"] == 2
    # A report takes the place of a report, and of nothing else; one class is enough to judge by.
    (tmp_path / "data" / "tench" / "1.png").unlink()
    again = program("evaluate", both_programs, tmp_path / "data", "--json", "--report", report)
    assert again.wait().returncode == 0, again.notices
    assert json.loads(again.lines[0])["accuracy"]["of"] == 1
    picture = tmp_path / "data" / "goldfish" / "1.png"
    before = picture.read_bytes()
    refused = program("evaluate", both_programs, tmp_path / "data", "--report", picture)
    assert refused.wait().returncode == 73
    assert refused.notices == [f"pi-classifier: {picture}: is there and is no report; name another file"]
    assert picture.read_bytes() == before


def test_guest_can_import_its_suite() -> None:
    """Protects the tests in the guest, which has no torch: what they import can be imported without it."""
    without = "import sys; sys.modules.update(torch=None, torchvision=None, av=None); import tests.guest.contract"
    subprocess.run([sys.executable, "-c", without], cwd=ROOT, check=True)

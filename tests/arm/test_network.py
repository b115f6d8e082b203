"""Network cameras on the instruction set of a Raspberry Pi: the FFmpeg inside its OpenCV is another than x86's."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pi_classifier.config.schema import ModelSettings
from pi_classifier.prepare.bundle import prepare
from pi_classifier.prepare.store import write_bundle
from tests.arm.conftest import PROGRAM
from tests.arm.userland import Userland
from tests.running import Program
from tests.streams.fake_rtsp import FakeRtsp
from tests.streams.servers import certificate_in
from tests.test_without_torch import WITHOUT

PYTHON = f"{PROGRAM}/bin/python"
COUNT, CAMERAS, PREDICTIONS = 12, 3, 12
CONFIG, BUNDLE = "/srv/network/config.toml", "/srv/network/model.bundle"
DEADLINE_SECONDS = 900.0


def test_frames_are_those_that_were_sent(raspberry: Userland, tmp_path: Path) -> None:
    """Protects RTSP on a Raspberry Pi: every frame, in order, through TLS, too, which that FFmpeg has to have."""
    with FakeRtsp() as camera, FakeRtsp(certificate=certificate_in(tmp_path)) as secured:
        printed = raspberry.check(PYTHON, "-m", "tests.arm.network", str(COUNT), camera.url(), secured.url())
    assert [json.loads(line) for line in printed.splitlines()] == [list(range(COUNT))] * 2


@pytest.fixture(scope="session")
def bundle(machine: Userland) -> None:
    """A model, whatever it says of what it sees."""
    file = machine.changes / BUNDLE.lstrip("/")
    file.parent.mkdir(parents=True)
    settings = ModelSettings(weights="untrained")
    write_bundle(file, prepare(settings, runtimes=["litert"]))


@pytest.fixture
def running(raspberry: Userland, bundle: None) -> Iterator[Program]:
    """`run` without torch on several cameras, with a worker for each."""
    with ExitStack() as stack:
        cameras = [stack.enter_context(FakeRtsp()) for _ in range(CAMERAS)]
        tables = [
            f'[[camera]]\nname = "camera{number}"\nsource = "{camera.url()}"\nmax_fps = 2\n'
            for number, camera in enumerate(cameras)
        ]
        more = f'[model]\nweights = "{BUNDLE}"\nruntime = "litert"\nthreads = {CAMERAS}\n[log]\nformat = "json"\n'
        (raspberry.changes / CONFIG.lstrip("/")).write_text("".join(tables) + more)
        options = ("--config", CONFIG, "--frames", str(PREDICTIONS), "--metrics-listen", "")
        command = raspberry.command(PYTHON, "-c", WITHOUT, "run", *options)
        program = Program(command, raspberry.variables(), DEADLINE_SECONDS)
        stack.callback(program.kill)
        yield program


@pytest.mark.parametrize("raspberry", ["cortex-a72"], indirect=True)
def test_run_on_several_cameras(running: Program) -> None:
    """Protects the daemon on a Raspberry Pi with network cameras: each is decoded and classified, by its workers.

    Once, for what differs between processors was looked at above, and where logits are.
    """
    done = running.wait()
    assert done.returncode == 0, done
    lines = [json.loads(line) for line in running.lines]
    classified = {line["camera"]: line["classified"] for line in lines if "captured" in line}
    print(classified)
    assert set(classified) == {f"camera{number}" for number in range(CAMERAS)}
    assert min(classified.values()) >= 1
    assert sum(classified.values()) == PREDICTIONS

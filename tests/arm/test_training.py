"""Own classes on the instruction set of a Raspberry Pi: learnt there, and run there."""

import json
import shutil
from pathlib import Path

import pytest

from tests.arm.conftest import PROGRAM, TEST_DATA
from tests.arm.userland import Userland
from tests.training.folders import COLOURS, make

COMMAND = f"{PROGRAM}/bin/pi-classifier"
DATA, BUNDLE = "/srv/training/data", "/srv/training/own.bundle"
WEIGHTS = f"{TEST_DATA}/weights/mobilenet_v2_qnnpack_torchvision.pth"
TWO = {name: COLOURS[name] for name in ("red", "blue")}


@pytest.mark.parametrize("raspberry", ["cortex-a72"], indirect=True)
def test_head_is_learnt_and_runs(raspberry: Userland, machine: Userland, tmp_path: Path) -> None:
    """Protects training on a Pi 4: it ends, where float layers hang under OMP_THREAD_LIMIT, with a bundle that runs.

    Its two programs were found equal there, too: LiteRT is installed.
    """
    folder = machine.changes / DATA.lstrip("/")
    shutil.copytree(make(tmp_path / "learnt", TWO, count=20), folder)
    shown = machine.changes / "srv/training/shown"
    shutil.copytree(make(tmp_path / "shown", TWO, count=1), shown)
    told = raspberry.check(COMMAND, "train", DATA, "--output", BUNDLE, "--weights", WEIGHTS)
    assert "learnt from 30 pictures; accuracy: " in told
    found = raspberry.check(COMMAND, "classify", "--json", "--weights", BUNDLE, "/srv/training/shown")
    best = [json.loads(line)["predictions"][0]["label"] for line in found.splitlines()]
    assert sorted(best) == ["blue", "red"]

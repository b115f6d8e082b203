"""What a frame costs on ARM, in instructions: these can be counted under emulation, where time means nothing."""

import json
import platform
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pi_classifier.prepare.store import write_prepared
from pi_classifier.prepare.torchscript import prepare
from pi_classifier.prepare.torchvision_models import ARCHITECTURES
from pi_classifier.prepare.quantise import untrained
from pi_classifier.config.schema import ModelSettings
from tests.arm.conftest import PROGRAM, PROJECT
from tests.arm.userland import HERE, Userland

FRAMES = 20
MODEL = "shufflenet_v2_x0_5"
"""A small one: what is not the model is the same with every model, and stands out more."""
EMULATOR = Path("/usr/bin/qemu-aarch64")
TRIED = "version 7.2"
LIBRARIES = {Path(f"/usr/lib/{platform.machine()}-linux-gnu"): f"/usr/lib/{platform.machine()}-linux-gnu",
             Path("/usr/lib64"): "/lib64", EMULATOR: str(EMULATOR)}  # fmt: skip
"""The emulator that takes plugins is a program of this machine, and dynamic."""


@pytest.fixture(scope="session")
def counting(raspberry: Userland) -> Userland:
    """The userland with the emulator, its plugin and a small model for either side, where `instructions` looks."""
    compiler = shutil.which("cc")
    if compiler is None or not EMULATOR.exists():
        pytest.skip("a compiler and QEMU's emulator with plugins are needed: apt install gcc libc6-dev qemu-user")
    version = subprocess.run([EMULATOR, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    if TRIED not in version:
        pytest.skip(f"QEMU's plugins are counted with as {TRIED} has them, and other versions changed that: {version}")
    folder = raspberry.changes / "srv/counting"
    folder.mkdir(parents=True, exist_ok=True)
    plugin = (compiler, "-shared", "-fPIC", "-O2", "-o", folder / "instructions.so", HERE / "instructions.c")
    subprocess.run(plugin, check=True)
    torch.backends.quantized.engine = "qnnpack"
    torch.save(untrained(ARCHITECTURES[MODEL]).state_dict(), folder / "state.pth")
    weights = ModelSettings(name=MODEL, weights=str(folder / "state.pth"))
    write_prepared(folder / "model.pt", prepare(weights))
    return replace(raspberry, binds={**raspberry.binds, **LIBRARIES})


def instructions(userland: Userland, contender: str) -> float:
    """A frame's, of a camera that is always ready, without a ranking; `contender` is one of the benchmark's."""
    task = {"frames": FRAMES, "fps": 0.0, "top_k": False}
    emulated = (
        f"{EMULATOR} -plugin /srv/counting/instructions.so -d plugin -D /srv/counting/{contender} {PROGRAM}/bin/python "
        f"{PROJECT}/benchmarks/contenders.py {contender} {MODEL} /srv/counting/model.pt /srv/counting/state.pth ''"
    )
    userland.check("/bin/sh", "-c", f"echo '{json.dumps(task)}' | {emulated}")
    counts = [int(line) for line in (userland.changes / "srv/counting" / contender).read_text().splitlines()]
    # The last two looks at the clock are the first and the last frame's.
    return (counts[-1] - counts[-2]) / FRAMES


def test_what_is_not_the_model_costs_at_most_a_third_of_the_tutorials(counting: Userland) -> None:
    """Protects the spare core of a Raspberry Pi 4: capture, pre-processing, hand-over and books stay cheap on ARM.

    The tutorial's model takes float pixels and quantises them itself; that is part of its pre-processing here.
    """
    model = instructions(counting, "bare")
    tutorial = instructions(counting, "tutorial") - model
    pipeline = instructions(counting, "pipeline") - model
    print(f"{MODEL} {model / 1e6:.1f} M, beside it the tutorial {tutorial / 1e6:.2f} M, the pipeline "
          f"{pipeline / 1e6:.2f} M instructions a frame: {pipeline / tutorial:.2f}")  # fmt: skip
    assert 0 < pipeline <= tutorial / 3

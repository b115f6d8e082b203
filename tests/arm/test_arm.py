"""The project on the instruction set of a Raspberry Pi 4 and 5: installed, exact, and in operation."""

import io
import json
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from prometheus_client.parser import text_string_to_metric_families

from pi_classifier.config.schema import ModelSettings
from pi_classifier.contracts.model import Runtime
from pi_classifier.prepare.bundle import prepare
from pi_classifier.prepare.store import write_bundle
from tests.arm.conftest import PROGRAM, PROJECT, TEST_DATA, TEST_TOOLS
from tests.arm.probe import WORKERS, logits, opened, tensors
from tests.arm.userland import Userland, network_of_this_machine
from tests.cache import cached
from tests.packages import pip, requirements
from tests.running import Program
from tests.test_without_torch import WITHOUT

PYTHON = f"{PROGRAM}/bin/python"
COMMAND = f"{PROGRAM}/bin/pi-classifier"
WEIGHTS = "mobilenet_v2_qnnpack_torchvision.pth"
PHOTOS, COUNT, THREADED_COUNT = "photos_permissive", 32, 4
SHARED_COUNT = 2
"""What every one of several workers classifies: enough for each to begin twice, and each second emulated costs."""
MAXIMUM_MB = 900
DEADLINE_SECONDS = 900.0
ACTIVATIONS: tuple[Literal["quint8", "qint8"], ...] = ("quint8", "qint8")
BUNDLES: dict[Runtime, tuple[str, ...]] = {"torchscript": ACTIVATIONS, "litert": ("quint8",)}
"""Those with programs for a runtime, by the activations of the one for TorchScript; LiteRT's are always signed."""
WITNESS = "pi_classifier_witness-1-py3-none-any.whl"
TORCH_THAT_NEEDS_ATOMICS = "torch==2.10.0"


@dataclass(frozen=True, slots=True)
class Probed:
    """What `probe.py` saw of a runtime."""

    runtime: Runtime
    machine: str
    versions: dict[str, str]
    default_engine: str
    engine: str
    tasks: int
    logits: dict[str, NDArray[np.float32]]
    """By bundle."""
    at_once: dict[str, NDArray[np.float32]]
    """Those of several workers, of the first photographs; by bundle."""


@pytest.fixture(scope="session")
def prepared(test_data: Path, real_weights: Path, machine: Userland) -> dict[str, Path]:
    """BUNDLES by their names, made on this machine; the userland sees them in /srv/models."""
    folder = machine.changes / "srv/models"
    folder.mkdir(parents=True)
    for kind in ACTIVATIONS:
        settings = ModelSettings(weights=str(real_weights), activations=kind)
        runtimes = [runtime for runtime, bundles in BUNDLES.items() if kind in bundles]
        write_bundle(folder / f"{kind}.bundle", prepare(settings, runtimes=runtimes, activations=kind))
    return {kind: folder / f"{kind}.bundle" for kind in ACTIVATIONS}


@pytest.fixture(scope="session")
def logits_of_x86(prepared: dict[str, Path], test_data: Path) -> NDArray[np.float32]:
    """What this machine's torch gives on quint8, of the first photographs."""
    model = opened(prepared["quint8"], "torchscript", threads=1)
    return logits(model.new_predictor(), tensors(model, test_data / PHOTOS, count=COUNT))


def probe(raspberry: Userland, runtime: Runtime, *, threads: int, count: int, shared: int = 0) -> Probed:
    """The first photographs classified on the emulated processor, by each program; `shared` of them by workers, too."""
    files = [f"/srv/models/{bundle}.bundle" for bundle in BUNDLES[runtime]]
    numbers = map(str, (threads, count, shared))
    arguments = (runtime, *numbers, f"{TEST_DATA}/{PHOTOS}", "/srv/logits.npz", *files)
    printed = raspberry.check(PYTHON, "-W", "ignore", "-m", "tests.arm.probe", *arguments)
    with np.load(raspberry.changes / "srv/logits.npz") as saved:
        one, several = (dict(zip(BUNDLES[runtime], saved[name], strict=True)) for name in ("logits", "at_once"))
    return Probed(runtime, **json.loads(printed), logits=one, at_once=several)


@pytest.fixture(scope="session", params=BUNDLES)
def probed(request: pytest.FixtureRequest, prepared: dict[str, Path], raspberry: Userland) -> Probed:
    """What one thread of a runtime finds."""
    return probe(raspberry, request.param, threads=1, count=COUNT, shared=SHARED_COUNT)


def test_installation_is_small_and_without_cuda(installed: Path) -> None:
    """Protects the SD card: the installer pulls no CUDA package, and all it installs is under 900 MB."""
    packages = sorted(path.name for path in (installed / PROGRAM.lstrip("/")).rglob("*.dist-info"))
    print(" ".join(name.removesuffix(".dist-info") for name in packages))
    assert any(name.startswith("torch-2.9.1") for name in packages)
    assert not [name for name in packages if name.startswith(("nvidia", "cuda", "triton"))]
    used = int(subprocess.run(["du", "-sm", installed], capture_output=True, text=True, check=True).stdout.split()[0])
    print(f"{used} MB installed")
    assert used < MAXIMUM_MB


def test_installation_compiles_only_what_is_imported(installed: Path) -> None:
    """Protects the time that an installation takes: to compile all modules takes a Pi longer than to download them."""
    program = installed / PROGRAM.lstrip("/")
    modules, compiled = (len(list(program.rglob(pattern))) for pattern in ("*.py", "*.pyc"))
    print(f"{compiled} of {modules} modules compiled")
    assert 0 < compiled < modules / 2


def test_32_bit_index_beside_the_usual_one_is_passed_over(machine: Userland, project: Path) -> None:
    """Protects Raspberry Pi OS, whose pip.conf adds an index of 32-bit wheels: newer ones there tempt nobody."""
    index = machine.changes / "srv/piwheels"
    # There alone, and asked for with the rest: where it is found, the index has been read.
    witness = index / "pi-classifier-witness"
    witness.mkdir(parents=True)
    (witness / "index.html").write_text(f'<a href="{WITNESS}">{WITNESS}</a>', encoding="utf-8")
    with zipfile.ZipFile(witness / WITNESS, "w") as wheel:
        information = "pi_classifier_witness-1.dist-info"
        wheel.writestr(f"{information}/METADATA", "Metadata-Version: 2.1\nName: pi-classifier-witness\nVersion: 1\n")
        wheel.writestr(f"{information}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{information}/RECORD", "")
    for name, version in (("numpy", "2.99"), ("pillow", "13.99"), ("opencv_contrib_python_headless", "5.0.99")):
        folder = index / name.replace("_", "-")
        folder.mkdir(parents=True)
        file = f"{name}-{version}-cp311-cp311-linux_armv7l.whl"
        (folder / file).touch()
        (folder / "index.html").write_text(f'<a href="{file}">{file}</a>', encoding="utf-8")
    wanted = requirements(project)
    binds, variables = network_of_this_machine()
    online = replace(machine, binds={**machine.binds, **binds}, environment={**machine.environment, **variables})
    extra = f"{online.environment.get('PIP_EXTRA_INDEX_URL', '')} file:///srv/piwheels"
    report = json.loads(
        online.check(
            "/usr/bin/env", f"PIP_EXTRA_INDEX_URL={extra}",
            PYTHON, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--report", "-",
            *wanted, witness.name,
        )
    )  # fmt: skip
    files = [Path(item["download_info"]["url"].partition("#")[0]).stem for item in report["install"]]
    print(*files)
    assert len(files) > len(wanted)
    assert Path(WITNESS).stem in files
    assert all(file.endswith(("_aarch64", "-any")) for file in files)


@pytest.mark.parametrize("probed", ["torchscript"], indirect=True)
def test_engine_is_qnnpack_whatever_torch_takes_by_default(probed: Probed) -> None:
    """Protects speed: the prepared file's engine is in force, not the build's default, which is 25 times slower."""
    print(f"torch {probed.versions['torch']} on {probed.machine} takes {probed.default_engine} by default")
    assert probed.machine == "aarch64"
    assert probed.engine == "qnnpack"


def test_logits_are_those_of_x86(probed: Probed, logits_of_x86: NDArray[np.float32]) -> None:
    """Protects exactness across machines and runtimes: a bundle that x86 made gives its logits on ARM, bit for bit.

    So do XNNPACK's fast kernels: torch's on qint8, and LiteRT's.
    """
    print(f"{COUNT} photographs on {probed.versions}")
    assert len(logits_of_x86) == COUNT
    for bundle, found in probed.logits.items():
        assert np.array_equal(found, logits_of_x86), bundle


def test_as_many_threads_as_configured(probed: Probed, raspberry: Userland) -> None:
    """Protects the cores that are not the model's: two threads more are two more, and the answers stay the same."""
    three = probe(raspberry, probed.runtime, threads=3, count=THREADED_COUNT)
    assert three.tasks - probed.tasks == 2
    for bundle, found in three.logits.items():
        assert np.array_equal(found, probed.logits[bundle][:THREADED_COUNT]), bundle


def test_workers_give_the_same_bits(probed: Probed) -> None:
    """Protects several cameras: predictors that compute at once, on threads of their own, give what one alone gives."""
    for bundle, found in probed.at_once.items():
        alone = probed.logits[bundle][:SHARED_COUNT]
        assert np.array_equal(found, np.broadcast_to(alone, (WORKERS, *alone.shape))), bundle


def test_table_is_the_tutorials_arithmetic(raspberry: Userland, test_data: Path) -> None:
    """Protects exactness on this architecture: the tests of pre-processing pass here as they do on x86."""
    print(
        raspberry.check(
            "/usr/bin/env", "--chdir", PROJECT, f"PYTHONPATH={PROJECT}:{TEST_TOOLS}",
            PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider",
            "tests/runtimes/test_preprocess.py",
            "tests/runtimes/test_exactness.py::test_photographs_preprocess_as_the_tutorial_does",
        ).splitlines()[-1]
    )  # fmt: skip


def test_classify_names_what_x86_names(raspberry: Userland, prepared: dict[str, Path], test_data: Path) -> None:
    """Protects the answers: every photograph gets the label on ARM that it gets on x86."""
    arguments = ("classify", "--json", "--top-k", "1", "--weights")
    there = raspberry.check(COMMAND, *arguments, "/srv/models/qint8.bundle", f"{TEST_DATA}/{PHOTOS}")
    here = subprocess.run(
        [sys.executable, "-m", "pi_classifier", *arguments, prepared["quint8"], test_data / PHOTOS],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    ).stdout
    assert named(there) == named(here)
    assert len(named(here)) > 20


def named(lines: str) -> dict[str, str]:
    """The best label by the file's name."""
    answers = [json.loads(line) for line in lines.splitlines()]
    return {Path(answer["input"]).name: answer["predictions"][0]["label"] for answer in answers}


@dataclass(frozen=True, slots=True)
class Daemon:
    """How a runtime's daemon is started, and what it must say that it is."""

    command: tuple[str, ...]
    weights: str
    engine: str
    activations: str


DAEMONS: dict[Runtime, Daemon] = {
    "torchscript": Daemon((COMMAND,), f"{TEST_DATA}/weights/{WEIGHTS}", "qnnpack", "qint8"),
    "litert": Daemon((PYTHON, "-c", WITHOUT), "/srv/models/quint8.bundle", "xnnpack", "int8"),
}
"""torch's makes its own bundle, with the activations that it chooses; LiteRT's could not import torch."""


@pytest.fixture(params=DAEMONS)
def running(
    request: pytest.FixtureRequest, raspberry: Userland, prepared: dict[str, Path], free_port: int
) -> Iterator[tuple[Program, int, Daemon]]:
    """`run` on a video, and its metrics' port."""
    daemon = DAEMONS[request.param]
    command = raspberry.command(
        *daemon.command, "run", "--source", f"{TEST_DATA}/videos/bottle-detection.mp4", "--runtime", request.param,
        "--weights", daemon.weights, "--frames", "20", "--metrics-listen", f"127.0.0.1:{free_port}",
    )  # fmt: skip
    program = Program(command, raspberry.variables(), DEADLINE_SECONDS)
    yield program, free_port, daemon
    program.kill()


def test_run_logs_and_serves_metrics(running: tuple[Program, int, Daemon]) -> None:
    """Protects the daemon on a Raspberry Pi: it names what a video shows, in the log and in the metrics."""
    program, port, daemon = running
    program.wait_for_line("water bottle")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=DEADLINE_SECONDS) as answer:
        families = {family.name: family for family in text_string_to_metric_families(answer.read().decode())}
    assert families["pi_classifier_frames_classified"].samples[0].value >= 1
    assert families["pi_classifier_top1_class_id"].samples[0].value == 898
    model = families["pi_classifier_model_info"].samples[0].labels
    assert (model["engine"], model["activations"]) == (daemon.engine, daemon.activations)
    done = program.wait()
    assert done.returncode == 0, done
    print(done.stdout.splitlines()[-1])
    assert "= 20 classified" in done.stdout


@pytest.fixture(scope="session")
def foreign_torch(machine: Userland) -> str:
    """Where the userland sees a torch that a Raspberry Pi 4 cannot run."""

    def fetch(folder: Path) -> None:
        platforms = ("--platform", "manylinux_2_28_aarch64", "--only-binary", ":all:", "--python-version", "3.11")
        pip("download", "--no-deps", *platforms, "--dest", folder, TORCH_THAT_NEEDS_ATOMICS)

    (wheel,) = cached("foreign-torch", [TORCH_THAT_NEEDS_ATOMICS], fetch).glob("*.whl")
    folder = machine.changes / "srv/foreign-torch"
    with zipfile.ZipFile(io.BytesIO(wheel.read_bytes())) as archive:
        archive.extractall(folder)
    return "/srv/foreign-torch"


def test_doctor_sees_a_torch_that_cannot_run_here(raspberry: Userland, foreign_torch: str) -> None:
    """Protects from the release that dies on a Pi 4: doctor names it, why, and which to take; a Pi 5 runs it."""
    report = json.loads(
        raspberry.run("/usr/bin/env", f"PYTHONPATH={foreign_torch}:{PROJECT}", COMMAND, "doctor", "--json").stdout
    )
    (torch,) = (finding for finding in report["findings"] if finding["name"] == "torch")
    print(torch)
    if raspberry.processor == "cortex-a72":
        assert torch["state"] == "problem"
        assert "SIGILL" in torch["seen"]
        assert "torch==2.9.1" in torch["remedy"]
    else:
        assert torch["state"] == "ok"

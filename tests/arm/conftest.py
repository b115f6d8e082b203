"""One arm64 userland for all the tests, with the project installed in it by its own installer."""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from pi_classifier.system.environment import ENVIRONMENT
from tests.arm.dockerfile import DOCKERFILE, Recipe, execute, read
from tests.arm.userland import HERE, PROCESSORS, Userland, network_of_this_machine
from tests.cache import cached
from tests.packages import commands, pip, requirements

PROJECT = "/srv/project"
TEST_DATA = "/srv/data"
TEST_TOOLS = "/srv/test-tools"
PROGRAM = "/opt/pi-classifier"
INSTALLED_BY = ("systemd/install.sh", "constraints.txt")


def installed_from(project: Path) -> list[str]:
    """What decides what an installation puts in place, but for the package itself: tests import their working tree.

    Not the whole of setup.cfg: other lint settings are no reason to install for minutes again.
    """
    files = [project / name for name in INSTALLED_BY]
    return [
        *requirements(project),
        *requirements(project, "litert"),
        *requirements(project, "onnx"),
        *requirements(project, "web"),
        *requirements(project, "mqtt"),
        *commands(project),
        *(file.read_text() for file in files if file.exists()),
    ]


@pytest.fixture(scope="session")
def debian() -> Path:
    """An arm64 Debian as it is before the project comes, made on first use."""
    if sys.platform != "linux" or platform.machine() == "aarch64":
        pytest.skip("this machine is no Linux on another architecture; on aarch64 'make test' is the test")
    for command in ((HERE / "enter.sh", "/", "true"), (HERE / "build-userland.sh",)):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == os.EX_UNAVAILABLE:
            pytest.skip(done.stderr.splitlines()[-1])
        assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


@pytest.fixture(scope="session")
def recipe(project: Path) -> Recipe:
    """The project's Dockerfile."""
    return read(project / DOCKERFILE)


class Layers(NamedTuple):
    """What is put on the Debian, kept until the pins change."""

    installed: Path
    """By the installer: the very packages that a Raspberry Pi gets."""
    container: Path
    """By the Dockerfile."""


@pytest.fixture(scope="session")
def layers(debian: Path, project: Path, recipe: Recipe) -> Layers:
    """Both at the same time, for pip takes minutes of one processor under emulation."""
    pins = [debian.name, *installed_from(project)]

    def install(layer: Path) -> None:
        binds, variables = network_of_this_machine()
        bare = Userland((debian,), layer, {project: PROJECT, **binds}, {**variables, "ONNX": "1"})
        bare.check(f"{PROJECT}/systemd/install.sh", "environment", PROGRAM)

    def contain(layer: Path) -> None:
        execute(recipe, debian, layer, project)

    with ThreadPoolExecutor() as both:
        installed = both.submit(cached, "arm64-installed", pins, install)
        container = both.submit(cached, "arm64-container", [debian.name, *recipe.steps, *pins[1:]], contain)
        return Layers(installed.result(), container.result())


@pytest.fixture(scope="session")
def installed(layers: Layers) -> Path:
    """The layer that the installer makes."""
    return layers.installed


@pytest.fixture(scope="session")
def test_tools(project: Path) -> Path:
    """The packages that tests need, which are the same on every architecture."""
    wanted = requirements(project, "test")
    pure = ("--platform", "any", "--only-binary", ":all:", "--python-version", "3.11")
    return cached("test-tools", wanted, lambda folder: pip("install", *pure, "--target", folder, *wanted))


@pytest.fixture(scope="session")
def machine(
    debian: Path, installed: Path, test_tools: Path, project: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Userland]:
    """The userland, to run things in; its Python imports this working tree."""
    binds = {project: PROJECT, test_tools: TEST_TOOLS}
    if data := os.environ.get("PI_CLASSIFIER_TEST_DATA"):
        binds[Path(data).resolve()] = TEST_DATA
    changes = tmp_path_factory.mktemp("userland") / "changes"
    changes.mkdir()
    yield Userland(
        (installed, debian),
        changes,
        binds,
        {
            **ENVIRONMENT,
            "PYTHONPATH": PROJECT,
            "PYTHONDONTWRITEBYTECODE": "1",
            "HYPOTHESIS_STORAGE_DIRECTORY": "/tmp/hypothesis",  # noqa: S108 - in the userland
            "PI_CLASSIFIER_TEST_DATA": TEST_DATA,
            "CACHE_DIRECTORY": "/var/cache/pi-classifier",
        },
    )
    shutil.rmtree(changes)


@pytest.fixture(scope="session", params=PROCESSORS)
def raspberry(request: pytest.FixtureRequest, machine: Userland) -> Userland:
    """The userland on the processor of one Raspberry Pi after the other."""
    return machine.on(request.param)

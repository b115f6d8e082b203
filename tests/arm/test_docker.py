"""The Dockerfile, its steps executed one by one in the userland: that needs no container engine."""

import json
import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest
from dockerfile_parse import DockerfileParser

from tests.arm.conftest import TEST_DATA, installed_from
from tests.arm.userland import Userland, network_of_this_machine
from tests.cache import cached

DOCKERFILE = "deploy/docker/Dockerfile"
BASE = "debian:bookworm-slim"
"""What the userland is but for its size."""
CONTEXT_MOUNT = "--mount=type=bind,target=/src "
HEALTHY_OR_GONE = "{entrypoint} {command} & until {check}; do kill -0 $! || exit 3; sleep 1; done; kill $!; wait $!"


EXECUTED = {"FROM", "RUN", "ENV", "USER", "ENTRYPOINT", "CMD", "HEALTHCHECK"}
WITHOUT_EFFECT_HERE = {"COMMENT", "ARG", "VOLUME", "EXPOSE"}


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the Dockerfile says."""

    steps: list[str]
    environment: dict[str, str]
    user: str
    entrypoint: list[str]
    command: list[str]
    check: list[str]


def read(dockerfile: Path) -> Recipe:
    """The steps in order and the last word of each other instruction; an unknown instruction is an error."""
    parts = [(part["instruction"], part["value"]) for part in DockerfileParser(path=str(dockerfile)).structure]
    last = dict(parts)
    assert last.keys() <= EXECUTED | WITHOUT_EFFECT_HERE, last.keys()
    assert last["FROM"] == BASE
    return Recipe(
        steps=[" ".join(value.removeprefix(CONTEXT_MOUNT).split()) for name, value in parts if name == "RUN"],
        environment=dict(word.split("=", 1) for word in shlex.split(last["ENV"])),
        user=last["USER"],
        entrypoint=json.loads(last["ENTRYPOINT"]),
        command=json.loads(last["CMD"]),
        check=json.loads(last["HEALTHCHECK"].partition("CMD ")[2]),
    )


@pytest.fixture(scope="session")
def recipe(project: Path) -> Recipe:
    """The project's Dockerfile."""
    return read(project / DOCKERFILE)


@pytest.fixture(scope="session")
def container(
    debian: Path, project: Path, recipe: Recipe, tmp_path_factory: pytest.TempPathFactory, test_data: Path
) -> Userland:
    """What the steps make, with the environment of the container."""
    binds, variables = network_of_this_machine()

    def build(layer: Path) -> None:
        bare = Userland((debian,), layer, {project: "/src", **binds}, variables)
        for step in recipe.steps:
            bare.check("/bin/sh", "-c", step)

    layer = cached("arm64-container", [debian.name, *recipe.steps, *installed_from(project)], build)
    changes = tmp_path_factory.mktemp("container") / "changes"
    changes.mkdir()
    environment = {**recipe.environment, "PYTHONPATH": "/src"}  # this working tree, whatever the kept layer was made of
    return Userland((layer, debian), changes, {test_data: TEST_DATA, project: "/src"}, environment)


def as_user(container: Userland, recipe: Recipe) -> tuple[str, ...]:
    """What an engine does with USER: the number's own group, and all groups that it is in."""
    group = container.check("id", "-g", recipe.user).strip()
    return ("/usr/bin/setpriv", "--reuid", recipe.user, "--regid", group, "--init-groups")


def test_container_runs_unprivileged_and_its_health_check_answers(
    container: Userland, recipe: Recipe, free_port: int
) -> None:
    """Protects containers: as its own user, the entry point runs, and the health check tells when it predicts."""
    assert int(recipe.user) > 0
    script = HEALTHY_OR_GONE.format(
        entrypoint=shlex.join(recipe.entrypoint), command=shlex.join(recipe.command), check=shlex.join(recipe.check)
    )
    printed = container.check(
        "/usr/bin/env",
        f"PI_CLASSIFIER_METRICS__LISTEN=127.0.0.1:{free_port}",
        f"PI_CLASSIFIER_MODEL__WEIGHTS={TEST_DATA}/weights/mobilenet_v2_qnnpack_torchvision.pth",
        "PI_CLASSIFIER_CAMERA__0__SOURCE=synthetic:",
        *as_user(container, recipe), "/bin/sh", "-c", script,
    )  # fmt: skip
    print(printed)
    assert "camera: last prediction" in printed
    assert "camera done: " in printed


def test_container_may_read_cameras(container: Userland, recipe: Recipe) -> None:
    """Protects cameras handed to a container: its user is in the group that owns their nodes."""
    assert "video" in container.check(*as_user(container, recipe), "id", "-nG").split()


def test_unknown_instruction_is_not_skipped(tmp_path: Path) -> None:
    """Protects this test: what it does not know how to execute, it refuses."""
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text(f"FROM {BASE}\nSTOPSIGNAL SIGINT\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="STOPSIGNAL"):
        read(dockerfile)

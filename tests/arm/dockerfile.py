"""The Dockerfile, its steps executed one by one in the userland: that needs no container engine."""

import json
import shlex
from dataclasses import dataclass
from pathlib import Path

from dockerfile_parse import DockerfileParser

from tests.arm.userland import Userland, network_of_this_machine

DOCKERFILE = "deploy/docker/Dockerfile"
BASE = "debian:bookworm-slim"
"""What the userland is but for its size."""
CONTEXT_MOUNT = "--mount=type=bind,target=/src "
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


def execute(recipe: Recipe, debian: Path, layer: Path, project: Path) -> None:
    """Its steps, on a Debian, into a layer."""
    binds, variables = network_of_this_machine()
    bare = Userland((debian,), layer, {project: "/src", **binds}, variables)
    for step in recipe.steps:
        bare.check("/bin/sh", "-c", step)

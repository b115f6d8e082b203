"""The container image, built and run by a real engine."""

import json
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from tests.guest.conftest import WHEELHOUSE
from tests.guest.engine import LIMITS, Engine, engine
from tests.waiting import eventually

BASE = "docker.io/library/debian:bookworm-slim"
"""What the Dockerfile begins with."""
IMAGE = "pi-classifier"


@pytest.fixture(scope="module")
def built(
    packages: Future[dict[str, Path]], project: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """An engine that has built the image, as `make docker` does, with Python packages from a folder."""
    folder = tmp_path_factory.mktemp("image")
    running = engine(folder, BASE)
    (folder / "pip.conf").write_text("[global]\nno-index = yes\nfind-links = /wheelhouse\n")
    running.check(
        "build", "--format", "docker", "--layers=false", "--pull=never", "--net=host", *LIMITS,
        "--volume", f"{packages.result()[WHEELHOUSE]}:/wheelhouse:ro",
        "--volume", f"{folder / 'pip.conf'}:/etc/pip.conf:ro",
        "--file", project / "deploy" / "docker" / "Dockerfile", "--tag", IMAGE, project,
    )  # fmt: skip
    yield running
    running.run("rmi", "--all", "--force")  # gigabytes


def test_image_runs_and_its_health_check_answers(built: Engine, free_port: int) -> None:
    """Protects containers: the image classifies as its own user, is healthy by its own check, and ends when asked."""
    variables = {
        "PI_CLASSIFIER_METRICS__LISTEN": f"127.0.0.1:{free_port}",
        "PI_CLASSIFIER_MODEL__WEIGHTS": "demo",
        "PI_CLASSIFIER_CAMERA__0__SOURCE": "synthetic:",
    }
    settings = [word for name, value in variables.items() for word in ("--env", f"{name}={value}")]
    with built.container("healthy", *settings, IMAGE) as name:

        def is_healthy() -> bool:
            assert built.check("inspect", "--format", "{{.State.Running}}", name).strip() == "true"
            return built.run("healthcheck", "run", name).returncode == 0

        eventually(is_healthy, "healthy container", every=0.5)
        health = json.loads(built.check("inspect", "--format", "{{json .State.Health}}", name))
        assert health["Status"] == "healthy"
        assert "camera: last prediction" in health["Log"][-1]["Output"]
        assert "uid=10001(" in built.check("exec", name, "id")
        built.check("stop", "--time", "60", name)
        assert built.check("inspect", "--format", "{{.State.ExitCode}}", name).strip() == "0"


def test_image_without_its_daemon_is_unhealthy(built: Engine, free_port: int) -> None:
    """Protects orchestrators: a container in which nothing classifies does not pass for healthy."""
    listen = f"PI_CLASSIFIER_METRICS__LISTEN=127.0.0.1:{free_port}"
    with built.container("idle", "--env", listen, "--entrypoint", "sleep", IMAGE, "infinity") as name:
        assert built.run("healthcheck", "run", name).returncode == 1


def test_image_says_in_one_line_what_is_wrong(built: Engine) -> None:
    """Protects who mounts a configuration: a fault in it is one line and exit code 78, in a container as anywhere."""
    done = built.run("run", "--rm", "--net=host", *LIMITS, IMAGE, "run", "--threads", "none")
    assert done.returncode == 78
    assert len([line for line in done.stderr.splitlines() if "threads" in line]) == 1

"""The container that the Dockerfile's steps make."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.arm.conftest import TEST_DATA, Layers
from tests.arm.dockerfile import BASE, Recipe, read
from tests.arm.userland import Userland
from tests.training.folders import COLOURS, make, picture

HEALTHY_OR_GONE = "{entrypoint} {command} & until {check}; do kill -0 $! || exit 3; sleep 1; done; kill $!; wait $!"


@pytest.fixture(scope="session")
def container(
    layers: Layers,
    debian: Path,
    project: Path,
    recipe: Recipe,
    tmp_path_factory: pytest.TempPathFactory,
    test_data: Path,
) -> Userland:
    """What the steps make, with the environment of the container."""
    changes = tmp_path_factory.mktemp("container") / "changes"
    changes.mkdir()
    environment = {**recipe.environment, "PYTHONPATH": "/src"}  # this working tree, whatever the kept layer was made of
    return Userland((layers.container, debian), changes, {test_data: TEST_DATA, project: "/src"}, environment)


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


def test_own_classes_run_in_a_container(
    container: Userland, recipe: Recipe, real_weights: Path, tmp_path: Path
) -> None:
    """Protects who learns elsewhere: a bundle of own classes is mounted, named by a variable, and runs there."""
    place = container.changes / "srv" / "own"
    place.mkdir(parents=True)
    train = [sys.executable, "-m", "pi_classifier", "train", str(make(tmp_path / "colours", count=20))]
    subprocess.run([*train, "--output", str(place / "own.bundle"), "--weights", str(real_weights)], check=True)
    first, *others = [picture(COLOURS["red"], seed) for seed in range(50, 80)]
    first.save(place / "red.gif", save_all=True, append_images=others, duration=200)
    printed = container.check(
        "/usr/bin/env",
        "PI_CLASSIFIER_MODEL__WEIGHTS=/srv/own/own.bundle",
        "PI_CLASSIFIER_CAMERA__0__SOURCE=file:/srv/own/red.gif",
        "PI_CLASSIFIER_LOG__INTERVAL_SECONDS=0.1",
        "PI_CLASSIFIER_METRICS__LISTEN=",
        "PI_CLASSIFIER_RUN__FRAMES=5",
        *as_user(container, recipe), *recipe.entrypoint, *recipe.command,
    )  # fmt: skip
    assert "% red, " in printed


def test_container_may_read_cameras(container: Userland, recipe: Recipe) -> None:
    """Protects cameras handed to a container: its user is in the group that owns their nodes."""
    assert "video" in container.check(*as_user(container, recipe), "id", "-nG").split()


def test_unknown_instruction_is_not_skipped(tmp_path: Path) -> None:
    """Protects this test: what it does not know how to execute, it refuses."""
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text(f"FROM {BASE}\nSTOPSIGNAL SIGINT\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="STOPSIGNAL"):
        read(dockerfile)

"""podman, with storage of its own."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cache import cached

HERE = Path(__file__).parent
COMMAND_SECONDS = 1800.0
LIMITS = ("--ulimit", "nofile=1024:20000", "--ulimit", "nproc=1024:1024")
"""podman would raise them to what a machine may not have."""


class Engine:
    """A container engine that needs neither systemd nor a network of its own."""

    def __init__(self, storage: Path) -> None:
        # runc takes every kind of control groups.
        self._command = ("podman", "--root", str(storage / "root"), "--runroot", str(storage / "run"),
                         "--runtime", "runc", "--cgroup-manager", "cgroupfs")  # fmt: skip

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Give it a command, however that ends."""
        command = [*self._command, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False)

    def check(self, *arguments: str | Path) -> str:
        """Give it a command that must succeed, and return what it printed."""
        done = self.run(*arguments)
        assert done.returncode == 0, f"{arguments}\nexit status {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    @contextmanager
    def container(self, name: str, *options: str) -> Iterator[str]:
        """Run a container while the context lasts, in this machine's network; `options` end with the image."""
        self.check("run", "--detach", "--name", name, "--net=host", *LIMITS, *options)
        try:
            yield name
        finally:
            self.run("rm", "--force", "--time", "0", name)


def engine(storage: Path, base: str) -> Engine:
    """One that has the image `base`, made of Debian's packages."""
    for tool in ("podman", "runc"):
        if not shutil.which(tool):
            pytest.skip(f"{tool} is missing: apt install podman runc")
    if os.getuid() != 0:
        pytest.skip("root is needed for a container in this machine's network")
    script = HERE / "build-base.sh"
    archive = cached("container-base", [script.read_text()], lambda folder: _build(script, folder / "base.tar"))
    running = Engine(storage)
    running.check("import", "--quiet", archive / "base.tar", base)
    return running


def _build(script: Path, archive: Path) -> None:
    done = subprocess.run([script, archive], capture_output=True, text=True, check=False)
    if done.returncode == os.EX_UNAVAILABLE:
        pytest.skip(done.stderr.splitlines()[-1])
    assert done.returncode == 0, done.stderr

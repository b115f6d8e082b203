"""An arm64 Debian, its programs run by QEMU's user emulation, and the folders that it is made of."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

HERE = Path(__file__).parent
COMMAND_SECONDS = 1800.0
"""Deadlines only end what hangs: an emulated processor is slow, and one on a busy machine slower still."""
PROCESSORS = {"cortex-a72": "Raspberry Pi 4", "cortex-a76": "Raspberry Pi 5"}


@dataclass(frozen=True, slots=True)
class Userland:
    """Read-only layers, the uppermost first, and above them a folder that takes every change."""

    layers: tuple[Path, ...]
    changes: Path
    binds: Mapping[Path, str]
    """Folders and files of the host, and where they are seen, read-only."""
    environment: Mapping[str, str]
    processor: str = "cortex-a72"

    def on(self, processor: str) -> "Userland":
        """The same, on another of PROCESSORS."""
        return replace(self, processor=processor)

    def command(self, *command: str | Path) -> list[str]:
        """What to run on the host, as root and with `variables()`, for a command to run inside."""
        binds = [argument for outside, inside in self.binds.items() for argument in ("--bind", f"{outside}:{inside}")]
        layers = ":".join(map(str, self.layers))
        return [str(HERE / "enter.sh"), *binds, "--layers", layers, str(self.changes), *map(str, command)]

    def variables(self) -> dict[str, str]:
        """The environment of a command."""
        return {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/root",
            "LANG": "C.UTF-8",
            "QEMU_CPU": self.processor,
            **self.environment,
        }

    def run(self, *command: str | Path, timeout: float = COMMAND_SECONDS) -> subprocess.CompletedProcess[str]:
        """Run a command, whatever its exit status."""
        return subprocess.run(
            self.command(*command),
            env=self.variables(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )

    def check(self, *command: str | Path, timeout: float = COMMAND_SECONDS) -> str:
        """Run a command that must succeed, and return what it printed."""
        done = self.run(*command, timeout=timeout)
        assert done.returncode == 0, f"{command}\nexit status {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout


def network_of_this_machine() -> tuple[dict[Path, str], dict[str, str]]:
    """What pip needs to find the packages that this machine's own pip finds: files to bind, and an environment."""
    names = ("/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt")
    variables = ("PIP_", "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
    return (
        {Path(name): name for name in names if Path(name).exists()},
        {name: value for name, value in os.environ.items() if name.startswith(variables)},
    )

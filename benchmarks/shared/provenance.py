"""Where a result comes from: the machine, the versions, and the command that repeats it."""

import os
import platform
import shlex
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Machine:
    """Where it was measured, by what, and how to do so again."""

    cpu: str
    architecture: str
    cores: int
    """That this process may use."""
    load: float
    """Processes that wanted a core, on average over the minute before: a busy machine measures itself."""
    python: str
    torch: str
    torchvision: str
    command: str

    @classmethod
    def here(cls) -> "Machine":
        """This machine, and this program as it was called."""
        return cls(
            cpu=_cpu(),
            architecture=os.uname().machine,
            cores=len(os.sched_getaffinity(0)),
            load=round(os.getloadavg()[0], 1),
            python=platform.python_version(),
            torch=version("torch"),
            torchvision=version("torchvision"),
            command=_command(),
        )

    def briefly(self, *libraries: str) -> str:
        """In a few words, with the libraries that matter and their versions."""
        return ", ".join([f"{self.architecture}, {self.cores} cores, Python {self.python}", *libraries])

    def __str__(self) -> str:
        return (
            f"{self.cpu} ({self.architecture}), {self.cores} cores, load {self.load} before, "
            f"Python {self.python}, torch {self.torch}, torchvision {self.torchvision}: `{self.command}`"
        )


def _cpu() -> str:
    """The board's name where the firmware tells it, as a Raspberry Pi's does, else the processor's."""
    board = Path("/proc/device-tree/model")
    if board.exists():
        return board.read_text(encoding="utf-8").rstrip("\0")
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return "unknown processor"


def _command() -> str:
    return shlex.join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *map(_public, sys.argv[1:])])


def _public(argument: str) -> str:
    """Files by their names: where they lie is nobody else's business. Devices are the same everywhere."""
    # `--weights=FILE`, and what a benchmark pairs with a file: `resnet18=FILE`.
    option, equals, value = argument.partition("=") if "=" in argument else ("", "", argument)
    path = Path(value)
    shown = path.name if path.is_absolute() and not path.is_relative_to("/dev") else value
    return f"{option}{equals}{shown}"

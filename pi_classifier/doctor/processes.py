"""Who holds a device or a socket open."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    """A running process. Its arguments are not kept: they may hold passwords."""

    pid: int
    name: str
    ours: bool
    """Whether it is pi-classifier."""

    def __str__(self) -> str:
        return f"{'pi-classifier' if self.ours else self.name} (process {self.pid})"


@dataclass(frozen=True, slots=True)
class Holders:
    """Who has something open, as far as this user may see."""

    processes: tuple[Process, ...]
    complete: bool
    """Whether every process could be looked into; other users' only root may."""

    def __str__(self) -> str:
        return ", ".join(map(str, self.processes))


def holders(target: str, root: Path = Path("/")) -> Holders:
    """The processes with a descriptor of `target`, as /proc shows it: `/dev/video0`, `socket:[1234]`."""
    found = []
    # Where /proc hides what is others' (hidepid), the first process is not even listed.
    complete = (root / "proc/1").exists()
    for folder in (root / "proc").glob("[0-9]*"):
        try:
            if _holds(folder / "fd", target):
                found.append(_process(folder))
        except PermissionError:
            complete = False
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
    return Holders(tuple(sorted(found, key=lambda process: process.pid)), complete)


def _holds(descriptors: Path, target: str) -> bool:
    for descriptor in descriptors.iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            if str(descriptor.readlink()) == target:
                return True
    return False


def _process(folder: Path) -> Process:
    name = (folder / "comm").read_bytes().decode(errors="replace").strip()
    # The interpreter, its options, the script or module: what comes behind are arguments.
    words = [os.fsdecode(word) for word in (folder / "cmdline").read_bytes().split(b"\0")[:4]]
    ours = any(Path(word).name in ("pi-classifier", "pi_classifier") for word in words)
    return Process(int(folder.name), name, ours)

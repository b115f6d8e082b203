"""What Linux says of a running process, and what a result needs to say of where it came from."""

import os
import platform
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class ProcessFigures:
    """What a process holds at one moment."""

    rss_mb: float
    """Resident memory, in units of 2**20 bytes."""
    descriptors: int
    """Open file descriptors."""
    threads: int


def process_figures(pid: int) -> ProcessFigures:
    """The figures of a process of this user. Raises OSError if it has ended."""
    process = Path(f"/proc/{pid}")
    resident_pages = int((process / "statm").read_text(encoding="ascii").split()[1])
    return ProcessFigures(
        rss_mb=resident_pages * PAGE_BYTES / 2**20,
        descriptors=sum(1 for _ in (process / "fd").iterdir()),
        threads=sum(1 for _ in (process / "task").iterdir()),
    )


def machine() -> str:
    """Where something was measured, in a few words."""
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def command() -> str:
    """How this benchmark was called."""
    return shlex.join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *map(_public, sys.argv[1:])])


def _public(word: str) -> str:
    """Files by their names: where they lie is nobody else's business. Devices are the same everywhere."""
    option, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
    path = Path(value)
    shown = path.name if path.is_absolute() and not path.is_relative_to("/dev") else value
    return f"{option}{equals}{shown}"

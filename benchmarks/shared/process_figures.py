"""What Linux says of a running process."""

import os
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

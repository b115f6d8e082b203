"""A process and all that it started, as one: what programs cost that are several."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")
PARENT, USER, SYSTEM = 1, 11, 12
"""Of what /proc/PID/stat says after the program's name: the parent's id, and processor time in ticks."""


def process_tree(pid: int) -> list[int]:
    """The process and its descendants."""
    parents = dict(_parents())
    family = [pid]
    for member in family:
        family += [child for child, parent in parents.items() if parent == member]
    return family


def cpu_seconds(pids: Sequence[int]) -> float:
    """Processor time of all threads so far, to a hundredth of a second each. Raises OSError where one has ended."""
    fields = map(_stat, pids)
    return TICK_SECONDS * sum(int(one[USER]) + int(one[SYSTEM]) for one in fields)


def pss_mb(pids: Sequence[int]) -> float:
    """Memory in units of 2**20 bytes; what processes share counts once. Raises OSError where one has ended."""
    return sum(map(_pss_kb, pids)) / 1024


def _parents() -> Iterator[tuple[int, int]]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            yield int(folder.name), int(_stat(int(folder.name))[PARENT])
        except OSError:
            continue  # it has ended meanwhile


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()


def _pss_kb(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise LookupError(f"/proc/{pid}/smaps_rollup has no Pss")

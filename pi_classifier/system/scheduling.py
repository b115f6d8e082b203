"""This process's share of the processor."""

import os
from collections.abc import Collection

from pi_classifier.errors import ConfigError


def claim(*, nice: int, cpus: Collection[int]) -> None:
    """Set priority and affinity; threads that start later inherit them.

    Args:
        nice: 0 leaves the priority as it is; 1 to 19 is less, -1 to -20 more of the processor.
        cpus: numbers of the processors to run on; empty leaves that as it is.

    Raises:
        ConfigError: no such processors, or no right to a higher priority.
    """
    if cpus:
        try:
            os.sched_setaffinity(0, cpus)
        except OSError:
            here = ", ".join(map(str, sorted(os.sched_getaffinity(0))))
            raise ConfigError(
                f"run.cpus = {sorted(cpus)}: this process may run on {here}", remedy="name some of these"
            ) from None
    if nice:
        try:
            os.setpriority(os.PRIO_PROCESS, 0, nice)
        except PermissionError:
            raise ConfigError(
                f"run.nice = {nice} needs privileges", remedy="take 0 to 19, or set Nice= in the unit"
            ) from None

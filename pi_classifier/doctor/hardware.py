"""What the machine has to give: power, coolness, memory, room on the card."""

import os
from collections.abc import Callable
from pathlib import Path

from pi_classifier.doctor.finding import Finding, State
from pi_classifier.doctor.machine import Machine
from pi_classifier.system.soc import Soc

HOT_CELSIUS = 80.0
"""From here on the firmware slows the processor down (Raspberry Pi documentation, "Frequency management")."""
RUNNING_MB = 450
"""What the daemon takes, and a little more."""
CACHE_MB = 50
"""Downloaded weights, the prepared file, and the copy that a prepared file is while it is written."""
INSTALLING_MB = 1200
"""An upgrade is built beside the version that it replaces."""

StatVfs = Callable[[Path], os.statvfs_result]


def temperature(soc: Soc) -> Finding:
    """Whether the processor is about to be slowed down."""
    celsius = soc.temperature_celsius()
    if celsius is None:
        return Finding("temperature", State.OK, "no sensor")
    if celsius < HOT_CELSIUS:
        return Finding("temperature", State.OK, f"{celsius:.0f} degrees Celsius")
    return Finding(
        "temperature", State.WARNING, f"{celsius:.0f} degrees Celsius: it is slowed down", "give it a heat sink or fan"
    )


def power(soc: Soc, machine: Machine) -> Finding:
    """Whether the firmware has had to slow the processor down, and whether for want of power or of cooling."""
    name, reported = "power and throttling", soc.throttled()
    if not reported and machine.is_raspberry_pi:
        return Finding(name, State.UNKNOWN, "the firmware does not report it", "try again with sudo")
    if not reported:
        return Finding(name, State.OK, "the machine does not report it")
    now = [condition.replace("_", " ") for (condition, when), met in reported.items() if met and when == "now"]
    before = [
        condition.replace("_", " ") for (condition, when), met in reported.items() if met and when == "since_boot"
    ]
    seen = "; ".join(
        [f"now: {', '.join(now)}"] * bool(now) + [f"since it was booted: {', '.join(before)}"] * bool(before)
    )
    if "under voltage" in now + before:
        remedy = "take the power supply made for this model and a short, thick cable; cameras may need a powered hub"
        return Finding(name, State.PROBLEM if "under voltage" in now else State.WARNING, seen, remedy)
    if seen:
        return Finding(name, State.WARNING, seen, "give it a heat sink or fan, then reboot to forget the past")
    only = "" if len(reported) > 1 else " (throttling is reported to the group video alone)"
    return Finding(name, State.OK, f"no under-voltage{only}" if only else "neither under-voltage nor throttling")


def memory(machine: Machine) -> Finding:
    """Whether the daemon fits."""
    figures = machine.memory_mb
    if not figures:
        return Finding(
            "memory", State.UNKNOWN, "/proc/meminfo does not report it", f"see that {RUNNING_MB} MB are free"
        )
    total, free = figures.get("MemTotal", 0), figures.get("MemAvailable", 0) + figures.get("SwapFree", 0)
    seen = f"{free} of {total} MB free, swap counted"
    if total + figures.get("SwapTotal", 0) < RUNNING_MB:
        return Finding("memory", State.PROBLEM, f"{seen}; {RUNNING_MB} are needed", "add swap, or take a larger model")
    if free < RUNNING_MB:
        remedy = "close other programs or add swap; needless where pi-classifier itself is running"
        return Finding("memory", State.WARNING, f"{seen}; {RUNNING_MB} are needed", remedy)
    return Finding("memory", State.OK, seen)


def room(name: str, folder: Path, needed_mb: int, lack: State, statvfs: StatVfs = os.statvfs) -> Finding:
    """Whether there is room where `folder` lies or will be made, and whether that place can be written at all."""
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    figures = statvfs(existing)
    free_mb = figures.f_bavail * figures.f_frsize // 1_000_000
    if figures.f_flag & os.ST_RDONLY:
        remedy = "mount it writable; a card that became read-only by itself is failing: see 'sudo dmesg'"
        return Finding(name, lack, f"{existing} is mounted read-only", remedy)
    if free_mb < needed_mb:
        return Finding(name, lack, f"{free_mb} MB free at {existing}; {needed_mb} are needed", "make room there")
    return Finding(name, State.OK, f"{free_mb} MB free at {existing}")

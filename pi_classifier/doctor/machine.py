"""The machine as its files tell it, and who asks."""

import os
import platform
import struct
import sys
from dataclasses import dataclass, field
from pathlib import Path

UNIT = Path("etc/systemd/system/pi-classifier.service")
SERVICE_USER = "pi-classifier"


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine whose file system is mounted at `root`; the defaults are those of this one and this process."""

    root: Path = Path("/")
    architecture: str = field(default_factory=platform.machine)
    """The kernel's: `aarch64` on a 32-bit Raspberry Pi OS, too, where the kernel alone is 64-bit."""
    python_bits: int = struct.calcsize("P") * 8
    python: tuple[int, int] = sys.version_info[:2]
    user_id: int = field(default_factory=os.geteuid)
    group_ids: frozenset[int] = field(default_factory=lambda: frozenset([os.getegid(), *os.getgroups()]))

    def read(self, path: str | Path) -> str:
        """The text of a file below `root`; empty where there is none or it is forbidden."""
        try:
            return (self.root / path).read_bytes().decode(errors="replace")
        except OSError:
            return ""

    @property
    def model(self) -> str:
        """`Raspberry Pi 4 Model B Rev 1.4`; empty on a machine without a device tree."""
        return self.read("proc/device-tree/model").strip("\0\n ")

    @property
    def is_raspberry_pi(self) -> bool:
        """Whether the firmware says so."""
        return "Raspberry Pi" in self.model

    @property
    def os_release(self) -> dict[str, str]:
        """The fields of /etc/os-release (os-release(5))."""
        lines = (line.partition("=") for line in self.read("etc/os-release").splitlines())
        return {key.strip(): value.strip().strip("\"'") for key, _, value in lines}

    @property
    def cpu_features(self) -> frozenset[str]:
        """What the kernel says the first core can do; `Features` on Arm, `flags` on x86."""
        for line in self.read("proc/cpuinfo").splitlines():
            key, _, value = line.partition(":")
            if key.strip() in ("Features", "flags"):
                return frozenset(value.split())
        return frozenset()

    @property
    def memory_mb(self) -> dict[str, int]:
        """The lines of /proc/meminfo that count kB, in MB: `MemTotal`, `MemAvailable`, `SwapFree`."""
        lines = (line.split() for line in self.read("proc/meminfo").splitlines())
        return {words[0].rstrip(":"): int(words[1]) * 1024 // 1_000_000 for words in lines if words[2:] == ["kB"]}

    @property
    def has_service(self) -> bool:
        """Whether pi-classifier is installed as a service."""
        return (self.root / UNIT).exists()

    def user_name(self, user_id: int) -> str:
        """By /etc/passwd; empty where that does not know."""
        users = (line.split(":") for line in self.read("etc/passwd").splitlines())
        return next((user[0] for user in users if user[2:3] == [str(user_id)]), "")

    def group(self, name: str) -> tuple[int, frozenset[str]] | None:
        """Number and members of a group by /etc/group, without those who have it for their first."""
        for line in self.read("etc/group").splitlines():
            group = line.split(":")
            if group[0] == name and len(group) == 4:
                return int(group[2]), frozenset(group[3].split(","))
        return None

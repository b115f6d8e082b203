"""Temperature and throttling of a Raspberry Pi's processor, where the machine tells."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

CONDITIONS = ("under_voltage", "frequency_capped", "throttled", "soft_temperature_limit")
"""By bit of `vcgencmd get_throttled`: 0 to 3 as they are now, 16 to 19 the same since boot
(Raspberry Pi documentation, "vcgencmd")."""


class Soc(NamedTuple):
    """Reads the machine each time it is asked.

    `root` is where /sys is mounted; `vcgencmd` the program's name or path.
    """

    root: Path = Path("/")
    vcgencmd: str = "vcgencmd"

    def temperature_celsius(self) -> float | None:
        """Of the first thermal zone, which on a Raspberry Pi is the processor's; None where there is none."""
        try:
            text = (self.root / "sys/class/thermal/thermal_zone0/temp").read_text(encoding="ascii")
            return int(text) / 1000
        except (OSError, ValueError):
            # A sensor may refuse a single reading: then there is none this time.
            return None

    def throttled(self) -> dict[tuple[str, str], bool]:
        """By (condition, `now` or `since_boot`); empty where the machine does not tell.

        `vcgencmd` knows all conditions but needs the group `video`; without it, under-voltage alone is told by hwmon.
        """
        answer = self._ask_firmware() if shutil.which(self.vcgencmd) else ""
        if match := re.search(r"throttled=0x([0-9a-fA-F]+)", answer):
            bits = int(match[1], 16)
            return {
                (condition, when): bool(bits >> (bit + shift) & 1)
                for bit, condition in enumerate(CONDITIONS)
                for when, shift in (("now", 0), ("since_boot", 16))
            }
        for hwmon in sorted((self.root / "sys/class/hwmon").glob("hwmon*")):
            if _read(hwmon / "name") == "rpi_volt":
                return {("under_voltage", "now"): _read(hwmon / "in0_lcrit_alarm") == "1"}
        return {}

    def _ask_firmware(self) -> str:
        # A firmware that does not answer must not take the scrape with it.
        try:
            return subprocess.run(
                [self.vcgencmd, "get_throttled"], capture_output=True, text=True, timeout=1, check=False
            ).stdout
        except (subprocess.TimeoutExpired, OSError):
            return ""


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""

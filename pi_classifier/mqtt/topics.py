"""What the topics are called. `docs/mqtt.md` has the table."""

import re
from collections.abc import Iterable
from typing import NamedTuple

PREFIX = "pi-classifier"
ONLINE, OFFLINE = b"online", b"offline"
"""Of the topics `availability`."""
ILLEGAL = re.compile(r"[^A-Za-z0-9_-]")
"""In a name that Home Assistant discovers by (its `TOPIC_MATCHER`), and in a user's to which a pattern of mosquitto's
access control list applies."""


class Topics(NamedTuple):
    """The topics of one daemon."""

    node: str
    """Its name, of letters, digits, '_' and '-'."""

    @property
    def availability(self) -> str:
        """`online` or `offline`: the daemon. Its last will is here."""
        return f"{PREFIX}/{self.node}/availability"

    def camera_availability(self, camera: str) -> str:
        """`online` or `offline`: whether it delivers frames."""
        return self._of(camera, "availability")

    def state(self, camera: str) -> str:
        """What the camera shows."""
        return self._of(camera, "state")

    def event(self, camera: str) -> str:
        """What began and what ended."""
        return self._of(camera, "event")

    def status(self, camera: str) -> str:
        """How fast it is."""
        return self._of(camera, "status")

    def snapshot(self, camera: str) -> str:
        """What it looked like."""
        return self._of(camera, "snapshot")

    def group(self, group: str) -> str:
        """What several cameras show at one moment. A level deeper than a camera's, which may have any name."""
        return f"{PREFIX}/{self.node}/group/{group}/event"

    def to_try(self, camera: str) -> list[str]:
        """A camera's topics that an empty message does no harm to: in the place of a snapshot it would be one."""
        names = ("availability", "state", "event", "status")
        return [self._of(camera, one) for one in names]

    def _of(self, camera: str, what: str) -> str:
        return f"{PREFIX}/{self.node}/{camera}/{what}"


def node_name(configured: str, username: str, host_name: str) -> str:
    """What this daemon is called in topics: as configured, else as the user, else as the machine."""
    return ILLEGAL.sub("_", configured or username or host_name.partition(".")[0]) or "raspberrypi"


def legal_names(names: Iterable[str]) -> dict[str, str]:
    """Each name with '_' in the place of what is illegal, and a number where two would be the same."""
    legal: dict[str, str] = {}
    for name in names:
        base = candidate = ILLEGAL.sub("_", name)
        number = 2
        while candidate in legal.values():
            candidate = f"{base}_{number}"
            number += 1
        legal[name] = candidate
    return legal

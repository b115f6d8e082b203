"""What one check found."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How bad it is. Only a problem must be fixed before the daemon can do its work."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    UNKNOWN = "unknown"
    """It could not be found out, or nobody has tried such a thing."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found, in words."""

    name: str
    state: State
    seen: str
    remedy: str = ""
    """What to do; empty only where all is well."""

"""What is seen of a daemon while `soak` watches it."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Sample:
    """The daemon at one scrape; counts are of all its cameras together, since its start."""

    seconds: float
    """Since the daemon's first prediction was seen."""
    rss_mb: float
    descriptors: int
    threads: int
    captured: int
    classified: int
    dropped: int
    age_sum: float
    """Seconds, of all predictions."""
    age_count: int


@dataclass(slots=True)
class Run:
    """What came of one run of the daemon."""

    samples: list[Sample] = field(default_factory=list)
    exit_code: int | None = None
    ended_early: bool = False
    """The daemon ended before it was asked to."""
    totals: dict[str, int] = field(default_factory=lambda: {"captured": 0, "classified": 0})
    """The daemon's own, from its last lines."""
    dropped: Counter[str] = field(default_factory=Counter)

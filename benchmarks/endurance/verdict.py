"""Whether something grows, or does not add up."""

import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.endurance.soak_figures import Run, Sample

MEMORY_MB_PER_HOUR = 5.0
MEMORY_NOISE_MB = 2.0


@dataclass(frozen=True, slots=True)
class Drift:
    """How a series moved, in the series' own unit."""

    first: float
    """Median of the first tenth."""
    last: float
    """Median of the last tenth."""
    per_hour: float
    """Slope of the least-squares line."""

    @property
    def rise(self) -> float:
        """From the first tenth to the last."""
        return self.last - self.first


def drift(seconds: Sequence[float], values: Sequence[float]) -> Drift:
    """The drift of a series over time; both sequences have the same length, at least 2."""
    tenth = max(1, len(values) // 10)
    slope, _ = statistics.linear_regression(seconds, values)
    return Drift(statistics.median(values[:tenth]), statistics.median(values[-tenth:]), slope * 3600)


def drifts(samples: Sequence[Sample]) -> dict[str, Drift]:
    """The drift of everything that is watched, the first tenth of the samples left out; empty if there are too few."""
    steady = samples[len(samples) // 10 :]
    pairs = [(one, other) for one, other in itertools.pairwise(steady) if other.age_count > one.age_count]
    if len(pairs) < 2:
        return {}
    at = [sample.seconds for sample in steady]
    ends = [other.seconds for _, other in pairs]
    rates = [(other.classified - one.classified) / (other.seconds - one.seconds) for one, other in pairs]
    ages = [1e3 * (other.age_sum - one.age_sum) / (other.age_count - one.age_count) for one, other in pairs]
    return {
        "rss_mb": drift(at, [sample.rss_mb for sample in steady]),
        "descriptors": drift(at, [sample.descriptors for sample in steady]),
        "threads": drift(at, [sample.threads for sample in steady]),
        "fps": drift(ends, rates),
        "frame_age_ms": drift(ends, ages),
    }


def findings(run: Run) -> list[str]:
    """What is wrong, a sentence each; empty where all is well."""
    moved = drifts(run.samples)
    wrong = [] if moved else ["too few scrapes to judge by"]
    if moved:
        memory = moved["rss_mb"]
        if memory.per_hour > MEMORY_MB_PER_HOUR and memory.rise > MEMORY_NOISE_MB:
            wrong.append(f"memory grows by {memory.per_hour:.1f} MB an hour")
        wrong += [
            f"{name} grow from {moved[name].first:g} to {moved[name].last:g}"
            for name in ("descriptors", "threads")
            if moved[name].rise >= 1
        ]
    if unbalanced := sum(one.captured != one.classified + one.dropped for one in run.samples):
        wrong.append(f"{unbalanced} scrapes do not add up")
    if not balances(run):
        wrong.append("the totals do not add up")
    if run.ended_early or run.exit_code != 0:
        wrong.append(f"the daemon ended {'by itself ' if run.ended_early else ''}with code {run.exit_code}")
    return wrong


def balances(run: Run) -> bool:
    """Whether the daemon's totals add up, and are no less than what was scraped last."""
    captured, classified = run.totals["captured"], run.totals["classified"]
    scraped = run.samples[-1].captured if run.samples else 0
    return captured == classified + run.dropped.total() and captured >= scraped

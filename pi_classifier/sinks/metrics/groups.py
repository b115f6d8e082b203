"""Cameras in step, in numbers."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram

from pi_classifier.contracts.group import Group
from pi_classifier.sinks.metrics.at_scrape import PREFIX

SKEW_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0)
"""Fine around 33 and 67 ms, an interval at 30 and at 15 frames a second: less than one is what can be had."""
LATENCY_BUCKETS = (0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0, 2.0, 5.0)


class GroupMetrics:
    """Counts and measures groups. A `GroupSink`."""

    def __init__(self, registry: CollectorRegistry, groups: Sequence[str]) -> None:
        """`registry`: what is scraped; `groups`: their names."""
        skews = Histogram(
            f"{PREFIX}group_skew_seconds",
            "Time from the first frame of a group to its last.",
            ("group",),
            buckets=SKEW_BUCKETS,
            registry=registry,
        )
        latencies = Histogram(
            f"{PREFIX}group_latency_seconds",
            "Time from a group's moment until it was complete, or was waited for no longer.",
            ("group",),
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )
        totals = Counter(
            f"{PREFIX}groups",
            "Groups, by whether they have a frame of every camera.",
            ("group", "complete"),
            registry=registry,
        )
        # Children are looked up once, and are there from the first scrape on: rate() needs the zero.
        self._observers = {
            group: (
                skews.labels(group).observe,
                latencies.labels(group).observe,
                totals.labels(group, "true").inc,
                totals.labels(group, "false").inc,
            )
            for group in groups
        }

    def offer_group(self, group: Group) -> None:
        """Count and measure one group."""
        skew, latency, complete, incomplete = self._observers[group.name]
        skew(group.skew)
        latency(group.latency)
        if group.missing:
            incomplete()
        else:
            complete()

"""The metrics of groups."""

import pytest
from prometheus_client import CollectorRegistry

from pi_classifier.sinks.metrics.groups import GroupMetrics
from tests.fakes import group_of, prediction_of


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    """One sample of the group that all are of."""
    return registry.get_sample_value(f"pi_classifier_{name}", {"group": "table", **labels})


def test_groups_are_counted_and_measured() -> None:
    """Protects the dashboard: complete and incomplete apart, skew and latency in seconds, zeros before the first."""
    registry = CollectorRegistry()
    metrics = GroupMetrics(registry, ["table", "hall"])
    assert value(registry, "groups_total", complete="true") == 0
    assert value(registry, "groups_total", complete="false") == 0
    left, right = (prediction_of(camera=camera) for camera in ("left", "right"))
    for _ in range(3):
        metrics.offer_group(group_of(left, right))
    metrics.offer_group(group_of(left, missing=["right"]))
    assert value(registry, "groups_total", complete="true") == 3
    assert value(registry, "groups_total", complete="false") == 1
    assert value(registry, "group_skew_seconds_sum") == pytest.approx(0.03)
    assert value(registry, "group_skew_seconds_bucket", le="0.005") == 1
    assert value(registry, "group_latency_seconds_sum") == pytest.approx(4 * 0.05)
    assert value(registry, "group_latency_seconds_count") == 4
    assert registry.get_sample_value("pi_classifier_group_skew_seconds_count", {"group": "hall"}) == 0

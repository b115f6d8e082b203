"""A dashboard's query, put to a real Prometheus."""

import re
from typing import Any

from tests.deploy.daemon import Daemon
from tests.deploy.shipped import Dashboard, Query
from tests.live.prometheus import Prometheus, awaited


def assert_answered(query: Query, dashboard: Dashboard, daemon: Daemon, prometheus: Prometheus) -> None:
    """It finds numbers of the daemon that works, and each series has labels for its legend that no other has."""

    def series() -> list[dict[str, Any]]:
        daemon.work()
        found = prometheus.query(dashboard.filled_in(query.expression))
        return found if all(one["value"][1] not in {"NaN", "+Inf", "-Inf"} for one in found) else []

    found = awaited(series, f"numbers for {query.expression}")
    labels = re.findall(r"\{\{(\w+)\}\}", query.legend)
    assert all(one["metric"].get(label) for one in found for label in labels)
    assert len({tuple(one["metric"].get(label) for label in labels) for one in found}) == len(found) or not labels

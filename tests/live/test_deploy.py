"""A real Prometheus with the shipped configuration, alerts and dashboard."""

import re
from collections.abc import Iterator

import pytest

from tests.deploy.daemon import CAMERAS, Daemon
from tests.deploy.shipped import CONFIG, MACHINE, RULES, Query, alerts
from tests.live.dashboards import assert_answered
from tests.live.prometheus import Prometheus, awaited, scraping


@pytest.fixture(scope="module")
def prometheus(daemon: Daemon, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that runs the shipped configuration, only faster and on other targets.

    It scrapes the daemon under two names: a query that works for one machine alone fails.
    """
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "rules.yml").write_text(
        RULES.read_text(encoding="utf-8").replace("interval: 15s", "interval: 500ms"), encoding="utf-8"
    )
    targets = f"127.0.0.1:{daemon.port}\n          - localhost:{daemon.port}"
    config = CONFIG.read_text(encoding="utf-8").replace("raspberrypi:9100", targets)
    with scraping(folder, re.sub(r"\b1[05]s\b", "500ms", config)) as running:
        yield running


@pytest.mark.parametrize("query", MACHINE.queries(), ids=lambda query: query.panel)
def test_prometheus_answers_every_query_of_the_dashboard(query: Query, daemon: Daemon, prometheus: Prometheus) -> None:
    """Protects every panel: Prometheus understands its query, finds numbers, and has each label of its legend."""
    assert_answered(query, MACHINE, daemon, prometheus)


@pytest.mark.parametrize("name", MACHINE.variables)
def test_variables_offer_what_there_is(name: str, daemon: Daemon, prometheus: Prometheus) -> None:
    """Protects the dashboard's choices of job, machine and camera, and so every panel below them."""
    found = re.fullmatch(r"label_values\((.+), (\w+)\)", MACHINE.variables[name]["query"]["query"])
    assert found, "a query of another kind"
    machines = [f"127.0.0.1:{daemon.port}", f"localhost:{daemon.port}"]
    expected = {"job": ["pi-classifier"], "instance": machines, "camera": list(CAMERAS)}[name]
    matching = {"match[]": MACHINE.filled_in(found[1])}
    awaited(lambda: prometheus.ask(f"label/{found[2]}/values", **matching) == expected, f"{expected} for {name}")


def test_prometheus_evaluates_every_alert(prometheus: Prometheus) -> None:
    """Protects the alerts from errors that only real data bring, such as two machines with cameras of one name."""

    def judged() -> dict[str, str]:
        groups = prometheus.ask("rules")["groups"]
        health = {rule["name"]: rule.get("lastError") or rule["health"] for rule in groups[0]["rules"]}
        return {} if "unknown" in health.values() else health

    assert awaited(judged, "all rules evaluated") == dict.fromkeys(alerts(), "ok")


def test_lost_camera_raises_its_alert(daemon: Daemon, prometheus: Prometheus) -> None:
    """Protects the way from a lost camera to its alert through a real scrape: on each machine, for this camera."""

    def waiting() -> set[tuple[str, str, str]]:
        found = [one["labels"] for one in prometheus.ask("alerts")["alerts"]]
        return {(one["alertname"], one["camera"], one["instance"]) for one in found if "camera" in one}

    down = {("PiClassifierCameraDown", "door", f"{host}:{daemon.port}") for host in ("127.0.0.1", "localhost")}
    daemon.statistics["door"].camera_failed("lost", "unplugged")
    try:
        awaited(lambda: down <= waiting(), "the alert")
        assert {one for one in waiting() if one[0] == "PiClassifierCameraDown"} == down
    finally:
        daemon.work()
    awaited(lambda: not down & waiting(), "the all-clear")

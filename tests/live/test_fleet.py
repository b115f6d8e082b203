"""A real Prometheus with the shipped configuration, rules and dashboard of a fleet."""

import re
from collections.abc import Iterator

import pytest

from tests.deploy.daemon import Daemon
from tests.deploy.shipped import FLEET, FLEET_CONFIG, FLEET_RULES, RULES, Query, alerts, recorded
from tests.live.dashboards import assert_answered
from tests.live.prometheus import Prometheus, awaited, scraping
from tests.running import unused_port


@pytest.fixture(scope="module")
def prometheus(daemon: Daemon, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that runs the shipped configuration of a fleet, only faster.

    One node at Berlin and one that names neither site nor node answer; nothing at Oslo does.
    """
    folder = tmp_path_factory.mktemp("prometheus")
    for rules in (RULES, FLEET_RULES):
        text = rules.read_text(encoding="utf-8").replace("interval: 15s", "interval: 500ms")
        (folder / rules.name).write_text(text, encoding="utf-8")
    (folder / "targets").mkdir()
    (folder / "targets" / "sites.yml").write_text(
        f"- targets: ['127.0.0.1:{daemon.port}']\n  labels: {{site: berlin, node: garden}}\n"
        f"- targets: ['localhost:{daemon.port}']\n"
        f"- targets: ['127.0.0.1:{unused_port()}']\n  labels: {{site: oslo, node: yard}}\n"
        f"- targets: ['127.0.0.1:{unused_port()}']\n  labels: {{site: oslo, node: roof}}\n"
    )
    config = re.sub(r"\b1[05]s\b", "500ms", FLEET_CONFIG.read_text(encoding="utf-8"))
    with scraping(folder, config) as running:
        yield running


@pytest.mark.parametrize("query", FLEET.queries(), ids=lambda query: query.panel)
def test_prometheus_answers_every_query_of_the_fleet(query: Query, daemon: Daemon, prometheus: Prometheus) -> None:
    """Protects every panel: Prometheus understands its query, finds numbers, and has each label of its legend."""
    assert_answered(query, FLEET, daemon, prometheus)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("job", ["pi-classifier"]),
        ("site", ["berlin", "none", "oslo"]),
        ("node", ["garden", "localhost", "roof", "yard"]),
    ],
)
def test_variables_offer_sites_and_nodes(name: str, expected: list[str], prometheus: Prometheus) -> None:
    """Protects the choices of the fleet's dashboard, and targets that say nothing: they have a node and a site, too."""
    found = re.fullmatch(r"label_values\((?:(.+), )?(\w+)\)", FLEET.variables[name]["query"]["query"])
    assert found, "a query of another kind"
    matching = {"match[]": FLEET.filled_in(found[1])}
    awaited(lambda: prometheus.ask(f"label/{found[2]}/values", **matching) == expected, f"{expected} for {name}")


def test_prometheus_evaluates_every_rule(prometheus: Prometheus) -> None:
    """Protects alerts and sums from errors that only several sites bring."""

    def judged() -> dict[str, str]:
        groups = prometheus.ask("rules")["groups"]
        health = {rule["name"]: rule.get("lastError") or rule["health"] for group in groups for rule in group["rules"]}
        return {} if "unknown" in health.values() else health

    names = [*alerts(), *(one.panel for one in recorded())]
    assert awaited(judged, "all rules evaluated") == dict.fromkeys(names, "ok")


def test_site_without_an_answer_raises_one_alert(prometheus: Prometheus) -> None:
    """Protects whoever is woken: a whole site that is gone is one alert, and none of each of its machines."""

    def waiting() -> list[tuple[str, str]]:
        found = [one["labels"] for one in prometheus.ask("alerts")["alerts"]]
        return [
            (one["alertname"], one["site"]) for one in found if one["alertname"].endswith(("TargetDown", "SiteDown"))
        ]

    awaited(lambda: waiting() == [("PiClassifierSiteDown", "oslo")], "the site's alert, alone")

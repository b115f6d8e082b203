"""What an operator deploys: alerts and dashboard, held to the metrics as the daemon serves them."""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pi_classifier.sinks.metrics.at_scrape import PREFIX
from tests.deploy.daemon import Daemon, serving
from tests.deploy.shipped import (
    CONFIG,
    DASHBOARDS,
    DEPLOY,
    FLEET,
    FLEET_CONFIG,
    FLEET_RULES,
    FLEET_RULES_TEST,
    MACHINE,
    RULES,
    RULES_TEST,
    Dashboard,
    Query,
    alert_queries,
    alerts,
    recorded,
)
from tests.waiting import DEADLINE_SECONDS

needs_promtool = pytest.mark.skipif(
    not shutil.which("promtool"), reason="promtool is not installed: apt install prometheus"
)

# What a query reads


class Selector(NamedTuple):
    """A metric's name and the labels that are asked of it: (name, operator, value)."""

    metric: str
    matchers: list[tuple[str, str, str]]


def read_query(expression: str) -> tuple[list[Selector], set[str]]:
    """The selectors of a query, and the labels that it groups or joins by."""
    listed = r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)"
    grouping = {label.strip() for found in re.findall(listed, expression) for label in found.split(",")}
    rest = re.sub(r"\[[^\]]*\]", "", re.sub(listed, "", expression))
    # A name that no parenthesis follows is a metric's, unless it is an operator.
    words = re.findall(r"\b([a-zA-Z_:][\w:]*)\b(?!\s*\()\s*(?:\{([^}]*)\})?", rest)
    selectors = [
        Selector(name, re.findall(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"', matchers))
        for name, matchers in words
        if name not in {"and", "or", "unless", "bool", "offset"}
    ]
    return selectors, grouping - {""}


Samples = Mapping[str, Sequence[Mapping[str, str]]]
"""The labels of every exposed sample, by the sample's name."""


def faults(expression: str, exposed: Samples) -> list[str]:
    """What a query reads that is not there."""
    selectors, grouping = read_query(expression)
    found = [f"{one} is not exposed" for one in selectors if not any(map(_fits(one), exposed.get(one.metric, ())))]
    known = {label for one in selectors for labels in exposed.get(one.metric, ()) for label in labels}
    found += [f"no metric here has the label {label}" for label in sorted(grouping - known)]
    return found if selectors else ["no metric at all"]


def _fits(selector: Selector) -> Callable[[Mapping[str, str]], bool]:
    def fits(labels: Mapping[str, str]) -> bool:
        for label, operator, value in selector.matchers:
            if label not in labels:
                return False
            # Patterns are left to Prometheus; what a target is called is the operator's choice.
            if label not in TARGET_LABELS and operator in {"=", "!="} and (labels[label] == value) != (operator == "="):
                return False
        return True

    return fits


# What the daemon exposes

TARGET_LABELS = {"job": "", "instance": "", "site": "", "node": ""}
"""What Prometheus itself puts on every sample, in a fleet."""


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    """Metrics, served as the daemon serves them."""
    with serving() as running:
        yield running


@pytest.fixture(scope="module")
def families(daemon: Daemon) -> dict[str, Samples]:
    """What a scrape brings, by the name of the family, of a classifier's daemon and of a detector's."""
    with serving(detects=True) as detector:
        return scraped(detector) | scraped(daemon)


def scraped(daemon: Daemon) -> dict[str, Samples]:
    """What a scrape brings, by the name of the family."""
    with urlopen(f"http://127.0.0.1:{daemon.port}/metrics", timeout=DEADLINE_SECONDS) as answer:
        text = answer.read().decode()
    return {
        family.name: {
            name: [{**TARGET_LABELS, **sample.labels} for sample in family.samples if sample.name == name]
            for name in {sample.name for sample in family.samples}
        }
        for family in text_string_to_metric_families(text)
    }


OF_THE_FLEET: Samples = {
    one.panel: [dict.fromkeys(read_query(one.expression)[1] | {"job", "site"} - {"le"}, "")] for one in recorded()
}
"""What fleet_rules.yml records, with the labels that it sums by."""


@pytest.fixture(scope="module")
def exposed(families: dict[str, Samples]) -> Samples:
    """All samples that a query may read: the daemon's, and the one that Prometheus adds."""
    return {"up": [TARGET_LABELS]} | {name: labels for family in families.values() for name, labels in family.items()}


# The tests


@needs_promtool
@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "config", CONFIG),
        ("check", "rules", "--lint=all", "--lint-fatal", RULES),
        ("test", "rules", RULES_TEST),
        ("check", "config", FLEET_CONFIG),
        ("check", "rules", "--lint=all", "--lint-fatal", FLEET_RULES),
        ("test", "rules", FLEET_RULES_TEST),
    ],
    ids=["config", "rules", "alerts", "fleet-config", "fleet-rules", "recorded"],
)
def test_promtool_passes_what_is_shipped(arguments: tuple[str | Path, ...]) -> None:
    """Protects an operator from files that Prometheus refuses, and from alerts that do not ring when they should."""
    answer = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_every_alert_is_tested_ringing_and_silent() -> None:
    """Protects the alerts from a rule that nobody has ever seen ring, or seen keep quiet."""
    text = RULES_TEST.read_text(encoding="utf-8")
    expected = set(re.findall(r"alertname: (\w+)\n *exp_alerts:( \[\])?\n", text))
    assert expected == {(alert, silence) for alert in alerts() for silence in ("", " []")}


def test_every_recorded_series_is_tested() -> None:
    """Protects the fleet's sums from a rule that nobody has ever seen count."""
    tested = re.findall(r"- expr: (\S+)\n", FLEET_RULES_TEST.read_text(encoding="utf-8"))
    assert tested == [one.panel for one in recorded()] != []


def test_every_alert_says_how_bad_it_is_and_what_to_do() -> None:
    """Protects whoever is woken from an alert without a remedy, here or in the README."""
    readme = (DEPLOY / "README.md").read_text(encoding="utf-8")
    assert len(alerts()) == RULES.read_text(encoding="utf-8").count("- alert:") > 0
    for alert, rule in alerts().items():
        missing = [key for key in ("for", "summary", "description") if not re.search(rf"\b{key}: \S", rule)]
        assert not missing, alert
        assert re.search(r"severity: (critical|warning|info)\n", rule), alert
        assert f"`{alert}`" in readme


def test_windows_hold_four_scrapes() -> None:
    """Protects the alerts from rate() over so short a window that one late scrape leaves it empty, and them silent."""
    interval = max(map(int, re.findall(r"scrape_interval: (\d+)s", config())))
    rules = [*alert_queries(), *recorded()]
    ranges = [length for rule in rules for length in re.findall(r"\[(.*?)\]", rule.expression)]
    windows = [60 * int(length.removesuffix("m")) for length in ranges]
    assert min(windows) >= 4 * interval
    queries = [one.expression for dashboard in DASHBOARDS for one in dashboard.queries()]
    assert all("[$__" in one for one in queries if re.search(r"\b(rate|changes)\(", one))


def config() -> str:
    """Of Prometheus, both."""
    return CONFIG.read_text(encoding="utf-8") + FLEET_CONFIG.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ('sum by (camera, le) (rate(pi_classifier_frame_age_seconds_bucket{camera=~"$camera"}[1m]))', ""),
        ("time() - pi_classifier_last_frame_timestamp_seconds > 60 and on (instance) up == 1", ""),
        ('pi_classifier_soc_throttled{condition!="throttled", job="any"}', ""),
        ("rate(pi_classifier_frames_lost_total[1m])", "pi_classifier_frames_lost_total"),
        ("pi_classifier_camera_up unless on (lens) up", "lens"),
        ('up{job="any"} * pi_classifier_camera_up{stage="rank"}', "stage"),
        ('pi_classifier_soc_throttled{condition="undervoltage"}', "undervoltage"),
        ("vector(1)", "no metric"),
    ],
)
def test_the_reader_of_queries_sees_what_is_not_there(expression: str, fault: str, exposed: Samples) -> None:
    """Protects the next two tests from a reader that overlooks names."""
    found = faults(expression, exposed)
    assert fault in " ".join(found)
    assert bool(found) == bool(fault)


@pytest.mark.parametrize("query", alert_queries() + recorded() + MACHINE.queries(), ids=lambda query: query.panel)
def test_queries_read_only_what_the_daemon_exposes(query: Query, exposed: Samples) -> None:
    """Protects alerts and dashboard from names that the daemon does not know: silent and empty for ever."""
    assert faults(query.expression, {**exposed, **OF_THE_FLEET} if query in recorded() else exposed) == []


@pytest.mark.parametrize("query", FLEET.queries(), ids=lambda query: query.panel)
def test_fleet_reads_only_what_is_exposed_or_recorded(query: Query, exposed: Samples) -> None:
    """Protects the fleet's dashboard from names that neither the daemon nor fleet_rules.yml knows."""
    assert faults(query.expression, {**exposed, **OF_THE_FLEET}) == []


def test_words_name_only_what_the_daemon_exposes(exposed: Samples) -> None:
    """Protects the reader of README and alerts from metrics that are not there."""
    texts = [path.read_text(encoding="utf-8") for path in (DEPLOY / "README.md", RULES)]
    assert set(re.findall(r"\b(?:pi_classifier|process)_\w+", "\n".join(texts))) <= set(exposed)


def test_dashboard_shows_all_that_the_daemon_exposes(families: dict[str, Samples]) -> None:
    """Protects the operator from a metric that is collected and never seen."""
    shown = {selector.metric for query in MACHINE.queries() for selector in read_query(query.expression)[0]}
    ours = {name: family for name, family in families.items() if name.startswith(PREFIX)}
    assert len(ours) > 10
    assert [name for name, family in ours.items() if not shown & set(family)] == []


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.name)
def test_dashboard_can_be_imported_anywhere(dashboard: Dashboard) -> None:
    """Protects the import into another's Grafana: no id of somebody's own, no data source but the chosen one."""
    content, panels = dashboard.content, dashboard.content["panels"]
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    parts = [*dashboard.variables.values(), *(part for panel in panels for part in (panel, *panel.get("targets", ())))]
    assert content["id"] is None
    assert content["schemaVersion"] >= 42
    assert {"datasource", *dashboard.variables} == {one["name"] for one in content["templating"]["list"]}
    assert all(part["datasource"] == chosen for part in parts if part.get("type") != "row")
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_dashboards_have_names_of_their_own() -> None:
    """Protects a Grafana that has both: the second does not take the first one's place."""
    assert len({one.content["uid"] for one in DASHBOARDS}) == len(DASHBOARDS)


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.name)
def test_panels_do_not_overlap(dashboard: Dashboard) -> None:
    """Protects the dashboard's layout: each field of Grafana's 24 columns belongs to one panel at most."""
    places = [panel["gridPos"] for panel in dashboard.content["panels"]]
    fields = [
        (x, y) for at in places for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(set(fields)) == len(fields)
    assert max(x for x, _ in fields) < 24

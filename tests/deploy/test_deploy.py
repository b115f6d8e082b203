"""What an operator deploys: alerts and dashboard, with the metrics as the daemon serves them and a real Prometheus."""

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from pi_classifier.statistics import CameraStatistics
from pi_classifier.contracts.model import ModelMetadata
from pi_classifier.contracts.prediction import Classification, Prediction, Timings
from pi_classifier.sinks import metrics
from pi_classifier.system.soc import CONDITIONS
from tests.running import Program

DEPLOY = Path(__file__).parents[1] / "deploy"
CONFIG, RULES, RULES_TEST = (DEPLOY / "prometheus" / name for name in ("prometheus.yml", "rules.yml", "rules_test.yml"))
DASHBOARD = json.loads((DEPLOY / "grafana" / "pi-classifier.json").read_text(encoding="utf-8"))
VARIABLES = {one["name"]: one for one in DASHBOARD["templating"]["list"] if one["type"] == "query"}
CAMERAS = ("door", "front")
DEADLINE_SECONDS = 120.0
"""How long a test waits for what should take a second or two: machines have bad hours."""

needs_promtool = pytest.mark.skipif(
    not shutil.which("promtool"), reason="promtool is not installed: apt install prometheus"
)
T = TypeVar("T")


class Query(NamedTuple):
    """One query of the dashboard."""

    panel: str
    expression: str
    legend: str


def dashboard_queries() -> list[Query]:
    """Of every panel, in order."""
    return [
        Query(f"{panel['id']} {panel['title']} {target['refId']}", target["expr"], target.get("legendFormat", ""))
        for panel in DASHBOARD["panels"]
        for target in panel.get("targets", ())
    ]


def alerts() -> dict[str, str]:
    """The text of each rule in rules.yml, by the alert's name, without comments."""
    text = re.sub(r"^ *#.*\n", "", RULES.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(re.findall(r"- alert: (\w+)\n(.*?)(?=\n *- alert:|\Z)", text, flags=re.DOTALL))


def alert_queries() -> list[Query]:
    """Of every alert."""
    expressions = {name: re.search(r"expr: (?:>-)?(.*?)\n *for:", rule, re.DOTALL) for name, rule in alerts().items()}
    return [Query(name, found[1] if found else "", "") for name, found in expressions.items()]


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


# The daemon's metrics, and a Prometheus that scrapes them

TARGET_LABELS = {"job": "", "instance": ""}
"""What Prometheus itself puts on every sample."""


class Daemon:
    """The metrics of a daemon with two cameras, and no daemon behind them."""

    def __init__(self, registry: CollectorRegistry, port: int) -> None:
        self.port = port
        self.accounts = {camera: CameraStatistics(camera, time.monotonic()) for camera in CAMERAS}
        self._sink = metrics.MetricsSink(
            registry,
            accounts=list(self.accounts.values()),
            card=_card(),
            labels=("water bottle",),
            versions=metrics.build_versions("0.1.0", torch="2.9.1", opencv="4.12.0"),
            temperature=lambda: 61.3,
            throttled=lambda: {(name, when): False for name in CONDITIONS for when in ("now", "since_boot")},
        )
        self.work()

    def work(self) -> None:
        """One frame of each camera is classified, and one dropped."""
        for camera, account in self.accounts.items():
            now = time.monotonic()
            account.arrived(now)
            account.dropped("stale")
            account.classified()
            top = (Classification(898, "water bottle", 0.62), Classification(737, "pop bottle", 0.09))
            timings = Timings(0.002, 0.001, 0.02, 0.0002, 0.0001, age=0.031)
            self._sink.offer(Prediction(camera, 1, now, top, timings))
            account.close_interval(now)


def _card() -> ModelCard:
    return ModelCard(
        name="mobilenet_v2",
        weights="default",
        weights_sha256="0" * 64,
        engine="qnnpack",
        activations="quint8",
        input_size=224,
        resize_size=256,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        scale=0.0186,
        zero_point=114,
        categories=("water bottle", "pop bottle"),
        torch_version="2.9.1",
    )


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    """Metrics, served as the daemon serves them."""
    port = _free_port()
    with metrics.serve(f"127.0.0.1:{port}") as registry:
        yield Daemon(registry, port)


@pytest.fixture(scope="module")
def families(daemon: Daemon) -> dict[str, Samples]:
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


@pytest.fixture(scope="module")
def exposed(families: dict[str, Samples]) -> Samples:
    """All samples that a query may read: the daemon's, and the one that Prometheus adds."""
    return {"up": [TARGET_LABELS]} | {name: labels for family in families.values() for name, labels in family.items()}


@pytest.fixture(scope="module")
def prometheus(daemon: Daemon, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Prometheus that runs the shipped configuration, only faster and on other targets.

    It scrapes the daemon under two names: a query that works for one machine alone fails.
    """
    executable = shutil.which("prometheus")
    if not executable:
        pytest.skip("prometheus is not installed: apt install prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    targets = f"127.0.0.1:{daemon.port}\n          - localhost:{daemon.port}"
    config = CONFIG.read_text(encoding="utf-8").replace("raspberrypi:9100", targets)
    (folder / "prometheus.yml").write_text(re.sub(r"\b1[05]s\b", "500ms", config), encoding="utf-8")
    (folder / "rules.yml").write_text(
        RULES.read_text(encoding="utf-8").replace("interval: 15s", "interval: 500ms"), encoding="utf-8"
    )
    address = f"127.0.0.1:{_free_port()}"
    flags = (f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data")
    program = Program([executable, *flags, f"--web.listen-address={address}"], {"GOMAXPROCS": "1"}, DEADLINE_SECONDS)
    try:
        program.wait_for(lambda: _is_ready(address), "readiness")
        yield f"http://{address}"
    finally:
        program.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_ready(address: str) -> bool:
    try:
        with urlopen(f"http://{address}/-/ready", timeout=DEADLINE_SECONDS):
            return True
    except HTTPError as error:
        error.close()
        return False
    except (URLError, ConnectionError):
        return False


def ask(prometheus: str, path: str, **parameters: str) -> Any:
    """What its HTTP API answers."""
    try:
        with urlopen(f"{prometheus}/api/v1/{path}?{urlencode(parameters)}", timeout=DEADLINE_SECONDS) as answer:
            return json.load(answer)["data"]
    except HTTPError as error:
        with error:
            raise AssertionError(f"{path} {parameters}: {error.read().decode()}") from None


def eventually(condition: Callable[[], T], what: str) -> T:
    """The first truth that `condition` tells."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not (truth := condition()):
        assert time.monotonic() < deadline, f"not within {DEADLINE_SECONDS:g} s: {what}"
        time.sleep(0.1)
    return truth


def filled_in(expression: str) -> str:
    """A query as Grafana sends it with "All" chosen everywhere."""
    for variable, value in {"__rate_interval": "1m", "__range": "1h", **dict.fromkeys(VARIABLES, ".*")}.items():
        expression = re.sub(rf"\${variable}\b", value, expression)
    assert "$" not in expression, "an unknown variable"
    return expression


# The tests


@needs_promtool
@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "config", CONFIG),
        ("check", "rules", "--lint=all", "--lint-fatal", RULES),
        ("test", "rules", RULES_TEST),
    ],
    ids=["config", "rules", "alerts"],
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


def test_every_alert_says_how_bad_it_is_and_what_to_do() -> None:
    """Protects whoever is woken from an alert without a remedy, here or in the README."""
    readme = (DEPLOY / "README.md").read_text(encoding="utf-8")
    assert len(alerts()) == RULES.read_text(encoding="utf-8").count("- alert:") > 0
    for alert, rule in alerts().items():
        missing = [key for key in ("for", "summary", "description") if not re.search(rf"\b{key}: \S", rule)]
        assert not missing, alert
        assert re.search(r"severity: (critical|warning)\n", rule), alert
        assert f"`{alert}`" in readme


def test_windows_hold_four_scrapes() -> None:
    """Protects the alerts from rate() over so short a window that one late scrape leaves it empty, and them silent."""
    interval = max(map(int, re.findall(r"scrape_interval: (\d+)s", CONFIG.read_text(encoding="utf-8"))))
    ranges = [length for alert in alert_queries() for length in re.findall(r"\[(.*?)\]", alert.expression)]
    windows = [60 * int(length.removesuffix("m")) for length in ranges]
    assert min(windows) >= 4 * interval
    assert all(
        "[$__" in one.expression for one in dashboard_queries() if re.search(r"\b(rate|changes)\(", one.expression)
    )


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


@pytest.mark.parametrize("query", alert_queries() + dashboard_queries(), ids=lambda query: query.panel)
def test_queries_read_only_what_the_daemon_exposes(query: Query, exposed: Samples) -> None:
    """Protects alerts and dashboard from names that the daemon does not know: silent and empty for ever."""
    assert faults(query.expression, exposed) == []


def test_words_name_only_what_the_daemon_exposes(exposed: Samples) -> None:
    """Protects the reader of README and alerts from metrics that are not there."""
    texts = [path.read_text(encoding="utf-8") for path in (DEPLOY / "README.md", RULES)]
    assert set(re.findall(r"\b(?:pi_classifier|process)_\w+", "\n".join(texts))) <= set(exposed)


def test_dashboard_shows_all_that_the_daemon_exposes(families: dict[str, Samples]) -> None:
    """Protects the operator from a metric that is collected and never seen."""
    shown = {selector.metric for query in dashboard_queries() for selector in read_query(query.expression)[0]}
    ours = {name: family for name, family in families.items() if name.startswith(metrics.PREFIX)}
    assert len(ours) > 10
    assert [name for name, family in ours.items() if not shown & set(family)] == []


def test_dashboard_can_be_imported_anywhere() -> None:
    """Protects the import into another's Grafana: no id of somebody's own, no data source but the chosen one."""
    panels = DASHBOARD["panels"]
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    parts = [*VARIABLES.values(), *(part for panel in panels for part in (panel, *panel.get("targets", ())))]
    assert DASHBOARD["id"] is None
    assert DASHBOARD["schemaVersion"] >= 42
    assert {"datasource", *VARIABLES} == {one["name"] for one in DASHBOARD["templating"]["list"]}
    assert all(part["datasource"] == chosen for part in parts if part.get("type") != "row")
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_panels_do_not_overlap() -> None:
    """Protects the dashboard's layout: each field of Grafana's 24 columns belongs to one panel at most."""
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    fields = [
        (x, y) for at in places for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(set(fields)) == len(fields)
    assert max(x for x, _ in fields) < 24


@pytest.mark.parametrize("query", dashboard_queries(), ids=lambda query: query.panel)
def test_prometheus_answers_every_query_of_the_dashboard(query: Query, daemon: Daemon, prometheus: str) -> None:
    """Protects every panel: Prometheus understands its query, finds numbers, and has each label of its legend."""

    def series() -> list[dict[str, Any]]:
        daemon.work()
        found: list[dict[str, Any]] = ask(prometheus, "query", query=filled_in(query.expression))["result"]
        return found if all(one["value"][1] not in {"NaN", "+Inf", "-Inf"} for one in found) else []

    found = eventually(series, f"numbers for {query.expression}")
    labels = re.findall(r"\{\{(\w+)\}\}", query.legend)
    assert all(one["metric"].get(label) for one in found for label in labels)
    assert len({tuple(one["metric"].get(label) for label in labels) for one in found}) == len(found) or not labels


@pytest.mark.parametrize("name", VARIABLES)
def test_variables_offer_what_there_is(name: str, daemon: Daemon, prometheus: str) -> None:
    """Protects the dashboard's choices of job, machine and camera, and so every panel below them."""
    found = re.fullmatch(r"label_values\((.+), (\w+)\)", VARIABLES[name]["query"]["query"])
    assert found, "a query of another kind"
    machines = [f"127.0.0.1:{daemon.port}", f"localhost:{daemon.port}"]
    expected = {"job": ["pi-classifier"], "instance": machines, "camera": list(CAMERAS)}[name]
    matching = {"match[]": filled_in(found[1])}
    eventually(lambda: ask(prometheus, f"label/{found[2]}/values", **matching) == expected, f"{expected} for {name}")


def test_prometheus_evaluates_every_alert(prometheus: str) -> None:
    """Protects the alerts from errors that only real data bring, such as two machines with cameras of one name."""

    def judged() -> dict[str, str]:
        groups = ask(prometheus, "rules")["groups"]
        health = {rule["name"]: rule.get("lastError") or rule["health"] for rule in groups[0]["rules"]}
        return {} if "unknown" in health.values() else health

    assert eventually(judged, "all rules evaluated") == dict.fromkeys(alerts(), "ok")


def test_lost_camera_raises_its_alert(daemon: Daemon, prometheus: str) -> None:
    """Protects the way from a lost camera to its alert through a real scrape: on each machine, for this camera."""

    def waiting() -> set[tuple[str, str, str]]:
        found = [one["labels"] for one in ask(prometheus, "alerts")["alerts"]]
        return {(one["alertname"], one["camera"], one["instance"]) for one in found if "camera" in one}

    down = {("PiClassifierCameraDown", "door", f"{host}:{daemon.port}") for host in ("127.0.0.1", "localhost")}
    daemon.accounts["door"].lost("lost", "unplugged", time.monotonic())
    try:
        eventually(lambda: down <= waiting(), "the alert")
        assert {one for one in waiting() if one[0] == "PiClassifierCameraDown"} == down
    finally:
        daemon.work()
    eventually(lambda: not down & waiting(), "the all-clear")

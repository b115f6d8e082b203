"""The exposition, read by a parser that is not ours."""

import platform
import shutil
import subprocess
import time
from dataclasses import dataclass

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from pi_classifier.contracts.prediction import Prediction, Timings
from pi_classifier.contracts.state import State, Steady, WatchState
from pi_classifier.sinks.metrics.at_scrape import build_versions
from pi_classifier.sinks.metrics.sink import MetricsSink
from pi_classifier.statistics import CameraStatistics
from tests.fakes import METADATA, prediction_of

DOCUMENTED = {
    "frames_captured": "counter", "frames_classified": "counter", "frames_dropped": "counter",
    "capture_errors": "counter", "camera_reconnects": "counter", "camera_up": "gauge",
    "last_frame_timestamp_seconds": "gauge", "last_prediction_timestamp_seconds": "gauge",
    "stage_duration_seconds": "histogram", "frame_age_seconds": "histogram", "frames_per_second": "gauge",
    "top1_class_id": "gauge", "top1_probability": "gauge", "label_predictions": "counter",
    "requested_frames_per_second": "gauge", "state_class_id": "gauge", "state_probability": "gauge",
    "state_since_timestamp_seconds": "gauge", "watch_active": "gauge",
    "soc_temperature_celsius": "gauge", "soc_throttled": "gauge", "model_info": "gauge", "build_info": "gauge",
}  # fmt: skip


def prediction(class_id: int, label: str) -> Prediction:
    """A prediction of one class."""
    return prediction_of((class_id, label, 0.75), sequence=7, timings=Timings(0.1, 0.002, 0.02, 0, 0, 0.03))


@dataclass
class Bench:
    """A sink and what it registers with."""

    registry: CollectorRegistry
    statistics: CameraStatistics
    sink: MetricsSink

    def text(self) -> str:
        """One scrape."""
        return generate_latest(self.registry).decode()

    def samples(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """One scrape, by name and labels."""
        return {
            (sample.name.removeprefix("pi_classifier_"), frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(self.text())
            for sample in family.samples
        }

    def value(self, name: str, /, **labels: str) -> float:
        """One sample of one scrape."""
        return self.samples()[name, frozenset(labels.items())]


FISH, BOTTLE = WatchState("fish", True, 0.9, 11.0), WatchState("bottle", False, 0.0, 1.0)
STEADY = Steady(State("tench", 0, 0.8, 12.5), (FISH, BOTTLE))


def bench(*, soc: bool = True) -> Bench:
    """A sink for one camera, on a machine that tells its temperature or not."""
    registry, statistics = CollectorRegistry(), CameraStatistics("front", 0.0)
    sink = MetricsSink(
        registry,
        statistics=[statistics],
        requested_fps={"front": 36.0},
        steady=lambda: {"front": STEADY},
        runtime="torchscript",
        metadata=METADATA,
        labels=("tench", "water bottle"),
        versions=build_versions("1", {"torch": "2"}, opencv="3"),
        temperature=lambda: 48.3 if soc else None,
        throttled=lambda: {("throttled", "now"): True, ("throttled", "since_boot"): True} if soc else {},
    )
    return Bench(registry, statistics, sink)


@pytest.fixture
def used() -> Bench:
    """Metrics after a short life: three predictions, a drop, a loss and a return."""
    used = bench()
    for class_id, label in ((0, "tench"), (0, "tench"), (5, "electric ray")):
        used.statistics.frame_arrived(1.0)
        used.statistics.frame_classified()
        used.sink.offer(prediction(class_id, label))
    used.statistics.frame_dropped("stale")
    used.statistics.camera_failed("lost", "unplugged")
    used.statistics.frame_arrived(2.0)
    return used


def test_every_documented_metric_is_there_with_its_type(used: Bench) -> None:
    """Protects dashboards: exactly the documented names, with their types."""
    families = {family.name: family.type for family in text_string_to_metric_families(used.text())}
    assert families == {f"pi_classifier_{name}": kind for name, kind in DOCUMENTED.items()}


def test_values_are_those_of_the_statistics(used: Bench) -> None:
    """Protects the numbers: what is scraped is what was counted."""
    assert used.value("frames_captured_total", camera="front") == 4
    assert used.value("frames_classified_total", camera="front") == 3
    assert used.value("frames_dropped_total", camera="front", reason="stale") == 1
    assert used.value("frames_dropped_total", camera="front", reason="corrupt") == 0
    assert used.value("capture_errors_total", camera="front", kind="lost") == 1
    assert used.value("camera_reconnects_total", camera="front") == 1
    assert used.value("camera_up", camera="front") == 1
    assert used.value("requested_frames_per_second", camera="front") == 36
    assert used.value("top1_class_id", camera="front") == 5
    assert used.value("top1_probability", camera="front") == 0.75
    assert used.value("label_predictions_total", camera="front", label="tench") == 2
    assert used.value("label_predictions_total", camera="front", label="water bottle") == 0
    assert used.value("label_predictions_total", camera="front", label="other") == 1
    assert used.value("stage_duration_seconds_count", camera="front", stage="inference") == 3
    assert used.value("stage_duration_seconds_sum", camera="front", stage="inference") == pytest.approx(0.06)
    assert used.value("stage_duration_seconds_bucket", camera="front", stage="capture_wait", le="0.075") == 0
    assert used.value("frame_age_seconds_bucket", camera="front", le="0.03") == 3
    assert used.value("soc_temperature_celsius") == 48.3
    assert used.value("soc_throttled", condition="throttled", when="now") == 1
    assert used.value("build_info", version="1", torch="2", opencv="3", python=platform.python_version()) == 1


def test_model_info_says_untrained(used: Bench) -> None:
    """Protects from believing random labels: the scrape says what the log says."""
    labels = {
        "name": "mobilenet_v2",
        "weights": "untrained",
        "runtime": "torchscript",
        "engine": "qnnpack",
        "activations": "quint8",
        "sha256": "",
    }
    assert used.value("model_info", **labels) == 1


def test_no_label_takes_a_thousand_values(used: Bench) -> None:
    """Protects Prometheus: whatever is seen, the number of series does not grow."""
    before = len(used.samples())
    for class_id in range(1000):
        used.sink.offer(prediction(class_id, f"class {class_id}"))
    assert len(used.samples()) == before


def test_machine_without_sensors_shows_none() -> None:
    """Protects from invented values: no temperature and no throttling where the machine tells neither."""
    names = {name for name, _ in bench(soc=False).samples()}
    assert not {name for name in names if name.startswith("soc_")}


def test_nothing_is_invented_before_the_first_frame() -> None:
    """Protects alerts: counters start at zero, but there is no last frame and no label yet."""
    fresh = bench()
    names = {name for name, _ in fresh.samples()}
    assert fresh.value("camera_up", camera="front") == 0
    assert fresh.value("frames_captured_total", camera="front") == 0
    assert not names & {"top1_class_id", "last_frame_timestamp_seconds", "last_prediction_timestamp_seconds"}


def test_promtool_finds_nothing_to_complain_of(used: Bench) -> None:
    """Protects the conventions: Prometheus' own linter passes on the exposition."""
    promtool = shutil.which("promtool")
    if not promtool:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    verdict = subprocess.run(
        [promtool, "check", "metrics"], input=used.text(), capture_output=True, text=True, check=False
    )
    assert (verdict.returncode, verdict.stdout + verdict.stderr) == (0, "")


def test_what_holds_still(used: Bench) -> None:
    """Protects alerts on what is seen: the state by its class id, since when, and each watch by its name."""
    assert used.value("state_class_id", camera="front") == 0
    assert used.value("state_probability", camera="front") == 0.8
    since = used.value("state_since_timestamp_seconds", camera="front")
    assert since == pytest.approx(time.time() - time.monotonic() + 12.5, abs=1)
    assert used.value("watch_active", camera="front", watch="fish") == 1
    assert used.value("watch_active", camera="front", watch="bottle") == 0

"""What every sink and reporter promises: `contracts.prediction.Sink` and `statistics.Reporter`, held against each."""

import asyncio
import io
import threading
from collections.abc import Callable
from typing import Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from pi_classifier.contracts.event import Event
from pi_classifier.contracts.job import PictureDemand
from pi_classifier.contracts.prediction import Prediction, Sink
from pi_classifier.events.monitor import EventMonitor
from pi_classifier.inference.synchroniser import Synchroniser
from pi_classifier.inference.watchdog import Watchdog
from pi_classifier.mqtt.outbox import Outbox
from pi_classifier.mqtt.publisher import Watched
from pi_classifier.sinks.metrics.sink import MetricsSink
from pi_classifier.sinks.status import StatusSink
from pi_classifier.sinks.stdout import StdoutSink
from pi_classifier.statistics import CameraStatistics, Reporter
from pi_classifier.system.systemd import SystemdClient
from pi_classifier.web.cameras import Cameras as CameraViews
from pi_classifier.web.cameras import prediction_object
from pi_classifier.web.view import CameraView
from tests.fakes import METADATA, CollectingGroupSink, CollectingSink, prediction_of
from tests.mqtt.parts import publisher_of
from tests.waiting import DEADLINE_SECONDS


class Output(Sink, Reporter, Protocol):
    """Who is told predictions and statistics."""


Cameras = dict[str, CameraStatistics]
Shown = Callable[[], str]
"""All that a member has given out so far."""


def text_lines(_cameras: Cameras) -> tuple[Output, Shown]:
    """Lines for people."""
    stream = io.StringIO()
    sink = StdoutSink(stream=stream, log_format="text", untrained=False, on_closed=lambda: None)
    return sink, stream.getvalue


def json_lines(_cameras: Cameras) -> tuple[Output, Shown]:
    """Lines for programs."""
    stream = io.StringIO()
    sink = StdoutSink(stream=stream, log_format="json", untrained=True, on_closed=lambda: None)
    return sink, stream.getvalue


def status(_cameras: Cameras) -> tuple[Output, Shown]:
    """The line of `systemctl status`."""
    lines: list[str] = []
    return StatusSink(lines.append, untrained=False), lambda: "\n".join(lines)


def monitor(_cameras: Cameras) -> tuple[Reporter, Shown]:
    """Events."""
    events: list[Event] = []
    return EventMonitor([events.append], summary_seconds=0), lambda: "\n".join(map(str, events))


def metrics(cameras: Cameras) -> tuple[Sink, Shown]:
    """What Prometheus scrapes."""
    registry = CollectorRegistry()
    sink = MetricsSink(
        registry,
        statistics=list(cameras.values()),
        requested_fps=dict.fromkeys(cameras, 36.0),
        steady=dict,
        runtime="torchscript",
        metadata=METADATA,
        labels=("tench",),
        versions={},
        temperature=lambda: None,
        throttled=dict,
    )
    return sink, lambda: generate_latest(registry).decode()


def watchdog(cameras: Cameras) -> tuple[Sink, Shown]:
    """What systemd hears."""
    heard: list[str] = []
    manager = SystemdClient(heard.append, watchdog_seconds=1)
    return Watchdog(manager, statistics=list(cameras.values()), components=[]), lambda: "\n".join(heard)


def mqtt(cameras: Cameras) -> tuple[Output, Shown]:
    """What a broker would get, of which there is none."""
    outbox, shown = Outbox(), list[str]()

    def told() -> str:
        while message := outbox.next():
            shown.append(f"{message}")
            if message.qos:
                outbox.acknowledged()
        return "\n".join(shown)

    return publisher_of(outbox, dict.fromkeys(cameras, Watched([], None))), told


def views(cameras: Cameras) -> tuple[Sink, Shown]:
    """What the page shows, after its event loop has ended: nobody looks any more."""
    loop = asyncio.new_event_loop()
    loop.close()
    shown = CameraViews([CameraView(camera, loop, PictureDemand()) for camera in cameras], list(cameras.values()))
    return shown, lambda: "\n".join(str(prediction_object(view.newest)) for view in shown if view.newest)


def in_step(cameras: Cameras) -> tuple[Sink, Shown]:
    """What belongs together."""
    groups = CollectingGroupSink()
    return Synchroniser({"table": list(cameras)}, sinks=[groups]), lambda: "\n".join(map(str, groups.groups))


def collecting(_cameras: Cameras) -> tuple[Sink, Shown]:
    """The tests' own."""
    sink = CollectingSink()
    return sink, lambda: "\n".join(map(str, sink.predictions))


OUTPUTS: list[Callable[[Cameras], tuple[Output, Shown]]] = [text_lines, json_lines, status]
"""They are sinks and reporters. A new one is one name more."""
REPORTERS: list[Callable[[Cameras], tuple[Reporter, Shown]]] = [*OUTPUTS, monitor, mqtt]
SINKS: list[Callable[[Cameras], tuple[Sink, Shown]]] = [*OUTPUTS, mqtt, metrics, watchdog, views, in_step, collecting]
each_output = pytest.mark.parametrize("make", OUTPUTS, ids=lambda make: make.__name__)
each_reporter = pytest.mark.parametrize("make", REPORTERS, ids=lambda make: make.__name__)
each_sink = pytest.mark.parametrize("make", SINKS, ids=lambda make: make.__name__)

SCORES = st.lists(st.tuples(st.integers(0, 999), st.text(max_size=20), st.floats(0, 1)), max_size=10)
MANY = [(number, f"class {number}", 1 / 1000) for number in range(1000)]


def cameras() -> Cameras:
    """Two that have given nothing yet."""
    return {name: CameraStatistics(name, 0.0) for name in ("front", "back")}


@each_sink
@given(offered=st.lists(st.tuples(st.sampled_from(["front", "back"]), SCORES), max_size=10))
def test_any_prediction_is_taken(
    make: Callable[[Cameras], tuple[Sink, Shown]], offered: list[tuple[str, list[tuple[int, str, float]]]]
) -> None:
    """Protects the inference loop: whatever the model says, nothing or much, no sink raises, nor does who reads it."""
    sink, shown = make(cameras())
    for number, (camera, scores) in enumerate(offered):
        prediction = prediction_of(*scores, camera=camera, sequence=number)
        before = prediction.result.probabilities.copy()
        sink.offer(prediction)
        assert (prediction.result.probabilities == before).all(), "lent, not given"
    assert isinstance(shown(), str)


@each_sink
@pytest.mark.parametrize("scores", [[], MANY], ids=["none", "a thousand"])
def test_few_and_many_scores(
    make: Callable[[Cameras], tuple[Sink, Shown]], scores: list[tuple[int, str, float]]
) -> None:
    """Protects `top_k`, and models that name nothing: a prediction of no class, and one of all."""
    sink, shown = make(cameras())
    for _ in range(3):
        sink.offer(prediction_of(*scores))
    assert isinstance(shown(), str)


@each_output
def test_nothing_is_written_in_the_inference_loop(make: Callable[[Cameras], tuple[Output, Shown]]) -> None:
    """Protects the inference loop from a reader that has stopped reading: to write is for the ticker's thread."""
    sink, shown = make(cameras())
    for number in range(5):
        sink.offer(prediction_of((number, f"class {number}", 0.5)))
    assert shown() == ""


@each_reporter
def test_reports_before_any_prediction(make: Callable[[Cameras], tuple[Reporter, Shown]]) -> None:
    """Protects the first interval and a run that saw nothing: up, down or neither, each report works, so do totals."""
    statistics = cameras()
    reporter, shown = make(statistics)
    for camera in statistics.values():
        reporter.report(camera.end_interval(1.0))
        camera.camera_failed("lost", "no such camera; plug it in")
        reporter.report(camera.end_interval(2.0))
        camera.frame_arrived(2.5)
        camera.frame_dropped("corrupt")
        reporter.report(camera.end_interval(3.0))
    for camera in statistics.values():
        reporter.finish(camera.snapshot(), 3.0)
    assert "front" in shown()
    assert "back" in shown()


@each_reporter
def test_totals_of_no_time_at_all(make: Callable[[Cameras], tuple[Reporter, Shown]]) -> None:
    """Protects the end of a run that was stopped at once: no division by its length."""
    statistics = cameras()
    reporter, shown = make(statistics)
    for camera in statistics.values():
        reporter.finish(camera.snapshot(), 0.0)
    assert "front" in shown()


@each_output
def test_offers_and_reports_come_from_two_threads(make: Callable[[Cameras], tuple[Output, Shown]]) -> None:
    """Protects a running daemon: the loop offers while the ticker's thread reports, and neither stumbles."""
    statistics = cameras()
    sink, shown = make(statistics)
    offered = threading.Event()
    faults: list[Exception] = []

    def report() -> None:
        moment = 1.0
        try:
            while not offered.is_set():
                for camera in statistics.values():
                    sink.report(camera.end_interval(moment))
                moment += 1.0
        except Exception as error:  # noqa: BLE001 - whatever it is, the test names it
            faults.append(error)

    reporting = threading.Thread(target=report)
    reporting.start()
    predictions: list[Prediction] = [
        prediction_of((number, f"class {number}", 0.5), camera=name) for number in range(2) for name in statistics
    ]
    for number in range(5000):
        statistics["front"].frame_arrived(float(number))
        sink.offer(predictions[number % len(predictions)])
    offered.set()
    reporting.join(DEADLINE_SECONDS)
    assert not reporting.is_alive()
    assert faults == []
    sink.finish(statistics["front"].snapshot(), 1.0)
    assert "front" in shown()

"""A daemon's metrics without its cameras and its model."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from pi_classifier.config.address import ListenAddress
from pi_classifier.contracts.detection import Detection, DetectorMetadata
from pi_classifier.contracts.group import Group, Member
from pi_classifier.contracts.prediction import Prediction, Result, Score, Timings
from pi_classifier.contracts.state import State, Steady, WatchState
from pi_classifier.mqtt.outbox import Outbox
from pi_classifier.sinks.metrics.at_scrape import build_versions
from pi_classifier.sinks.metrics.groups import GroupMetrics
from pi_classifier.sinks.metrics.mqtt import MqttMetrics
from pi_classifier.sinks.metrics.server import MetricsServer
from pi_classifier.sinks.metrics.sink import MetricsSink
from pi_classifier.sinks.metrics.web import WebMetrics
from pi_classifier.sinks.metrics.webhooks import WebhookMetrics
from pi_classifier.statistics import CameraStatistics
from pi_classifier.system.soc import CONDITIONS
from pi_classifier.webhooks.hook import Hook
from pi_classifier.webhooks.receiver import Receiver
from tests import fakes
from tests.mqtt.parts import NOBODY, connection_to
from tests.running import unused_port

CAMERAS = ("door", "front")
RESULT = Result(
    probabilities=np.array([0.62, 0.09], np.float32),
    scores=(Score(898, "water bottle", 0.62), Score(737, "pop bottle", 0.09)),
)
STEADY = Steady(State("water bottle", 898, 0.62, 0.0), (WatchState("bottle", True, 0.71, 0.0),))
METADATA = fakes.METADATA._replace(weights="default", categories=("water bottle", "pop bottle"))
DETECTOR = DetectorMetadata("yolox_nano", "default", "c0ffee", "cpu", "yolox", 416, 416, ("water bottle", "pop bottle"))
OBJECTS = RESULT._replace(detections=(Detection("water bottle", 0, 0.62, (1, 2, 3, 4)),))


class Daemon:
    """The metrics of a daemon with two cameras, and no daemon behind them."""

    def __init__(self, server: MetricsServer, port: int, *, detects: bool) -> None:
        self.port = port
        self._result = OBJECTS if detects else RESULT
        steady = STEADY._replace(state=None) if detects else STEADY
        self.statistics = {camera: CameraStatistics(camera, time.monotonic()) for camera in CAMERAS}
        self._sink = MetricsSink(
            server.registry,
            statistics=list(self.statistics.values()),
            requested_fps=dict.fromkeys(CAMERAS, 36.0),
            steady=lambda: dict.fromkeys(CAMERAS, steady),
            runtime="onnx" if detects else "torchscript",
            metadata=DETECTOR if detects else METADATA,
            labels=("water bottle",),
            versions=build_versions("0.1.0", {"torch": "2.9.1"}, opencv="4.12.0"),
            temperature=lambda: 61.3,
            throttled=lambda: {(name, when): False for name in CONDITIONS for when in ("now", "since_boot")},
        )
        self._web = WebMetrics(server.registry)
        self._groups = GroupMetrics(server.registry, ["house"])
        outbox = Outbox()
        server.registry.register(MqttMetrics(outbox, connection_to(NOBODY, outbox)))
        hook = Hook("house", Receiver("https://example.org/", b"", None), kinds=(), source="")
        server.registry.register(WebhookMetrics([hook]))
        self.work()

    def work(self) -> None:
        """One frame of each camera is classified, and one dropped; and a group is told of each."""
        self._web.request_answered("/api/v1/status", "GET", 200, 0.003)
        self._web.request_answered("/api/v1/classify", "POST", 200, 0.04)
        for camera, statistics in self.statistics.items():
            self._web.frame_sent(camera, "live", 8000)
            now = time.monotonic()
            statistics.frame_arrived(now)
            statistics.frame_dropped("stale")
            statistics.frame_classified()
            timings = Timings(0.002, 0.001, 0.02, 0.0002, 0.0001, age=0.031)
            prediction = Prediction(camera, 1, now, self._result, timings, STEADY)
            self._sink.offer(prediction)
            self._groups.offer_group(Group("house", 1, now, 0.03, 0.06, (Member(prediction, 0.0),), ("attic",)))
            statistics.end_interval(now)


@contextmanager
def serving(*, detects: bool = False) -> Iterator[Daemon]:
    """Metrics, served as the daemon serves them, while the context lasts; of a classifier or of a detector."""
    port = unused_port()
    server = MetricsServer(ListenAddress("127.0.0.1", port))
    server.start()
    try:
        yield Daemon(server, port, detects=detects)
    finally:
        server.stop()

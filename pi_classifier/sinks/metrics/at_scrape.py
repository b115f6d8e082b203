"""Everything that is read at a scrape instead of being kept up to date for each frame."""

import platform
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from pi_classifier.contracts.prediction import Prediction
from pi_classifier.contracts.state import Steady
from pi_classifier.statistics import CameraStatistics, Snapshot

PREFIX = "pi_classifier_"
PREDICTIONS = "label_predictions", "Predictions by their best label, for the labels that are configured."
DETECTIONS = "detections", "Objects found in all frames, by label, for the labels that are configured."


class AtScrape(Collector):
    """Statistics, newest predictions, machine and versions, at each scrape."""

    def __init__(
        self,
        statistics: Sequence[CameraStatistics],
        requested_fps: Mapping[str, float],
        steady: Callable[[], Mapping[str, Steady]],
        model: Mapping[str, str],
        labels: Sequence[str],
        versions: Mapping[str, str],
        temperature: Callable[[], float | None],
        throttled: Callable[[], Mapping[tuple[str, str], bool]],
        *,
        detects: bool,
    ) -> None:
        self._statistics = tuple(statistics)
        self._requested_fps = dict(requested_fps)
        self._steady = steady
        self._model = dict(model)
        self._versions = dict(versions)
        self._temperature = temperature
        self._throttled = throttled
        self._lock = threading.Lock()
        self._latest: dict[str, tuple[Prediction, float]] = {}
        self._labels = {one.camera: Counter(dict.fromkeys((*labels, "other"), 0)) for one in statistics}
        self._detects = detects

    def record(self, prediction: Prediction) -> None:
        """Keep the latest prediction and count its best label, or the labels of all its objects."""
        counts = self._labels[prediction.camera]
        detections = prediction.result.detections
        with self._lock:
            self._latest[prediction.camera] = (prediction, time.time())
            if detections is None:
                label = prediction.scores[0].label if prediction.scores else ""
                counts[label if label in counts else "other"] += 1
            else:
                counts.update(found.label if found.label in counts else "other" for found in detections)

    def collect(self) -> Iterator[Metric]:
        """One scrape."""
        snapshots = [one.snapshot() for one in self._statistics]
        yield from _frames(snapshots)
        yield _family(
            GaugeMetricFamily,
            "requested_frames_per_second",
            "Frames a second asked of the camera, or that a video plays at.",
            ("camera",),
            {(camera,): fps for camera, fps in self._requested_fps.items()},
        )
        yield from _camera_health(snapshots)
        with self._lock:
            latest = dict(self._latest)
            labels = {camera: dict(counts) for camera, counts in self._labels.items()}
        yield from _predictions(latest)
        yield from _steady(self._steady())
        yield _family(
            CounterMetricFamily,
            *(DETECTIONS if self._detects else PREDICTIONS),
            ("camera", "label"),
            {(camera, label): count for camera, counts in labels.items() for label, count in counts.items()},
        )
        yield from _machine(self._temperature(), self._throttled())
        yield _info("model", "The model in use.", self._model)
        yield _info("build", "Versions of the program and its parts.", self._versions)


def _frames(snapshots: Sequence[Snapshot]) -> Iterator[Metric]:
    yield _family(
        CounterMetricFamily,
        "frames_captured",
        "Frames captured; counted once classified or dropped, so it is always their sum.",
        ("camera",),
        {(one.camera,): one.captured for one in snapshots},
    )
    yield _family(
        CounterMetricFamily,
        "frames_classified",
        "Frames classified.",
        ("camera",),
        {(one.camera,): one.classified for one in snapshots},
    )
    yield _family(
        CounterMetricFamily,
        "frames_dropped",
        "Frames captured and not classified, by reason.",
        ("camera", "reason"),
        {(one.camera, reason): count for one in snapshots for reason, count in one.dropped.items()},
    )
    yield _family(
        GaugeMetricFamily,
        "frames_per_second",
        "Frames classified a second, over the last log interval.",
        ("camera",),
        {(one.camera,): one.fps for one in snapshots},
    )


def _camera_health(snapshots: Sequence[Snapshot]) -> Iterator[Metric]:
    yield _family(
        GaugeMetricFamily,
        "camera_up",
        "1 while the camera delivers frames, else 0.",
        ("camera",),
        {(one.camera,): one.up for one in snapshots},
    )
    yield _family(
        CounterMetricFamily,
        "capture_errors",
        "Failed reads of the camera and attempts to open it, by kind.",
        ("camera", "kind"),
        {(one.camera, kind): count for one in snapshots for kind, count in one.errors.items()},
    )
    yield _family(
        CounterMetricFamily,
        "camera_reconnects",
        "Times the camera delivered frames again after a failure.",
        ("camera",),
        {(one.camera,): one.reconnects for one in snapshots},
    )
    now = time.time() - time.monotonic()
    yield _family(
        GaugeMetricFamily,
        "last_frame_timestamp_seconds",
        "When the newest frame was captured, seconds since 1970.",
        ("camera",),
        {(one.camera,): now + one.last_frame_at for one in snapshots if one.last_frame_at is not None},
    )


def _predictions(latest: Mapping[str, tuple[Prediction, float]]) -> Iterator[Metric]:
    best = {camera: prediction.scores[0] for camera, (prediction, _) in latest.items() if prediction.scores}
    yield _family(
        GaugeMetricFamily,
        "last_prediction_timestamp_seconds",
        "When the newest prediction was made, seconds since 1970.",
        ("camera",),
        {(camera,): made_at for camera, (_, made_at) in latest.items()},
    )
    yield _family(
        GaugeMetricFamily,
        "top1_class_id",
        "Class id of the newest prediction's best label.",
        ("camera",),
        {(camera,): score.class_id for camera, score in best.items()},
    )
    yield _family(
        GaugeMetricFamily,
        "top1_probability",
        "Probability of the newest prediction's best label, 0 to 1.",
        ("camera",),
        {(camera,): score.probability for camera, score in best.items()},
    )


def _steady(steady: Mapping[str, Steady]) -> Iterator[Metric]:
    states = {camera: one.state for camera, one in steady.items() if one.state}
    yield _family(
        GaugeMetricFamily,
        "state_class_id",
        "Class id of what the camera shows, as far as it holds still; -1 for nothing.",
        ("camera",),
        {(camera,): -1 if one.class_id is None else one.class_id for camera, one in states.items()},
    )
    yield _family(
        GaugeMetricFamily,
        "state_probability",
        "Smoothed probability of what the camera shows, 0 to 1.",
        ("camera",),
        {(camera,): one.probability for camera, one in states.items()},
    )
    now = time.time() - time.monotonic()
    yield _family(
        GaugeMetricFamily,
        "state_since_timestamp_seconds",
        "Since when the camera shows that, seconds since 1970.",
        ("camera",),
        {(camera,): now + one.since for camera, one in states.items()},
    )
    yield _family(
        GaugeMetricFamily,
        "watch_active",
        "1 while the camera shows one of the watch's classes, else 0.",
        ("camera", "watch"),
        {(camera, watch.name): watch.active for camera, one in steady.items() for watch in one.watches},
    )


def _machine(temperature: float | None, throttled: Mapping[tuple[str, str], bool]) -> Iterator[Metric]:
    if temperature is not None:
        yield _family(
            GaugeMetricFamily, "soc_temperature_celsius", "Temperature of the processor.", (), {(): temperature}
        )
    if throttled:
        yield _family(
            GaugeMetricFamily,
            "soc_throttled",
            "Whether the firmware limits the processor, now or at any time since boot.",
            ("condition", "when"),
            {(condition, when): limited for (condition, when), limited in throttled.items()},
        )


def _family(
    kind: type[CounterMetricFamily] | type[GaugeMetricFamily],
    name: str,
    documentation: str,
    labels: Sequence[str],
    values: Mapping[tuple[str, ...], float],
) -> Metric:
    family = kind(PREFIX + name, documentation, labels=labels)
    for label_values, value in values.items():
        family.add_metric(label_values, value)
    return family


def _info(name: str, documentation: str, values: Mapping[str, str]) -> Metric:
    family = InfoMetricFamily(PREFIX + name, documentation)
    family.add_metric((), dict(values))
    return family


def build_versions(version: str, runtime: Mapping[str, str], opencv: str) -> dict[str, str]:
    """The labels of `build_info`; `runtime`: versions of the packages that run the model, by name."""
    return {"version": version, **runtime, "opencv": opencv, "python": platform.python_version()}

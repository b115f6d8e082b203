"""What Prometheus scrapes. The only user of prometheus_client, but for `health`, which reads a scrape."""

import errno
import platform
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, disable_created_metrics, start_http_server
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from pi_classifier.accounting import Account, Snapshot
from pi_classifier.errors import AddressInUse, ConfigError
from pi_classifier.model_card import ModelCard
from pi_classifier.prediction import Prediction, Timings

PREFIX = "pi_classifier_"
SECONDS_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05, 0.075, 0.1, 0.2, 0.5)
"""Fine around 27.8 ms, the interval of a 36 fps camera."""
AGE_BUCKETS = (*SECONDS_BUCKETS, 1.0, 2.0, 5.0)
"""An overloaded machine's frames grow older than one stage ever takes."""
STAGES = ("capture_wait", "preprocess", "inference", "rank", "publish")


@contextmanager
def serve(listen: str) -> Iterator[CollectorRegistry]:
    """Serve a new registry at `listen`, HOST:PORT, until the context ends.

    Raises:
        AddressInUse: somebody listens there already.
        ConfigError: no address of this machine, or a port that needs privileges.
    """
    host, _, port = listen.rpartition(":")
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    try:
        server, thread = start_http_server(int(port), addr=host.strip("[]") or "0.0.0.0", registry=registry)  # noqa: S104
    except socket.gaierror as error:
        raise ConfigError(f"metrics.listen = {listen}: {error.strerror}; give an address of this machine") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise AddressInUse(
                f"metrics: {listen} is taken, on port 9100 usually by node_exporter; "
                "set [metrics] listen (or --metrics-listen) to another port"
            ) from None
        raise ConfigError(
            f"metrics.listen = {listen}: {error.strerror}; give an address of this machine and a port over 1023"
        ) from None
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class MetricsSink:
    """Counts and times predictions, and shows the books of every camera at each scrape."""

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        accounts: Sequence[Account],
        card: ModelCard,
        labels: Sequence[str],
        versions: Mapping[str, str],
        temperature: Callable[[], float | None],
        throttled: Callable[[], Mapping[tuple[str, str], bool]],
    ) -> None:
        """Register all metrics.

        Args:
            registry: what is scraped.
            accounts: the books of all cameras.
            card: the model in use.
            labels: classes to count by name; all others count as `other`.
            versions: of the parts, for `build_info`.
            temperature: of the processor in degrees Celsius, None where unknown.
            throttled: by (condition, when), empty where unknown.
        """
        # Series of creation times would add to the exposition, and rate() does not want them.
        disable_created_metrics()
        stages = Histogram(
            f"{PREFIX}stage_duration_seconds",
            "Time that one frame spent in one stage.",
            ("camera", "stage"),
            buckets=SECONDS_BUCKETS,
            registry=registry,
        )
        ages = Histogram(
            f"{PREFIX}frame_age_seconds",
            "Age of a frame, since its capture, when its prediction was ready.",
            ("camera",),
            buckets=AGE_BUCKETS,
            registry=registry,
        )
        # Children are looked up once: per frame only their observe() is called.
        self._observers = {
            account.camera: (
                *(stages.labels(account.camera, stage).observe for stage in STAGES),
                ages.labels(account.camera).observe,
            )
            for account in accounts
        }
        self._books = _Books(accounts, card, labels, versions, temperature, throttled)
        registry.register(self._books)

    def offer(self, prediction: Prediction) -> None:
        """Enter one prediction."""
        timings: Timings = prediction.timings
        capture_wait, preprocess, inference, rank, publish, age = self._observers[prediction.camera]
        capture_wait(timings.capture_wait)
        preprocess(timings.preprocess)
        inference(timings.inference)
        rank(timings.rank)
        publish(timings.publish)
        age(timings.age)
        self._books.enter(prediction)


class _Books(Collector):
    """Everything that is read at a scrape instead of being kept up to date for each frame."""

    def __init__(
        self,
        accounts: Sequence[Account],
        card: ModelCard,
        labels: Sequence[str],
        versions: Mapping[str, str],
        temperature: Callable[[], float | None],
        throttled: Callable[[], Mapping[tuple[str, str], bool]],
    ) -> None:
        self._accounts = tuple(accounts)
        self._card = card
        self._versions = dict(versions)
        self._temperature = temperature
        self._throttled = throttled
        self._lock = threading.Lock()
        self._latest: dict[str, tuple[Prediction, float]] = {}
        self._labels = {account.camera: Counter(dict.fromkeys((*labels, "other"), 0)) for account in accounts}

    def enter(self, prediction: Prediction) -> None:
        """Keep the latest prediction and count its best label."""
        counts = self._labels[prediction.camera]
        label = prediction.top[0].label
        with self._lock:
            self._latest[prediction.camera] = (prediction, time.time())
            counts[label if label in counts else "other"] += 1

    def collect(self) -> Iterator[Metric]:
        """One scrape."""
        books = [account.snapshot() for account in self._accounts]
        yield from _frames(books)
        yield from _camera_health(books)
        with self._lock:
            latest = dict(self._latest)
            labels = {camera: dict(counts) for camera, counts in self._labels.items()}
        yield from _predictions(latest)
        yield _family(
            CounterMetricFamily,
            "label_predictions",
            "Predictions by their best label, for the labels that are configured.",
            ("camera", "label"),
            {(camera, label): count for camera, counts in labels.items() for label, count in counts.items()},
        )
        yield from _machine(self._temperature(), self._throttled())
        yield _info("model", "The model in use.", _model_labels(self._card))
        yield _info("build", "Versions of the program and its parts.", self._versions)


def _frames(books: Sequence[Snapshot]) -> Iterator[Metric]:
    yield _family(
        CounterMetricFamily,
        "frames_captured",
        "Frames captured whose fate is known: always classified plus dropped.",
        ("camera",),
        {(book.camera,): book.captured for book in books},
    )
    yield _family(
        CounterMetricFamily,
        "frames_classified",
        "Frames that the model has seen.",
        ("camera",),
        {(book.camera,): book.classified for book in books},
    )
    yield _family(
        CounterMetricFamily,
        "frames_dropped",
        "Frames captured and never classified.",
        ("camera", "reason"),
        {(book.camera, reason): count for book in books for reason, count in book.dropped.items()},
    )
    yield _family(
        GaugeMetricFamily,
        "frames_per_second",
        "Frames classified a second, over the last log interval.",
        ("camera",),
        {(book.camera,): book.fps for book in books},
    )


def _camera_health(books: Sequence[Snapshot]) -> Iterator[Metric]:
    yield _family(
        GaugeMetricFamily,
        "camera_up",
        "Whether the camera delivers frames.",
        ("camera",),
        {(book.camera,): book.up for book in books},
    )
    yield _family(
        CounterMetricFamily,
        "capture_errors",
        "Failures of the camera.",
        ("camera", "kind"),
        {(book.camera, kind): count for book in books for kind, count in book.errors.items()},
    )
    yield _family(
        CounterMetricFamily,
        "camera_reconnects",
        "Times the camera came back after a failure.",
        ("camera",),
        {(book.camera,): book.reconnects for book in books},
    )
    now = time.time() - time.monotonic()
    yield _family(
        GaugeMetricFamily,
        "last_frame_timestamp_seconds",
        "When the newest frame was captured, seconds since 1970.",
        ("camera",),
        {(book.camera,): now + book.last_frame_at for book in books if book.last_frame_at is not None},
    )


def _predictions(latest: Mapping[str, tuple[Prediction, float]]) -> Iterator[Metric]:
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
        {(camera,): prediction.top[0].class_id for camera, (prediction, _) in latest.items()},
    )
    yield _family(
        GaugeMetricFamily,
        "top1_probability",
        "Probability of the newest prediction's best label, 0 to 1.",
        ("camera",),
        {(camera,): prediction.top[0].probability for camera, (prediction, _) in latest.items()},
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


def _model_labels(card: ModelCard) -> dict[str, str]:
    return {
        "name": card.name,
        "weights": card.weights,
        "engine": card.engine,
        "activations": card.activations,
        "sha256": card.weights_sha256,
    }


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


def build_versions(version: str, torch: str, opencv: str) -> dict[str, str]:
    """The labels of `build_info`."""
    return {"version": version, "torch": torch, "opencv": opencv, "python": platform.python_version()}

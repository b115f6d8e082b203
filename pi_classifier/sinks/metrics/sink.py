"""Counts and times predictions."""

from collections.abc import Callable, Mapping, Sequence

from prometheus_client import CollectorRegistry, Histogram, disable_created_metrics

from pi_classifier.contracts.model import Described, Runtime
from pi_classifier.contracts.prediction import Prediction, Timings
from pi_classifier.contracts.state import Steady
from pi_classifier.sinks.metrics.at_scrape import PREFIX, AtScrape
from pi_classifier.statistics import CameraStatistics

SECONDS_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05, 0.075, 0.1, 0.2, 0.5)
"""Fine around 27.8 ms, the interval of a 36 fps camera."""
AGE_BUCKETS = (*SECONDS_BUCKETS, 1.0, 2.0, 5.0)
"""An overloaded machine's frames grow older than one stage ever takes."""
STAGES = ("capture_wait", "preprocess", "inference", "rank", "publish")


class MetricsSink:
    """Counts and times predictions, and shows the statistics of every camera at each scrape. A `Sink`."""

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        statistics: Sequence[CameraStatistics],
        requested_fps: Mapping[str, float],
        steady: Callable[[], Mapping[str, Steady]],
        runtime: Runtime,
        metadata: Described,
        labels: Sequence[str],
        versions: Mapping[str, str],
        temperature: Callable[[], float | None],
        throttled: Callable[[], Mapping[tuple[str, str], bool]],
    ) -> None:
        """Register all metrics.

        Args:
            registry: what is scraped.
            statistics: of all cameras.
            requested_fps: frames a second asked of each camera, by name.
            steady: asked at each scrape what each camera shows, by name.
            runtime: that runs the model.
            metadata: of the model in use.
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
            one.camera: (
                *(stages.labels(one.camera, stage).observe for stage in STAGES),
                ages.labels(one.camera).observe,
            )
            for one in statistics
        }
        self._at_scrape = AtScrape(
            statistics,
            requested_fps,
            steady,
            _model_labels(runtime, metadata),
            labels,
            versions,
            temperature,
            throttled,
            detects=metadata.detects,
        )
        registry.register(self._at_scrape)

    def offer(self, prediction: Prediction) -> None:
        """Count and time one prediction."""
        timings: Timings = prediction.timings
        capture_wait, preprocess, inference, rank, publish, age = self._observers[prediction.camera]
        capture_wait(timings.capture_wait)
        preprocess(timings.preprocess)
        inference(timings.inference)
        rank(timings.rank)
        publish(timings.publish)
        age(timings.age)
        self._at_scrape.record(prediction)


def _model_labels(runtime: Runtime, metadata: Described) -> dict[str, str]:
    return {
        "name": metadata.name,
        "weights": metadata.weights,
        "runtime": runtime,
        "engine": metadata.engine,
        "activations": metadata.activations,
        "sha256": metadata.weights_sha256,
    }

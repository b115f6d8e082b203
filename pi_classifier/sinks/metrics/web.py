"""What the page and the API do, in numbers."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from pi_classifier.contracts.web import Way
from pi_classifier.sinks.metrics.at_scrape import PREFIX

SECONDS_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
WAYS: tuple[Way, ...] = ("live", "mjpeg", "events", "snapshot")


class WebMetrics:
    """Counts and times requests, viewers and frames. A `WebObserver`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """`registry`: what is scraped."""
        self._requests = Counter(
            f"{PREFIX}web_requests",
            "Requests that were answered, by the pattern of their path.",
            ("route", "method", "status"),
            registry=registry,
        )
        self._seconds = Histogram(
            f"{PREFIX}web_request_duration_seconds",
            "Time from a request to the end of its answer; not of streams, which last as long as somebody looks.",
            ("route",),
            buckets=SECONDS_BUCKETS,
            registry=registry,
        )
        self._viewers = Gauge(f"{PREFIX}web_viewers", "Who looks at the moment, by way.", ("way",), registry=registry)
        self._frames = Counter(
            f"{PREFIX}web_frames_sent", "Frames that went to viewers.", ("camera", "way"), registry=registry
        )
        self._bytes = Counter(
            f"{PREFIX}web_frame_bytes_sent", "Bytes of these frames.", ("camera", "way"), registry=registry
        )
        for way in WAYS:
            self._viewers.labels(way)

    def request_answered(self, route: str, method: str, status: int, seconds: float | None) -> None:
        """Count and time a request."""
        self._requests.labels(route, method, str(status)).inc()
        if seconds is not None:
            self._seconds.labels(route).observe(seconds)

    def viewers_changed(self, way: Way, count: int) -> None:
        """Show how many look."""
        self._viewers.labels(way).set(count)

    def frame_sent(self, camera: str, way: Way, size: int) -> None:
        """Count a frame."""
        self._frames.labels(camera, way).inc()
        self._bytes.labels(camera, way).inc(size)

"""`run`: builds every part from the settings, introduces them to one another, supervises them, and ends them."""

import gc
import logging
import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Protocol

import cv2

from pi_classifier import __version__
from pi_classifier.capabilities import (
    cameras_in_step,
    executor_for,
    live_page,
    mqtt_publisher,
    presence,
    web_door,
    webhooks,
)
from pi_classifier.capture import Capture, Captures
from pi_classifier.config.network_url import is_network
from pi_classifier.config.schema import CameraSettings, LogSettings, MetricsSettings, Settings
from pi_classifier.contracts.component import Component
from pi_classifier.contracts.event import CAMERA_EVENTS, EventKind, EventQueue, Listener
from pi_classifier.contracts.frame import FrameSource
from pi_classifier.contracts.job import PictureDemand
from pi_classifier.contracts.model import Classifier, Described, Model, ModelMetadata
from pi_classifier.contracts.prediction import Sink
from pi_classifier.contracts.state import Change, Steady
from pi_classifier.events.dispatch import Dispatcher
from pi_classifier.events.journal import Journal
from pi_classifier.events.monitor import EventMonitor
from pi_classifier.inference.pipeline import Pipeline
from pi_classifier.inference.publisher import Publisher
from pi_classifier.inference.steadiness import LabelSteadiness, Steadiness
from pi_classifier.inference.ticker import Ticker
from pi_classifier.inference.watchdog import Watchdog
from pi_classifier.model import open_detector, open_model
from pi_classifier.runtimes.labels import class_id_of
from pi_classifier.runtimes.threads import division
from pi_classifier.sinks.metrics.at_scrape import build_versions
from pi_classifier.sinks.metrics.server import MetricsServer
from pi_classifier.sinks.metrics.sink import MetricsSink
from pi_classifier.sinks.status import StatusSink
from pi_classifier.sinks.stdout import StdoutSink
from pi_classifier.sources.synthetic import Synthetic
from pi_classifier.sources.uri import sources_for
from pi_classifier.statistics import CameraStatistics, Reporter
from pi_classifier.system.scheduling import claim
from pi_classifier.system.soc import Soc
from pi_classifier.system.systemd import SystemdClient, journal_listens, log_to_journal

MOST_OWN_LABELS = 51
"""Own classes that are all counted by name where the configuration names none: fifty, and `unknown`."""
DEMO_ARCHITECTURE = "mobilenet_v2"
"""Of the demonstration model."""
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
FINISH_SECONDS = 0.3
"""How long the end waits for the totals to be written."""

logger = logging.getLogger(__name__)


def run(settings: Settings) -> None:
    """Classify what the cameras see until stopped, or until every source has ended.

    Raises:
        PiClassifierError: what keeps it from running, with its exit code.
    """
    stop = _Stop()
    with ExitStack() as stack:
        systemd = SystemdClient.of_this_process()
        claim(nice=settings.run.nice, cpus=settings.run.cpus)
        # A frame is too small to be worth OpenCV's own thread pool beside the model's.
        cv2.setNumThreads(1)
        # First what may fail at once: a taken port or a missing file should not wait for the model's runtime.
        server = stack.enter_context(_metrics_server(settings.metrics))
        door = stack.enter_context(web_door(settings.web))
        hooks = webhooks(settings, server)
        settings, workers = _divided(settings)
        # It is there at once, and tells what is asked of the cameras.
        detector = open_detector(settings, progress=sys.stderr.isatty())
        if detector:
            settings = settings.with_camera_size(detector.camera_size.width, detector.camera_size.height)
        # A drawn scene in the place of a camera is for who sees it; a service waits for the camera.
        sources = sources_for(settings.camera, wait=systemd.listens)
        systemd.status("loading the model")
        model = detector or _classifier(settings, sources)
        _log_model(model)

        statistics = [CameraStatistics(camera.name, time.monotonic()) for camera in settings.camera]
        work_available, shutdown = threading.Event(), threading.Event()
        demands = {camera.name: PictureDemand() for camera in settings.camera}
        web = live_page(settings, door, server, model, statistics, demands, work_available)
        stdout = _stdout(settings.log, model, stop)
        mqtt = mqtt_publisher(settings, server, model, demands)
        queues: list[EventQueue] = [*_dispatchers(settings.log, model, stdout, web.servers), *mqtt, *hooks]
        monitor = EventMonitor([queue.publish for queue in queues], summary_seconds=settings.log.summary_seconds)
        steadiness = _steadiness(settings, model.metadata, monitor.changed)
        outputs = _outputs(model, systemd, stdout)
        reporters = [monitor, *outputs, *mqtt]
        requested = {
            camera.name: fps
            for camera, source in zip(settings.camera, sources, strict=True)
            if (fps := _requested_fps(camera, source))
        }
        about = (model, statistics, requested, steadiness.now)
        metrics = [_metrics_sink(settings.metrics, server, *about)] if server else []
        groups = cameras_in_step(settings.groups, server, queues, web.servers)
        captures = [
            Capture(
                source,
                statistics=one,
                observers=(steadiness, monitor, *groups),
                model=model,
                work_available=work_available,
                shutdown=shutdown,
                picture_demand=demands[one.camera],
                max_fps=camera.max_fps,
            )
            for camera, source, one in zip(settings.camera, sources, statistics, strict=True)
        ]
        ticker = Ticker(settings.log.interval_seconds, lambda: _report(statistics, reporters))
        executor = executor_for(model, workers, work_available)
        watchdog = Watchdog(systemd, statistics=statistics, components=[*captures, executor, ticker])
        pipeline = Pipeline(
            cameras=list(zip(captures, statistics, strict=True)),
            executor=executor,
            publisher=Publisher(steadiness, [watchdog, *outputs, *metrics, *web.servers, *mqtt, *groups]),
            work_available=work_available,
            requests=web.requests,
            in_step=settings.run.in_step,
        )

        # Until here a signal has its default action: what is begun is not worth finishing.
        stack.enter_context(_signals(stop))
        stack.enter_context(_running([*web.servers, *queues]))
        stack.callback(_finish, statistics, reporters, started=time.monotonic())
        stack.enter_context(_running([executor, Captures(captures, shutdown), ticker]))
        stack.callback(systemd.stopping)
        # What is there by now stays: later collections need not look through it.
        gc.freeze()
        checks = _in_turn([watchdog.check, *[one.check for one in groups]])
        pipeline.run(frames=settings.run.frames, stopping=lambda: stop.requested, after_turn=checks)


class Output(Sink, Reporter, Protocol):
    """Who receives predictions and, once an interval, statistics."""


class _Stop:
    """Whether the loop has been asked to end."""

    def __init__(self) -> None:
        self.requested = False

    def request(self) -> None:
        self.requested = True

    def on_signal(self, _number: int, _frame: FrameType | None) -> None:
        # Nothing but an assignment: a handler that took a lock could meet the main thread holding it.
        if self.requested:
            raise SystemExit(0)  # who asks twice does not want to wait
        self.requested = True


@contextmanager
def _signals(stop: _Stop) -> Iterator[None]:
    """While the context lasts, the signals that end a daemon, and that of a terminal that closes, ask for the end."""
    before = {number: signal.signal(number, stop.on_signal) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _running(components: Sequence[Component]) -> Iterator[None]:
    """The components run while the context lasts; those that were started are stopped, the last one first."""
    with ExitStack() as stack:
        for component in components:
            component.start()
            stack.callback(component.stop)
        yield


@contextmanager
def _metrics_server(settings: MetricsSettings) -> Iterator[MetricsServer | None]:
    if settings.listen is None:
        yield None
        return
    server = MetricsServer(settings.listen)
    with _running([server]):
        logger.info("metrics on http://%s/metrics", server.address)
        yield server


def _divided(settings: Settings) -> tuple[Settings, int]:
    """The settings with the number of each model's threads, and how many models there are."""
    workers, threads = division(settings.model.threads, settings.model.workers, len(settings.camera))
    model = settings.model.model_copy(update={"threads": threads})
    return settings.model_copy(update={"model": model}), workers


def _requested_fps(camera: CameraSettings, source: FrameSource) -> float:
    """How many frames a second a camera should give; 0 where nothing is asked of it: a network camera has its rate."""
    fps = source.pace_fps or (0.0 if is_network(camera.source) else camera.fps)
    return min(fps or math.inf, camera.max_fps) if camera.max_fps else fps


def _classifier(settings: Settings, sources: Sequence[FrameSource]) -> Classifier:
    wanted = settings.model.model_copy(update={"weights": _weights(settings, sources)})
    return open_model(wanted, progress=sys.stderr.isatty())


def _weights(settings: Settings, sources: Sequence[FrameSource]) -> str:
    """As configured, but that the default for nothing but drawn scenes is the model that knows what they show.

    Who has named another architecture, or labels, wants a model that has them.
    """
    model = settings.model
    named = model.name != DEMO_ARCHITECTURE or settings.watch or settings.metrics.labels
    drawn = all(isinstance(source, Synthetic) for source in sources)
    return "demo" if model.weights == "default" and drawn and not named else model.weights


def _metrics_sink(
    settings: MetricsSettings,
    server: MetricsServer,
    model: Model,
    statistics: Sequence[CameraStatistics],
    requested_fps: Mapping[str, float],
    steady: Callable[[], Mapping[str, Steady]],
) -> MetricsSink:
    metadata, categories = model.metadata, model.metadata.categories
    for label in settings.labels:
        class_id_of(label, categories, "metrics.labels")
    # Few classes, and all of them somebody's own, are all of interest.
    own = not isinstance(metadata, ModelMetadata) or metadata.training
    soc = Soc()
    return MetricsSink(
        server.registry,
        statistics=statistics,
        requested_fps=requested_fps,
        steady=steady,
        runtime=model.runtime,
        metadata=metadata,
        labels=settings.labels or (categories if own and len(categories) <= MOST_OWN_LABELS else ()),
        versions=build_versions(__version__, model.versions, opencv=cv2.__version__),
        temperature=soc.temperature_celsius,
        throttled=soc.throttled,
    )


def _steadiness(settings: Settings, metadata: Described, on_change: Callable[[Change], None]) -> Steadiness:
    categories = metadata.categories
    if not isinstance(metadata, ModelMetadata):
        return presence(settings, categories, on_change)
    watches = {
        watch.name: sorted({class_id_of(label, categories, f"watch {watch.name}") for label in watch.labels})
        for watch in settings.watch
    }
    names = [camera.name for camera in settings.camera]
    return LabelSteadiness(
        settings.steadiness,
        cameras=names,
        categories=categories,
        watches=watches,
        on_change=on_change,
        nothing=metadata.background,
    )


def _log_model(model: Model) -> None:
    metadata = model.metadata
    logger.info(
        "%s, %s weights%s, on %s (%s, %s)",
        metadata.name,
        metadata.weights,
        " (a demonstration, which knows drawn scenes alone)" if metadata.demonstration else "",
        model.runtime,
        metadata.engine,
        metadata.activations,
    )


def _goes_to_journal(settings: LogSettings) -> bool:
    """Whether events go to the journal, instead of a line an interval to stdout."""
    return settings.destination == "journal" or (settings.destination == "auto" and journal_listens())


def _dispatchers(
    settings: LogSettings, model: Model, stdout: StdoutSink | None, web: Sequence[Listener]
) -> list[Dispatcher]:
    """One for each listener. The log gets all events in the journal; in a terminal what stdout does not show."""
    kinds = CAMERA_EVENTS | {EventKind.GROUP} if stdout else frozenset(EventKind)
    dispatchers = [Dispatcher(Journal(kinds=kinds, untrained=model.metadata.untrained), name="journal")]
    if stdout and settings.format == "json":
        dispatchers.append(Dispatcher(stdout, name="stdout"))
    return dispatchers + [Dispatcher(one, name="web") for one in web]


def _stdout(settings: LogSettings, model: Model, stop: _Stop) -> StdoutSink | None:
    """A line an interval; None where events go to the journal, and from now on all that is logged."""
    if _goes_to_journal(settings):
        log_to_journal()
        return None
    return StdoutSink(
        stream=sys.stdout,
        log_format=settings.format,
        untrained=model.metadata.untrained,
        on_closed=stop.request,
    )


def _outputs(model: Model, systemd: SystemdClient, stdout: StdoutSink | None) -> list[Output]:
    """A line an interval on stdout, unless the journal has it all, and the line that systemd shows."""
    outputs: list[Output] = [stdout] if stdout else []
    if systemd.listens:
        outputs.append(StatusSink(systemd.status, untrained=model.metadata.untrained))
    return outputs


def _in_turn(actions: Sequence[Callable[[], None]]) -> Callable[[], None]:
    """All of them as one."""

    def act() -> None:
        for action in actions:
            action()

    return act


def _report(statistics: Sequence[CameraStatistics], reporters: Sequence[Reporter]) -> None:
    now = time.monotonic()
    for one in statistics:
        snapshot = one.end_interval(now)
        for reporter in reporters:
            reporter.report(snapshot)


def _finish(statistics: Sequence[CameraStatistics], reporters: Sequence[Reporter], *, started: float) -> None:
    """Report the totals, for as long as that is quick: a pipe may be full whose reader has stopped reading."""
    seconds = time.monotonic() - started

    def finish() -> None:
        for one in statistics:
            for reporter in reporters:
                reporter.finish(one.snapshot(), seconds)

    thread = threading.Thread(target=finish, name="finish", daemon=True)
    thread.start()
    thread.join(FINISH_SECONDS)

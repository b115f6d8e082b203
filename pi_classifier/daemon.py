"""The roof: builds every part from the settings, introduces them to one another, and runs them."""

import logging
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from difflib import get_close_matches
from types import FrameType
from typing import TYPE_CHECKING, Protocol

import cv2
from prometheus_client import CollectorRegistry

from pi_classifier import __version__
from pi_classifier.accounting import Account, Snapshot
from pi_classifier.errors import ConfigError
from pi_classifier.feed import LONGEST_RETRY_SECONDS, Feed, FrameSource
from pi_classifier.input_source import source_for
from pi_classifier.model_loading import load_model
from pi_classifier.pipeline import Pipeline, Sink
from pi_classifier.preprocess import Preprocessor
from pi_classifier.ranking import Ranking
from pi_classifier.settings import LogSettings, MetricsSettings, Settings
from pi_classifier.sinks import metrics
from pi_classifier.sinks.events import EventLog
from pi_classifier.sinks.log import LogSink
from pi_classifier.sinks.status import StatusSink
from pi_classifier.system.notify import ServiceManager, journal_listens, log_to_journal
from pi_classifier.system.processor import claim
from pi_classifier.system.soc import Soc
from pi_classifier.ticker import Ticker

if TYPE_CHECKING:
    from pi_classifier.model import Model

HONEST_SECONDS = LONGEST_RETRY_SECONDS + 10
"""How old a feed's word that its camera is away may be: the longest pause between attempts, and time for one."""

logger = logging.getLogger(__name__)


class Reporter(Sink, Protocol):
    """A sink that tells something of each camera once an interval."""

    def report(self, books: Snapshot, /) -> None:
        """An interval of one camera is over."""

    def close(self, books: Snapshot, seconds: float, /) -> None:
        """The run is over, after so many seconds."""


def run(settings: Settings) -> None:
    """Classify what the cameras see until told to stop, or until every source has ended.

    Raises:
        PiClassifierError: what keeps it from running, with its exit code.
    """
    with ExitStack() as stack:
        stop = stack.enter_context(_signals())
        manager = ServiceManager.of_this_process()
        claim(nice=settings.run.nice, cpus=settings.run.cpus)
        # A frame is too small to be worth OpenCV's own thread pool beside the model's.
        cv2.setNumThreads(1)
        # First what may fail at once: a taken port or a missing file should not wait for torch.
        registry = stack.enter_context(_served(settings.metrics))
        sources = {camera.name: source_for(camera) for camera in settings.camera}
        manager.status("loading the model")
        model = load_model(settings.model, progress=sys.stderr.isatty())
        accounts = [Account(name, time.monotonic()) for name in sources]
        reporters = _reporters(settings.log, model, manager, stop)
        sinks: list[Sink] = [manager, *reporters]
        if registry is not None:
            sinks.append(_metrics(settings.metrics, registry, model, accounts))
        bell, closing_time = threading.Event(), threading.Event()
        feeds = [
            _feed(source, account, model, bell, closing_time)
            for source, account in zip(sources.values(), accounts, strict=True)
        ]
        pipeline = Pipeline(
            feeds=feeds,
            classify=model,
            rank=Ranking(model.card.categories, settings.model.top_k),
            sinks=sinks,
            bell=bell,
        )
        ticker = Ticker(settings.log.interval_seconds, lambda: _report(accounts, reporters))
        stack.callback(_close, accounts, reporters, started=time.monotonic())
        stop.wait_for_the_loop = True
        stack.enter_context(_capturing(feeds, ticker, closing_time))
        stack.callback(manager.stopping)
        pipeline.run(
            frames=settings.run.frames,
            stopping=lambda: stop.requested,
            waiting=lambda: _tell_if_all_are_away(accounts, manager),
        )


class _Stop:
    """Whether the loop has been asked to end."""

    def __init__(self) -> None:
        self.requested = False
        self.wait_for_the_loop = False
        """Before the loop runs, and at the second asking, a signal ends the process on the spot."""

    def request(self) -> None:
        self.requested = True

    def on_signal(self, _number: int, _frame: FrameType | None) -> None:
        # Nothing but an assignment: a handler that took a lock could meet the main thread holding it.
        if self.requested or not self.wait_for_the_loop:
            raise SystemExit(0)
        self.requested = True


@contextmanager
def _signals() -> Iterator[_Stop]:
    """SIGTERM and SIGINT ask for the end while the context lasts."""
    stop = _Stop()
    before = {number: signal.signal(number, stop.on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _served(settings: MetricsSettings) -> Iterator[CollectorRegistry | None]:
    if not settings.listen:
        yield None
        return
    with metrics.serve(settings.listen) as registry:
        logger.info("metrics on http://%s/metrics", settings.listen)
        yield registry


def _metrics(
    settings: MetricsSettings, registry: CollectorRegistry, model: "Model", accounts: Iterable[Account]
) -> metrics.MetricsSink:
    for label in settings.labels:
        if label not in model.card.categories:
            near = get_close_matches(label, model.card.categories, n=1, cutoff=0.0)[0]
            raise ConfigError(f"metrics.labels: the model has no class {label!r}; did you mean {near!r}?")
    soc = Soc()
    return metrics.MetricsSink(
        registry,
        accounts=list(accounts),
        card=model.card,
        labels=settings.labels,
        versions=metrics.build_versions(__version__, torch=model.torch_version, opencv=cv2.__version__),
        temperature=soc.temperature_celsius,
        throttled=soc.throttled,
    )


def _feed(
    source: FrameSource, account: Account, model: "Model", bell: threading.Event, closing_time: threading.Event
) -> Feed:
    logger.info("%s: %s", account.camera, source)
    return Feed(
        source,
        account=account,
        preprocess=Preprocessor(model.input_table, model.card.input_size),
        input_size=model.card.input_size,
        bell=bell,
        stopping=closing_time,
    )


@contextmanager
def _capturing(feeds: Iterable[Feed], ticker: Ticker, closing_time: threading.Event) -> Iterator[None]:
    """Capture, and tell once an interval, while the context lasts; in the end no thread is left."""
    try:
        for feed in feeds:
            feed.start()
        ticker.start()
        yield
    finally:
        ticker.stop()
        closing_time.set()
        for feed in feeds:
            feed.join()


def _reporters(settings: LogSettings, model: "Model", manager: ServiceManager, stop: _Stop) -> list[Reporter]:
    """What is told where: a line an interval on stdout, or events to the journal and the line to systemd's status."""
    untrained = model.card.weights == "untrained"
    reporters: list[Reporter] = []
    if settings.destination == "journal" or (settings.destination == "auto" and journal_listens()):
        log_to_journal()
        reporters.append(
            EventLog(
                hold_seconds=settings.label_hold_seconds,
                summary_seconds=settings.summary_seconds,
                untrained=untrained,
            )
        )
    else:
        reporters.append(
            LogSink(stream=sys.stdout, log_format=settings.format, untrained=untrained, on_closed=stop.request)
        )
    if manager.listens:
        reporters.append(StatusSink(manager.status, untrained=untrained))
    return reporters


def _report(accounts: Iterable[Account], reporters: Iterable[Reporter]) -> None:
    now = time.monotonic()
    for account in accounts:
        books = account.close_interval(now)
        for reporter in reporters:
            reporter.report(books)


def _close(accounts: Iterable[Account], reporters: Iterable[Reporter], *, started: float) -> None:
    seconds = time.monotonic() - started
    for account in accounts:
        for reporter in reporters:
            reporter.close(account.snapshot(), seconds)


def _tell_if_all_are_away(accounts: Iterable[Account], manager: ServiceManager) -> None:
    """Feed the watchdog while every camera is known to be away, found so not longer ago than a retry takes.

    A feed that hangs in its driver finds nothing any more, and then the watchdog is left to bite.
    """
    now = time.monotonic()
    if all(books.trouble and now - books.trouble_at < HONEST_SECONDS for books in (one.snapshot() for one in accounts)):
        manager.progress()

"""The roof: builds every part from the settings, introduces them to one another, and runs them."""

import io
import logging
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from difflib import get_close_matches
from types import FrameType
from typing import TYPE_CHECKING

import cv2
from prometheus_client import CollectorRegistry

from pi_classifier import __version__
from pi_classifier.accounting import Account
from pi_classifier.errors import CannotWrite, ConfigError, ModelError
from pi_classifier.feed import Feed, FrameSource
from pi_classifier.input_source import source_for
from pi_classifier.model_store import ModelStore, write_prepared
from pi_classifier.pipeline import Pipeline, Sink
from pi_classifier.preprocess import Preprocessor
from pi_classifier.ranking import Ranking
from pi_classifier.settings import MetricsSettings, ModelSettings, Settings
from pi_classifier.sinks import metrics
from pi_classifier.sinks.log import LogSink
from pi_classifier.system.soc import Soc
from pi_classifier.ticker import Ticker

if TYPE_CHECKING:
    from pi_classifier.model import Model, ModelInput

logger = logging.getLogger(__name__)


def run(settings: Settings) -> None:
    """Classify what the cameras see until told to stop, or until every source has ended.

    Raises:
        PiClassifierError: what keeps it from running, with its exit code.
    """
    with ExitStack() as stack:
        stop = stack.enter_context(_signals())
        # First what may fail at once: a taken port or a missing file should not wait for torch.
        registry = stack.enter_context(_served(settings.metrics))
        sources = {camera.name: source_for(camera) for camera in settings.camera}
        model = load_model(settings.model, progress=sys.stderr.isatty())
        accounts = {name: Account(name, time.monotonic()) for name in sources}
        log = LogSink(
            stream=sys.stdout,
            log_format=settings.log.format,
            untrained=model.card.weights == "untrained",
            on_closed=stop.request,
        )
        sinks: list[Sink] = [log]
        if registry is not None:
            sinks.append(_metrics(settings.metrics, registry, model, accounts.values()))
        bell, closing_time = threading.Event(), threading.Event()
        feeds = [_feed(source, accounts[name], model, bell, closing_time) for name, source in sources.items()]
        pipeline = Pipeline(
            feeds=feeds,
            classify=model,
            rank=Ranking(model.card.categories, settings.model.top_k),
            sinks=sinks,
            bell=bell,
        )
        ticker = Ticker(settings.log.interval_seconds, lambda: _report(accounts.values(), log))
        started = time.monotonic()
        try:
            stop.wait_for_the_loop = True
            for feed in feeds:
                feed.start()
            ticker.start()
            pipeline.run(frames=settings.run.frames, stopping=lambda: stop.requested)
        finally:
            ticker.stop()
            closing_time.set()
            for feed in feeds:
                feed.join()
            for account in accounts.values():
                log.close(account.snapshot(), time.monotonic() - started)


def load_model(settings: ModelSettings, *, progress: bool) -> "Model":
    """The model from its prepared file, which is made now if there is none yet.

    A file that cannot be kept is no reason not to run, nor is a damaged one in the cache: it is made anew.

    Raises:
        ModelError: weights or a prepared file that the user named cannot be used.
        WeightsUnavailable: there are no weights to prepare.
    """
    # torch takes seconds to import on a Raspberry Pi: everything that can fail without it has been tried before.
    from pi_classifier.model import Model

    store = ModelStore.default()
    path = store.find(settings)
    if path is not None:
        try:
            return Model(path, threads=settings.threads)
        except ModelError as error:
            if path.parent != store.folder:
                raise
            logger.warning("%s; doing so now", error)
    from pi_classifier.prepare import prepare

    logger.info("preparing %s from %s weights, once", settings.name, settings.weights)
    content = prepare(settings, progress=progress)
    try:
        write_prepared(store.path_for(settings), content)
    except CannotWrite as error:
        logger.warning("%s; running from memory this time", error)
    return Model(io.BytesIO(content), threads=settings.threads)


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
) -> "Feed[ModelInput]":
    logger.info("%s: %s", account.camera, source)
    return Feed(
        source,
        account=account,
        preprocess=Preprocessor(model.card),
        inputs=(model.new_input(), model.new_input(), model.new_input()),
        bell=bell,
        stopping=closing_time,
    )


def _report(accounts: Iterable[Account], log: LogSink) -> None:
    now = time.monotonic()
    for account in accounts:
        log.report(account.close_interval(now))

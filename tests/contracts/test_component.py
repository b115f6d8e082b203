"""What every component promises: `contracts.component.Component`, held against each of them."""

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.request import urlopen

import pytest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from pi_classifier.capture import HUNG_SECONDS as CAPTURE_HUNG_SECONDS
from pi_classifier.capture import Capture
from pi_classifier.config.address import ListenAddress
from pi_classifier.config.schema import WebSettings
from pi_classifier.contracts.component import Component
from pi_classifier.contracts.event import Event, EventKind
from pi_classifier.contracts.frame import FrameSource
from pi_classifier.contracts.job import PictureDemand
from pi_classifier.errors import CameraAbsent
from pi_classifier.events.dispatch import Dispatcher
from pi_classifier.inference.ticker import HUNG_SECONDS as TICKER_HUNG_SECONDS
from pi_classifier.inference.ticker import Ticker
from pi_classifier.mqtt.outbox import Outbox
from pi_classifier.mqtt.publisher import Watched
from pi_classifier.sinks.metrics.connections import HUNG_SECONDS as METRICS_HUNG_SECONDS
from pi_classifier.sinks.metrics.server import MetricsServer
from pi_classifier.sources.synthetic import Synthetic
from pi_classifier.statistics import CameraStatistics
from pi_classifier.web.door import Door
from pi_classifier.web.server import WebServer
from pi_classifier.webhooks.hook import HUNG_SECONDS as HOOK_HUNG_SECONDS
from pi_classifier.webhooks.hook import Hook
from pi_classifier.webhooks.hooks import Webhooks
from pi_classifier.webhooks.receiver import Receiver
from tests.fakes import CollectingListener, CollectingObserver, FakeModel, HangingCamera, ScriptedCamera
from tests.mqtt.parts import NOBODY, connection_to, publisher_of
from tests.running import unused_port
from tests.waiting import DEADLINE_SECONDS, eventually
from tests.webhooks.receiving import KEY

EVENT = Event(EventKind.CAMERA_UP, "front", 0.0, "c0ffee")


@dataclass
class Member:
    """A component, and what a test must know of it."""

    component: Component
    works: Callable[[], object] = lambda: True
    """Whether it has made progress since it was started."""


@dataclass
class Hung:
    """A component that comes to hang in its work."""

    component: Component
    begin: Callable[[], None] = lambda: None
    """Give it the work, once it is started."""
    hangs: threading.Event = field(default_factory=threading.Event)
    """Set as soon as it hangs."""
    release: threading.Event = field(default_factory=threading.Event)
    """Ends that."""
    patience_seconds: float = 0.0
    """After so long at the latest it is to be noticed."""


def capture_of(source: FrameSource) -> tuple[Capture, CameraStatistics]:
    """A capture whose frames nobody takes."""
    statistics = CameraStatistics("front", time.monotonic())
    capture = Capture(
        source,
        statistics=statistics,
        observers=[CollectingObserver()],
        model=FakeModel(),
        work_available=threading.Event(),
        shutdown=threading.Event(),
    )
    return capture, statistics


def capture() -> Member:
    """Of a camera that gives frames."""
    component, statistics = capture_of(Synthetic("front", width=64, height=48, fps=100))
    return Member(component, lambda: statistics.snapshot().captured > 2)


def capture_without_camera() -> Member:
    """Of a camera that is not plugged in."""
    absent = CameraAbsent("front: no such camera", remedy="plug it in")
    component, statistics = capture_of(ScriptedCamera([absent] * 1000))
    return Member(component, lambda: statistics.snapshot().errors["lost"])


def capture_of_a_file() -> Member:
    """Of a source that ends."""
    component, _ = capture_of(ScriptedCamera([3]))
    return Member(component, lambda: component.ended)


def ticker() -> Member:
    """One that ticks fast."""
    ticks: list[int] = []
    return Member(Ticker(0.01, lambda: ticks.append(1)), lambda: len(ticks) > 2)


def dispatcher() -> Member:
    """One that has an event to hand over."""
    listener = CollectingListener()
    component = Dispatcher(listener, name="collecting")
    component.publish(EVENT)
    return Member(component, lambda: listener.events)


def idle_dispatcher() -> Member:
    """One that has nothing to do."""
    return Member(Dispatcher(CollectingListener(), name="collecting"))


def metrics_server() -> Member:
    """On any free port."""
    return Member(MetricsServer(ListenAddress("127.0.0.1", 0)))


def web_server() -> Member:
    """Of one camera, on any free port."""
    door = Door.opened(WebSettings(), ListenAddress("127.0.0.1", 0))
    component = WebServer(
        door,
        pictures_shown=True,
        model=FakeModel(),
        top_k=1,
        statistics=[CameraStatistics("front", 0.0)],
        picture_demands={"front": PictureDemand()},
        ask=lambda *_: None,
        observers=[],
    )

    def answers() -> bool:
        with urlopen(f"http://{door.address}/healthz", timeout=DEADLINE_SECONDS) as answer:
            return bool(answer.status == 204)

    return Member(component, answers)


def mqtt_publisher() -> Member:
    """Whose broker is not there."""
    outbox = Outbox()
    connection = connection_to(NOBODY, outbox)
    component = publisher_of(outbox, {"front": Watched([], None)}, connection=connection)
    component.publish(EVENT)
    return Member(component, lambda: connection.failures)


def webhooks_to(*ports: int) -> Webhooks:
    """To receivers on these ports, who want all that cameras do."""
    return Webhooks(
        [
            Hook(f"{port}", Receiver(f"http://127.0.0.1:{port}/", KEY, None), kinds={EVENT.kind}, source="/test")
            for port in ports
        ]
    )


def webhooks() -> Member:
    """Whose receivers are not there."""
    component = webhooks_to(unused_port(), unused_port())
    component.publish(EVENT)
    return Member(component, lambda: all(hook.figures().failed_attempts for hook in component.hooks))


MEMBERS = [
    capture,
    capture_without_camera,
    capture_of_a_file,
    ticker,
    dispatcher,
    idle_dispatcher,
    metrics_server,
    web_server,
    mqtt_publisher,
    webhooks,
]
"""A new component is one name more."""


def hung_capture() -> Hung:
    """Of a camera whose driver does not return, after some frames."""
    camera = HangingCamera(3)
    component, _ = capture_of(camera)
    return Hung(component, lambda: None, camera.hangs, camera.release, CAPTURE_HUNG_SECONDS)


def capture_hung_at_once() -> Hung:
    """Of a camera whose driver does not return when it is opened."""
    camera = HangingCamera(0)
    component, _ = capture_of(camera)
    return Hung(component, lambda: None, camera.hangs, camera.release, CAPTURE_HUNG_SECONDS)


def hung_ticker() -> Hung:
    """One whose action does not return."""
    hangs, release = threading.Event(), threading.Event()

    def hang() -> None:
        hangs.set()
        release.wait()

    return Hung(Ticker(0.01, hang), lambda: None, hangs, release, TICKER_HUNG_SECONDS + 0.01)


def ticker_hung_later() -> Hung:
    """One whose action returned some times, and then does not."""
    hangs, release = threading.Event(), threading.Event()
    ticks = itertools.count()

    def hang_at_the_fourth() -> None:
        if next(ticks) == 3:
            hangs.set()
            release.wait()

    return Hung(Ticker(0.01, hang_at_the_fourth), lambda: None, hangs, release, TICKER_HUNG_SECONDS + 0.01)


def hung_dispatcher() -> Hung:
    """One whose listener does not return."""
    hangs, release = threading.Event(), threading.Event()

    class Listener:
        def notify(self, _event: Event) -> None:
            hangs.set()
            release.wait()

    component = Dispatcher(Listener(), name="hung")
    return Hung(component, lambda: component.publish(EVENT), hangs, release, 60.0)


def hung_metrics_server() -> Hung:
    """One with a collector that does not return."""
    hangs, release = threading.Event(), threading.Event()

    class HangingCollector(Collector):
        def collect(self) -> Iterator[Metric]:
            hangs.set()
            release.wait()
            return iter(())

        def describe(self) -> Iterator[Metric]:
            return iter(())

    component = MetricsServer(ListenAddress("127.0.0.1", 0))
    component.registry.register(HangingCollector())

    def scrape() -> None:
        with socket.create_connection(("127.0.0.1", component.address.port)) as client:
            client.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
            hangs.wait(DEADLINE_SECONDS)

    return Hung(component, scrape, hangs, release, METRICS_HUNG_SECONDS)


def hung_webhook() -> Hung:
    """One whose receiver says nothing."""
    hangs, release = threading.Event(), threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def hang() -> None:
        with listener, listener.accept()[0]:
            hangs.set()
            release.wait()

    threading.Thread(target=hang, daemon=True).start()
    component = webhooks_to(listener.getsockname()[1])
    return Hung(component, lambda: component.publish(EVENT), hangs, release, HOOK_HUNG_SECONDS)


HUNG = [
    hung_capture,
    capture_hung_at_once,
    hung_ticker,
    ticker_hung_later,
    hung_dispatcher,
    hung_metrics_server,
    hung_webhook,
]


def stop_within_the_deadline(component: Component) -> None:
    """Stop it; fails if that does not return."""
    stopping = threading.Thread(target=component.stop, daemon=True)
    stopping.start()
    stopping.join(DEADLINE_SECONDS)
    assert not stopping.is_alive()


@pytest.mark.parametrize("make", MEMBERS, ids=lambda make: make.__name__)
def test_stop_ends_it_and_leaves_no_thread(make: Callable[[], Member]) -> None:
    """Protects the end of the daemon: what was started can be stopped, and nothing of it runs on."""
    before = set(threading.enumerate())
    member = make()
    member.component.start()
    eventually(member.works, "progress")
    stop_within_the_deadline(member.component)
    eventually(lambda: set(threading.enumerate()) <= before, "end of its threads")


@pytest.mark.parametrize("make", MEMBERS, ids=lambda make: make.__name__)
def test_stop_at_once(make: Callable[[], Member]) -> None:
    """Protects a start that fails half way: what was only just started is stopped like anything else."""
    before = set(threading.enumerate())
    member = make()
    member.component.start()
    stop_within_the_deadline(member.component)
    eventually(lambda: set(threading.enumerate()) <= before, "end of its threads")


@pytest.mark.parametrize("make", MEMBERS, ids=lambda make: make.__name__)
def test_progress_is_healthy(make: Callable[[], Member]) -> None:
    """Protects a working daemon from its watchdog: from the start on, what makes progress is healthy."""
    member = make()
    member.component.start()
    try:
        assert member.component.healthy(time.monotonic())
        eventually(member.works, "progress")
        assert member.component.healthy(time.monotonic())
    finally:
        member.component.stop()


@pytest.mark.parametrize("make", HUNG, ids=lambda make: make.__name__)
def test_hang_shows_and_does_not_hold_up_the_end(make: Callable[[], Hung]) -> None:
    """Protects the watchdog's meaning and `systemctl stop`: a hang is noticed in its time, and left behind at the end.

    Once what hung returns, its thread ends as well.
    """
    before = set(threading.enumerate())
    hung = make()
    component = hung.component
    component.start()
    hung.begin()
    try:
        assert hung.hangs.wait(DEADLINE_SECONDS)
        since = time.monotonic()
        assert component.healthy(since), "it is not late yet"
        assert not component.healthy(since + hung.patience_seconds)
        stop_within_the_deadline(component)
        assert set(threading.enumerate()) - before, "it hangs still"
    finally:
        hung.release.set()
    eventually(lambda: set(threading.enumerate()) <= before, "end of its threads")

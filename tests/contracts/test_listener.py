"""What every listener promises: `contracts.event.Listener`, held against each, alone and behind a dispatcher."""

import asyncio
import io
import logging
import threading
from collections.abc import Callable

import pytest

from pi_classifier.contracts.event import CAMERA_EVENTS, CameraObserver, Event, EventKind, Listener
from pi_classifier.contracts.state import Change
from pi_classifier.errors import CameraAbsent
from pi_classifier.events.dispatch import Dispatcher
from pi_classifier.events.groups import GroupEvents
from pi_classifier.events.journal import Journal
from pi_classifier.events.monitor import EventMonitor
from pi_classifier.inference.synchroniser import Synchroniser
from pi_classifier.sinks.stdout import StdoutSink
from pi_classifier.statistics import CameraStatistics
from pi_classifier.web.news import News
from tests.fakes import CollectingListener, CollectingObserver, group_of, prediction_of, steadiness
from tests.waiting import eventually


def journal() -> Listener:
    """Everything, to the log."""
    return Journal(untrained=False)


def journal_of_cameras() -> Listener:
    """Beside lines on stdout."""
    return Journal(kinds=CAMERA_EVENTS, untrained=True)


def lines_of_json() -> Listener:
    """Beside the lines of `run --log-format json`."""
    return StdoutSink(stream=io.StringIO(), log_format="json", untrained=False, on_closed=lambda: None)


def news_of_the_page() -> Listener:
    """After its event loop has ended: nobody listens any more."""
    loop = asyncio.new_event_loop()
    loop.close()
    return News(loop)


def collecting() -> Listener:
    """The tests' own."""
    return CollectingListener()


LISTENERS = [lines_of_json, journal, journal_of_cameras, news_of_the_page, collecting]
"""A new one is one name more."""
each_listener = pytest.mark.parametrize("make", LISTENERS, ids=lambda make: make.__name__)


def everything() -> list[Event]:
    """One event of each kind at least, as they are published: with all their fields, and no others."""
    events: list[Event] = []
    now = 0.0
    monitor = EventMonitor([events.append], summary_seconds=2, clock=lambda: now)
    statistics = CameraStatistics("front", 0.0)
    monitor.camera_down("front", CameraAbsent("/dev/video0: no such camera", remedy="plug it in"))
    monitor.camera_up("front")
    for started in (True, False):
        monitor.changed(Change("front", started, "water bottle", 898, None, 0.621, now, "probability"))
        monitor.changed(Change("front", started, None, None, "bottle", 0.7, now, "camera"))
    for now in (0.0, 1.0, 2.0):
        statistics.frame_arrived(now)
        statistics.frame_classified()
        monitor.report(statistics.end_interval(now))
    statistics.frame_dropped("shutdown")
    monitor.finish(statistics.snapshot(), 2.0)
    GroupEvents(each=[], changes=[events.append]).offer_group(group_of(prediction_of((0, "tench", 1.0))))
    assert {event.kind for event in events} == set(EventKind)
    return events


@each_listener
def test_every_event_of_the_monitor_is_taken(make: Callable[[], Listener]) -> None:
    """Protects who listens from who decides: whatever the monitor publishes, in any order, each listener can take."""
    listener = make()
    for event in [*everything(), *reversed(everything())]:
        listener.notify(event)


@each_listener
def test_every_event_comes_through_a_dispatcher(make: Callable[[], Listener], caplog: pytest.LogCaptureFixture) -> None:
    """Protects the thread between them: no listener fails on an event there, none is lost, and the end is an end."""
    caplog.set_level(logging.INFO)
    before = set(threading.enumerate())
    dispatcher = Dispatcher(make(), name="listener")
    dispatcher.start()
    for event in everything() * 10:
        dispatcher.publish(event)
    dispatcher.stop()
    eventually(lambda: set(threading.enumerate()) <= before, "end of the thread")
    assert dispatcher.lost == 0
    assert "failed on an event" not in caplog.text


def monitor() -> CameraObserver:
    """The daemon's for events."""
    return EventMonitor([], summary_seconds=0)


def steady() -> CameraObserver:
    """The daemon's for what cameras show."""
    return steadiness("front", "back")


def in_step() -> CameraObserver:
    """Who brings cameras together; one has no group."""
    return Synchroniser({"table": ["front", "side"]}, sinks=[])


@pytest.mark.parametrize("make", [monitor, steady, in_step, CollectingObserver], ids=lambda make: make.__name__)
def test_observer_takes_news_in_any_order(make: Callable[[], CameraObserver]) -> None:
    """Protects capture threads, which call it: a return without a loss, a loss twice, cameras it never heard of."""
    observer = make()
    error = CameraAbsent("/dev/video0: no such camera", remedy="plug it in")
    observer.camera_up("front")
    for camera in ("front", "back"):
        observer.camera_down(camera, error)
        observer.camera_down(camera, error)
        observer.camera_up(camera)
        observer.camera_up(camera)

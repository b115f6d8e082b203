"""What every listener promises: `contracts.event.Listener`, held against each, alone and behind a dispatcher."""

import logging
import threading
from collections.abc import Callable

import pytest

from pi_classifier.contracts.event import CameraObserver, Event, EventKind, Listener
from pi_classifier.errors import CameraAbsent
from pi_classifier.events.dispatch import Dispatcher
from pi_classifier.events.journal import CAMERA_EVENTS, Journal
from pi_classifier.events.monitor import EventMonitor
from pi_classifier.statistics import CameraStatistics
from tests.conftest import eventually
from tests.fakes import CollectingListener, CollectingObserver, prediction_of


def journal() -> Listener:
    """Everything, to the log."""
    return Journal(untrained=False)


def journal_of_cameras() -> Listener:
    """Beside lines on stdout."""
    return Journal(kinds=CAMERA_EVENTS, untrained=True)


def collecting() -> Listener:
    """The tests' own."""
    return CollectingListener()


LISTENERS = [journal, journal_of_cameras, collecting]
"""A new one is one name more."""
each_listener = pytest.mark.parametrize("make", LISTENERS, ids=lambda make: make.__name__)


def everything() -> list[Event]:
    """One event of each kind at least, as the monitor publishes them: with all their fields, and no others."""
    events: list[Event] = []
    now = 0.0
    monitor = EventMonitor([events.append], label_hold_seconds=1, summary_seconds=2, clock=lambda: now)
    statistics = CameraStatistics("front", 0.0)
    monitor.camera_down("front", CameraAbsent("/dev/video0: no such camera", remedy="plug it in"))
    monitor.camera_up("front")
    for now in (0.0, 1.0, 2.0):
        statistics.frame_arrived(now)
        statistics.frame_classified()
        monitor.offer(prediction_of((898, "water bottle", 0.621)))
        monitor.report(statistics.end_interval(now))
    statistics.frame_dropped("shutdown")
    monitor.finish(statistics.snapshot(), 2.0)
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
    """The daemon's."""
    return EventMonitor([], label_hold_seconds=0, summary_seconds=0)


@pytest.mark.parametrize("make", [monitor, CollectingObserver], ids=["monitor", "collecting"])
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

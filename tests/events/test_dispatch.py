"""Events on their way to a listener that may be slow, faulty or hung."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.contracts.event import Event, EventKind, Listener
from pi_classifier.events.dispatch import Dispatcher
from tests.fakes import CollectingListener
from tests.waiting import DEADLINE_SECONDS, eventually


def event(number: int) -> Event:
    """An event that can be told from others."""
    return Event(EventKind.SUMMARY, f"camera {number}", float(number), f"{number:x}")


def numbers(listener: CollectingListener) -> list[int]:
    """Which events it got."""
    return [int(one.at) for one in listener.events]


@contextmanager
def running(listener: Listener, *, capacity: int = 1000) -> Iterator[Dispatcher]:
    """A dispatcher that runs while the context lasts."""
    dispatcher = Dispatcher(listener, name="journal", capacity=capacity)
    dispatcher.start()
    yield dispatcher
    dispatcher.stop()


class HungListener(CollectingListener):
    """Takes one event and does not come back until it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.hangs = threading.Event()
        self.release = threading.Event()

    def notify(self, event: Event) -> None:
        """Hang, then keep it."""
        self.hangs.set()
        self.release.wait()
        super().notify(event)


class FaultyListener(CollectingListener):
    """Raises at every third event."""

    def notify(self, event: Event) -> None:
        """Raise or keep it."""
        if event.at % 3 == 1:
            raise ZeroDivisionError
        super().notify(event)


@given(published=st.integers(0, 50), capacity=st.integers(1, 20))
def test_what_waits_comes_in_order_and_the_oldest_is_lost(published: int, capacity: int) -> None:
    """Protects memory and the newest news: no more wait than there is room for, and each one lost is counted."""
    listener = CollectingListener()
    dispatcher = Dispatcher(listener, name="journal", capacity=capacity)
    for number in range(published):
        dispatcher.publish(event(number))
    assert dispatcher.lost == max(0, published - capacity)
    dispatcher.start()
    eventually(lambda: len(listener.events) == min(published, capacity), "last event")
    dispatcher.stop()
    assert numbers(listener) == list(range(published))[-capacity:]
    assert dispatcher.lost == max(0, published - capacity)


def test_every_event_comes_from_any_thread() -> None:
    """Protects order and number: what each thread publishes comes, all of it, in the order of that thread."""
    listener = CollectingListener()
    with running(listener) as dispatcher:

        def publish(start: int) -> None:
            for number in range(start, start + 100):
                dispatcher.publish(event(number))

        threads = [threading.Thread(target=publish, args=(start,)) for start in (0, 1000, 2000)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        eventually(lambda: len(listener.events) == 300, "last event")
    for start in (0, 1000, 2000):
        assert [n for n in numbers(listener) if start <= n < start + 100] == list(range(start, start + 100))


def test_stop_hands_over_what_waits() -> None:
    """Protects the totals: what was published before the end is heard before the end."""
    listener = CollectingListener()
    with running(listener) as dispatcher:
        for number in range(100):
            dispatcher.publish(event(number))
    # It comes before the end, which a slow machine may reach after `stop` has given up waiting for it.
    eventually(lambda: len(listener.events) == 100, "last event")
    assert numbers(listener) == list(range(100))


def test_nothing_is_taken_after_stop() -> None:
    """Protects the end: a capture thread that is left behind cannot keep the listener's thread alive."""
    listener = CollectingListener()
    with running(listener, capacity=1) as dispatcher:
        dispatcher.publish(event(0))
        eventually(lambda: len(listener.events) == 1, "event")
    dispatcher.publish(event(1))
    dispatcher.publish(event(2))
    assert numbers(listener) == [0]
    assert dispatcher.lost == 0
    eventually(lambda: not dispatcher.healthy(time.monotonic()), "end of the thread")


def test_listener_that_raises_loses_one_event(caplog: pytest.LogCaptureFixture) -> None:
    """Protects all others: a listener's fault costs that one event, and is in the log with its traceback."""
    listener = FaultyListener()
    with running(listener) as dispatcher:
        for number in range(6):
            dispatcher.publish(event(number))
        eventually(lambda: len(listener.events) == 4, "last event")
        assert dispatcher.healthy(time.monotonic())
    assert numbers(listener) == [0, 2, 3, 5]
    assert dispatcher.lost == 0
    assert [record.getMessage() for record in caplog.records] == ["journal failed on an event"] * 2
    assert all(record.exc_info for record in caplog.records)


def test_hung_listener_costs_neither_publisher_nor_end(caplog: pytest.LogCaptureFixture) -> None:
    """Protects the capture threads and the end: a hung listener blocks nobody, and the loss is logged once."""
    listener = HungListener()
    before = set(threading.enumerate())
    dispatcher = Dispatcher(listener, name="journal", capacity=5)
    dispatcher.start()
    dispatcher.publish(event(0))
    assert listener.hangs.wait(DEADLINE_SECONDS)

    def publish() -> None:
        for number in range(1, 101):
            dispatcher.publish(event(number))

    publisher = threading.Thread(target=publish)
    publisher.start()
    publisher.join(DEADLINE_SECONDS)
    assert not publisher.is_alive()
    assert dispatcher.lost == 95
    assert dispatcher.healthy(time.monotonic())
    assert not dispatcher.healthy(time.monotonic() + 3600)
    stopper = threading.Thread(target=dispatcher.stop)
    stopper.start()
    stopper.join(DEADLINE_SECONDS)
    assert not stopper.is_alive()
    assert [record.getMessage() for record in caplog.records] == [
        "journal is too slow for its events; the oldest are lost"
    ]
    listener.release.set()
    eventually(lambda: set(threading.enumerate()) <= before, "end of the thread")
    assert numbers(listener) == [0, 96, 97, 98, 99, 100]

"""What is done at a steady interval."""

import threading
import time

from pi_classifier.inference.ticker import HUNG_SECONDS, Ticker
from tests.waiting import DEADLINE_SECONDS, eventually


def test_ticks_until_stopped() -> None:
    """Protects the line a second: it comes again and again, and no more once the end has begun."""
    ticks: list[float] = []
    ticker = Ticker(0.01, lambda: ticks.append(time.monotonic()))
    started = time.monotonic()
    ticker.start()
    eventually(lambda: len(ticks) >= 5, "fifth tick")
    ticker.stop()
    eventually(lambda: all(thread.name != "ticker" for thread in threading.enumerate()), "end of the thread")
    after = len(ticks)
    assert ticks[0] - started >= 0.01, "the first comes after one interval"
    time.sleep(0.05)
    assert len(ticks) == after


def test_missed_ticks_are_left_out() -> None:
    """Protects from a burst: after an action that took long, those it missed are not made up for."""
    begun = threading.Event()
    go_on = threading.Event()
    moments: list[float] = []

    def slow_once() -> None:
        moments.append(time.monotonic())
        if len(moments) == 1:
            begun.set()
            go_on.wait(DEADLINE_SECONDS)

    ticker = Ticker(0.1, slow_once)
    ticker.start()
    assert begun.wait(DEADLINE_SECONDS)
    time.sleep(0.5)
    released = time.monotonic()
    go_on.set()
    eventually(lambda: len(moments) >= 4, "later ticks")
    ticker.stop()
    assert moments[3] - released >= 0.2 - 0.01, "at most one at once, the others an interval apart"


def test_slow_ticker_is_healthy_while_it_waits() -> None:
    """Protects an interval of an hour from the watchdog: to wait for the next tick is no hang."""
    ticker = Ticker(3600.0, lambda: None)
    ticker.start()
    begun = time.monotonic()
    assert ticker.healthy(begun + 3599)
    assert not ticker.healthy(begun + 3600 + HUNG_SECONDS)
    ticker.stop()

"""When the service manager is told that the daemon is ready, and that it is alive."""

import pytest

from pi_classifier.inference.watchdog import Watchdog
from pi_classifier.statistics import CameraStatistics
from pi_classifier.system.systemd import SystemdClient
from tests.fakes import prediction_of

PREDICTION = prediction_of((0, "tench", 0.9))


class Part:
    """A component that is as healthy as a test says; remembers the moments that it was asked about."""

    def __init__(self) -> None:
        self.well = True
        self.asked: list[float] = []

    def start(self) -> None:
        """Nothing to start."""

    def stop(self) -> None:
        """Nothing to stop."""

    def healthy(self, now: float) -> bool:
        """As it was set."""
        self.asked.append(now)
        return self.well


class Daemon:
    """Two cameras, two components, and what systemd hears of them."""

    def __init__(self, *, watchdog_seconds: float = 1e-6) -> None:
        self.heard: list[str] = []
        self.statistics = [CameraStatistics(name, 0.0) for name in ("front", "back")]
        self.components = [Part(), Part()]
        self.watchdog = Watchdog(
            SystemdClient(self.heard.append, watchdog_seconds=watchdog_seconds),
            statistics=self.statistics,
            components=self.components,
        )

    def fail(self, *cameras: int) -> None:
        """These cameras are disconnected."""
        for number in cameras:
            self.statistics[number].camera_failed("lost", "no such camera; plug it in")


def test_ready_with_the_first_prediction_and_once() -> None:
    """Protects Type=notify: ready is a daemon that has classified, not one that has only started; and it says it once.

    Before that it is not alive either: systemd's start-up time is for a start that hangs.
    """
    daemon = Daemon()
    for _ in range(3):
        daemon.watchdog.check()
    assert daemon.heard == []
    for _ in range(3):
        daemon.watchdog.offer(PREDICTION)
    assert daemon.heard == ["READY=1"]
    daemon.watchdog.check()
    daemon.watchdog.check()
    assert daemon.heard == ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]


def test_ready_when_all_cameras_are_disconnected() -> None:
    """Protects a boot without cameras: the service starts and waits, once it knows that there is none of them."""
    daemon = Daemon()
    daemon.fail(0)
    daemon.watchdog.check()
    assert daemon.heard == [], "the other one may still come"
    daemon.fail(1)
    daemon.watchdog.check()
    assert daemon.heard == ["READY=1"]
    daemon.watchdog.check()
    daemon.watchdog.offer(PREDICTION)
    assert daemon.heard == ["READY=1", "WATCHDOG=1"]


@pytest.mark.parametrize("hung", [(0,), (1,), (0, 1)])
def test_one_hung_component_stops_the_beats(hung: tuple[int, ...]) -> None:
    """Protects every camera: one that hangs beside healthy ones starves the watchdog, whatever else is predicted."""
    daemon = Daemon()
    daemon.watchdog.offer(PREDICTION)
    daemon.watchdog.check()
    assert daemon.heard == ["READY=1", "WATCHDOG=1"]
    for number in hung:
        daemon.components[number].well = False
    for _ in range(5):
        daemon.watchdog.offer(PREDICTION)
        daemon.watchdog.check()
    assert daemon.heard == ["READY=1", "WATCHDOG=1"]
    for component in daemon.components:
        component.well = True
    daemon.watchdog.check()
    assert daemon.heard[2:] == ["WATCHDOG=1"]


def test_disconnected_cameras_alone_do_not_feed_it() -> None:
    """Protects from a loop that hangs: an error that a camera once had proves nothing, its component's health does."""
    daemon = Daemon()
    daemon.fail(0, 1)
    daemon.watchdog.check()
    daemon.components[1].well = False
    daemon.watchdog.check()
    assert daemon.heard == ["READY=1"]


def test_beats_are_spared() -> None:
    """Protects the hot loop: however many turns, systemd is woken, and components asked, a few times an interval."""
    daemon = Daemon(watchdog_seconds=3600)
    for _ in range(1000):
        daemon.watchdog.offer(PREDICTION)
        daemon.watchdog.check()
    assert daemon.heard == ["READY=1", "WATCHDOG=1"]
    assert len(daemon.components[0].asked) == 1


def test_no_beats_without_a_watchdog() -> None:
    """Protects a unit without WatchdogSec: it hears that the daemon is ready, and no more."""
    daemon = Daemon(watchdog_seconds=0.0)
    for _ in range(5):
        daemon.watchdog.offer(PREDICTION)
        daemon.watchdog.check()
    assert daemon.heard == ["READY=1"]
    assert daemon.components[0].asked == []


def test_silence_without_systemd() -> None:
    """Protects a start by hand: without a service manager everything goes on, and nobody is asked."""
    component = Part()
    watchdog = Watchdog(SystemdClient(None), statistics=[CameraStatistics("front", 0.0)], components=[component])
    for _ in range(3):
        watchdog.offer(PREDICTION)
        watchdog.check()
    assert component.asked == []

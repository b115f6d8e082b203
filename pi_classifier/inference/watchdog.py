"""When systemd is told that the daemon is ready, and that it is alive."""

import time
from collections.abc import Sequence

from pi_classifier.contracts.component import Component
from pi_classifier.contracts.prediction import Prediction
from pi_classifier.statistics import CameraStatistics
from pi_classifier.system.systemd import SystemdClient


class Watchdog:
    """Reports progress to systemd; the inference loop calls it, so that a hung loop shows.

    Ready is a daemon that has made a prediction, or knows that all its cameras are disconnected. Alive is one whose
    components are all healthy. The watchdog is fed by their progress alone, never by a timer.
    """

    def __init__(
        self, systemd: SystemdClient, *, statistics: Sequence[CameraStatistics], components: Sequence[Component]
    ) -> None:
        """`statistics`: of all cameras. `components`: those of the frame path."""
        self._systemd = systemd
        self._statistics = tuple(statistics)
        self._components = tuple(components)
        self._ready = False
        # A quarter of what is allowed: three beats may be late before anything happens.
        self._beat_seconds = systemd.watchdog_seconds / 4
        self._next_beat = 0.0 if systemd.watchdog_seconds else float("inf")

    def offer(self, prediction: Prediction) -> None:  # noqa: ARG002 - that there is one is the news
        """A prediction was made: ready, if not before."""
        if not self._ready:
            self._become_ready()

    def check(self) -> None:
        """Tell systemd what there is to tell; to be called at every turn of the loop."""
        if not self._ready:
            if all(statistics.snapshot().error for statistics in self._statistics):
                self._become_ready()
            return
        now = time.monotonic()
        if now >= self._next_beat and all(component.healthy(now) for component in self._components):
            self._next_beat = now + self._beat_seconds
            self._systemd.alive()

    def _become_ready(self) -> None:
        self._ready = True
        self._systemd.ready()

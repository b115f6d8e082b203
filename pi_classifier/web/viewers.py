"""How many look."""

import logging
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pi_classifier.contracts.web import Way, WebObserver
from pi_classifier.system.log_limit import LogLimit
from pi_classifier.web.problem import busy

MOST_VIEWERS = 8
RETRY_SECONDS = 10

logger = logging.getLogger(__name__)


class Viewers:
    """Counts those who look, and lets no more than a few. For one event loop."""

    def __init__(self, observers: Sequence[WebObserver]) -> None:
        """`observers`: learn how many there are."""
        self._observers = tuple(observers)
        self._count: Counter[Way] = Counter()
        self._log = LogLimit()

    @property
    def total(self) -> int:
        """In all ways together."""
        return self._count.total()

    @contextmanager
    def one(self, way: Way) -> Iterator[None]:
        """Somebody looks while the context lasts. Raises Problem (503) if too many do already."""
        if self.total >= MOST_VIEWERS:
            raise busy(f"{MOST_VIEWERS} viewers look already, and there may be no more", RETRY_SECONDS)
        self._changed(way, 1)
        if self._log.occasions(time.monotonic()):
            logger.info("web: %d %s", self.total, "viewer looks" if self.total == 1 else "viewers look")
        try:
            yield
        finally:
            self._changed(way, -1)

    def _changed(self, way: Way, by: int) -> None:
        self._count[way] += by
        for observer in self._observers:
            observer.viewers_changed(way, self._count[way])

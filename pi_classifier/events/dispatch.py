"""Events on their way to a listener, which may be slow."""

import logging
import threading
import time
from collections import deque

from pi_classifier.contracts.event import Event, Listener

STOP_SECONDS = 0.5
"""How long `stop` waits for what is still to be written."""
HUNG_SECONDS = 60.0
"""A listener that has had one event for so long hangs."""
CAPACITY = 1000
"""Events that wait at most, if nobody says otherwise: hours of them on a camera that shows much."""

logger = logging.getLogger(__name__)


class Dispatcher:
    """Hands events to one listener, in order, on a thread of its own. An `EventQueue`.

    At most `capacity` events wait; of more, the oldest are lost, counted, and the loss is logged.
    """

    def __init__(self, listener: Listener, *, name: str, capacity: int = CAPACITY) -> None:
        """`name`: of the listener, in logs."""
        self._listener = listener
        self.name = name
        self._waiting: deque[Event] = deque(maxlen=capacity)
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=f"events-{name}", daemon=True)
        self._notified_since: float | None = None
        self.lost = 0
        """Events that the listener was too slow for."""

    def publish(self, event: Event) -> None:
        """Queue an event; never blocks. May be called from any thread; after `stop` nothing is taken."""
        with self._changed:
            if self._stopping:
                return
            full = len(self._waiting) == self._waiting.maxlen
            self.lost += full
            first = full and self.lost == 1
            self._waiting.append(event)
            self._changed.notify()
        if first:
            logger.warning("%s is too slow for its events; the oldest are lost", self.name)

    def start(self) -> None:
        """Begin to hand over."""
        self._thread.start()

    def stop(self) -> None:
        """Hand over what waits, as far as that is quick, and end."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(STOP_SECONDS)

    def healthy(self, now: float) -> bool:
        """Whether the thread lives, and the listener has not had one event for too long."""
        since = self._notified_since
        return self._thread.is_alive() and (since is None or now - since < HUNG_SECONDS)

    def _run(self) -> None:
        while (event := self._next()) is not None:
            self._notified_since = time.monotonic()
            try:
                self._listener.notify(event)
            except Exception:  # a listener's fault costs one event, not all that follow
                logger.exception("%s failed on an event", self.name)
            self._notified_since = None

    def _next(self) -> Event | None:
        """The oldest event that waits; None once it is time to stop and none does."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._stopping)
            return self._waiting.popleft() if self._waiting else None

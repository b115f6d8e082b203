"""Events on their way to a listener, which may be slow."""

import logging
import queue
import threading
import time

from pi_classifier.contracts.event import Event, Listener

STOP_SECONDS = 0.5
"""How long `stop` waits for what is still to be written."""
CAPACITY = 1000
"""Events that wait at most, if nobody says otherwise: hours of them on a camera that shows much."""

logger = logging.getLogger(__name__)


class Dispatcher:
    """Hands events to one listener, in order, on a thread of its own. A `Component`.

    At most `capacity` events wait; of more, the oldest are lost, counted, and the loss is logged.
    """

    def __init__(self, listener: Listener, *, name: str, capacity: int = CAPACITY) -> None:
        """`name`: of the listener, in logs."""
        self._listener = listener
        self._name = name
        self._waiting: queue.Queue[Event | None] = queue.Queue(capacity)
        self._thread = threading.Thread(target=self._run, name=f"events-{name}", daemon=True)
        self._notified_since: float | None = None
        self.lost = 0
        """Events that the listener was too slow for."""

    def publish(self, event: Event) -> None:
        """Queue an event; never blocks. May be called from any thread."""
        self._put(event)

    def start(self) -> None:
        """Begin to hand over."""
        self._thread.start()

    def stop(self) -> None:
        """Hand over what waits, as far as that is quick, and end."""
        self._put(None)
        self._thread.join(STOP_SECONDS)

    def healthy(self, now: float) -> bool:
        """Whether the thread lives, and the listener has not had one event for longer than a minute."""
        since = self._notified_since
        return self._thread.is_alive() and (since is None or now - since < 60)

    def _put(self, event: Event | None) -> None:
        while True:
            try:
                self._waiting.put_nowait(event)
            except queue.Full:
                self._lose_oldest()
                continue
            return

    def _lose_oldest(self) -> None:
        try:
            self._waiting.get_nowait()
        except queue.Empty:  # the listener was quicker
            return
        if not self.lost:
            logger.warning("%s is too slow for its events; the oldest are lost", self._name)
        self.lost += 1

    def _run(self) -> None:
        while (event := self._waiting.get()) is not None:
            self._notified_since = time.monotonic()
            try:
                self._listener.notify(event)
            except Exception:  # a listener's fault costs one event, not all that follow
                logger.exception("%s failed on an event", self._name)
            self._notified_since = None

"""What waits to be sent to a broker: the latest of each retained topic, and events in order. No input, no output."""

import threading
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from pi_classifier.contracts.delivery import MqttFigures

CAPACITY = 1000
"""Events that wait at most."""
Payload = bytes | Callable[[], bytes]
"""Or what makes it, on the thread that sends it: a picture is encoded only then."""


class Message(NamedTuple):
    """What is to be sent now."""

    topic: str
    payload: bytes
    qos: int
    """1: until it is acknowledged or refused, nothing else of that kind is sent. 0: it is forgotten at once."""
    retain: bool


class Outbox:
    """Keeps what is not acknowledged. Any thread may put in; one takes out.

    An event leaves when it is acknowledged or refused, or when too many have come after it; one at a time is on its
    way, so first deliveries are in order. Of a retained topic only the newest payload counts.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        """`capacity`: events that wait at most; of more, the oldest are lost, but not the one that is on its way."""
        self._lock = threading.Lock()
        self._capacity = capacity
        self._kept: dict[str, Payload] = {}
        self._due: dict[str, None] = {}
        """Topics of `_kept` to be sent, in order."""
        self._passing: dict[str, bytes] = {}
        self._events: deque[tuple[str, bytes]] = deque()
        self._on_its_way: str | None = None
        """The topic."""
        self._is_event = False
        """Whether that is the first of `_events`."""
        self._ended_by: str | None = None
        """The topic of a message that the broker has ended the connection for."""
        self._delivered = self._lost = self._refused = 0

    def keep(self, topic: str, payload: Payload) -> None:
        """Send this, retained: now, and again at each new connection, until there is another."""
        with self._lock:
            if self._kept.get(topic) == payload:
                return  # it is there, or on its way
            self._kept[topic] = payload
            self._due[topic] = None

    def add(self, topic: str, payload: bytes) -> bool:
        """Send this event. False: there was no room, and the oldest that waited is lost."""
        with self._lock:
            self._events.append((topic, payload))
            if len(self._events) <= self._capacity:
                return True
            del self._events[1 if self._is_event else 0]
            self._lost += 1
            return False

    def tell(self, topic: str, payload: bytes) -> None:
        """Send this once, if there is a connection then: of several that wait the newest."""
        with self._lock:
            self._passing[topic] = payload

    def next(self) -> Message | None:
        """What to send now; None while something is on its way or nothing waits."""
        with self._lock:
            if self._on_its_way is not None:
                return None
            if not self._due:
                return self._next_that_passes()
            self._on_its_way = topic = next(iter(self._due))
            del self._due[topic]
            kept = self._kept[topic]
        # Without the lock: to encode a picture takes longer than who puts something in may wait.
        return Message(topic, kept if isinstance(kept, bytes) else kept(), 1, retain=True)

    def _next_that_passes(self) -> Message | None:
        """An event, or what is told once."""
        if self._events:
            self._on_its_way, payload = self._events[0]
            self._is_event = True
            return Message(self._on_its_way, payload, 1, retain=False)
        if self._passing:
            topic = next(iter(self._passing))
            return Message(topic, self._passing.pop(topic), 0, retain=False)
        return None

    def acknowledged(self) -> None:
        """The message that was on its way has arrived."""
        with self._lock:
            self._delivered += self._arrived()

    def refused(self) -> str | None:
        """The broker does not want the message that was on its way. Returns its topic, if there was one."""
        with self._lock:
            topic = self._on_its_way
            self._refused += topic is not None
            self._arrived()
            return topic

    def ended(self) -> str | None:
        """The broker has ended the connection, perhaps for the message that was on its way.

        The second time, without an answer in between, it is refused, and not sent at new connections either, for it
        would end each of them. Returns its topic then.
        """
        with self._lock:
            topic = self._on_its_way
            if topic is None or topic != self._ended_by:
                self._ended_by = topic or self._ended_by
                return None
            self._kept.pop(topic, None)
            self._due.pop(topic, None)
            self._refused += 1
            self._arrived()
            return topic

    def renew(self) -> None:
        """There is a new connection, to a broker that may have forgotten all: nothing is on its way."""
        with self._lock:
            self._on_its_way, self._is_event = None, False
            self._due = dict.fromkeys(self._kept)
            self._passing.clear()

    @property
    def empty(self) -> bool:
        """Whether all was sent and acknowledged."""
        with self._lock:
            return not (self._due or self._events or self._passing or self._on_its_way)

    def figures(self) -> MqttFigures:
        """As they stand."""
        with self._lock:
            return MqttFigures(len(self._events), self._delivered, self._lost, self._refused)

    def _arrived(self) -> bool:
        """Whether it was an event."""
        was_event = self._is_event
        if self._ended_by == self._on_its_way:
            self._ended_by = None
        if was_event:
            self._events.popleft()
        self._on_its_way, self._is_event = None, False
        return was_event

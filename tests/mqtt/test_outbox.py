"""What waits for a broker: within the bound nothing unacknowledged is lost, and first deliveries are in order."""

import threading
from collections import deque

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from pi_classifier.mqtt.outbox import Message, Outbox
from tests.waiting import DEADLINE_SECONDS

CAPACITY = 5
TOPICS = st.sampled_from(["front/state", "back/state", "availability"])


class AnyOutbox(RuleBasedStateMachine):
    """Any order of what the daemon puts in, what a broker answers, and connections that are lost."""

    def __init__(self) -> None:
        super().__init__()
        self.outbox = Outbox(CAPACITY)
        self.kept: dict[str, bytes] = {}
        self.seen: dict[str, bytes] = {}
        """What the broker retains."""
        self.events: deque[bytes] = deque()
        """That are not acknowledged."""
        self.on_its_way: Message | None = None
        self.ended = False
        """Whether a connection was ended for an event since the last that was answered."""
        self.numbers = iter(range(10**6))
        self.first_sent: list[int] = []
        self.delivered = self.lost = self.refused = 0

    @rule(topic=TOPICS, payload=st.sampled_from([b"a", b"b", b"c"]))
    def keep(self, topic: str, payload: bytes) -> None:
        """A state is another."""
        self.outbox.keep(topic, payload)
        self.kept[topic] = payload

    @rule()
    def add(self) -> None:
        """Something happened."""
        event = str(next(self.numbers)).encode()
        self.events.append(event)
        fits = len(self.events) <= CAPACITY
        if not fits:
            going = self.on_its_way is not None and self.on_its_way.payload == self.events[0]
            del self.events[1 if going else 0]
            self.lost += 1
        assert self.outbox.add("front/event", event) == fits

    @rule()
    def tell(self) -> None:
        """A rate."""
        self.outbox.tell("front/status", b"36 fps")

    @rule()
    def take(self) -> None:
        """There is room on the wire."""
        message = self.outbox.next()
        if self.on_its_way is not None:
            assert message is None
            return
        if message is None:
            assert not self.events
            assert self.seen == self.kept
            return
        if message.qos == 0:
            assert not message.retain
            return
        self.on_its_way = message
        if not message.retain:
            assert message.payload == self.events[0]
            if (number := int(message.payload)) not in self.first_sent:
                self.first_sent.append(number)

    @rule()
    def acknowledge(self) -> None:
        """The broker has it."""
        self.outbox.acknowledged()
        if self.on_its_way is None:
            return
        if self.on_its_way.retain:
            self.seen[self.on_its_way.topic] = self.on_its_way.payload
        else:
            self.events.popleft()
            self.delivered += 1
            self.ended = False
        self.on_its_way = None

    @rule()
    def refuse_an_event(self) -> None:
        """The broker does not want it."""
        if self.on_its_way is None or self.on_its_way.retain:
            return
        assert self.outbox.refused() == self.on_its_way.topic
        self.events.popleft()
        self.refused += 1
        self.ended = False
        self.on_its_way = None

    @rule()
    def disconnect_for_an_event(self) -> None:
        """The broker ends the connection for it: the second time, without an answer to it in between, is a refusal."""
        if self.on_its_way is None or self.on_its_way.retain:
            return
        topic = self.outbox.ended()
        assert topic == (self.on_its_way.topic if self.ended else None)
        if topic:
            self.events.popleft()
            self.refused += 1
        self.ended = not self.ended
        self.outbox.renew()
        self.on_its_way = None

    @rule()
    def connect_to_a_broker_that_has_forgotten_all(self) -> None:
        """The connection was lost, and the broker with it."""
        self.outbox.renew()
        self.on_its_way = None
        self.seen.clear()

    @invariant()
    def figures_are_true_and_bounded(self) -> None:
        """What is counted is what happened."""
        figures = self.outbox.figures()
        assert figures == (len(self.events), self.delivered, self.lost, self.refused)
        assert figures.waiting <= CAPACITY

    @invariant()
    def first_deliveries_are_in_order(self) -> None:
        """Of those that were sent at least once."""
        assert self.first_sent == sorted(self.first_sent)

    def teardown(self) -> None:
        """A broker that answers gets all of it."""
        self.connect_to_a_broker_that_has_forgotten_all()
        for _ in range(100):
            self.take()
            self.acknowledge()
        assert self.outbox.empty
        assert self.seen == self.kept
        assert not self.events


TestAnyOutbox = AnyOutbox.TestCase
TestAnyOutbox.__doc__ = "Protects events and states from any order of faults: what is promised holds in all of them."
TestAnyOutbox.settings = settings(max_examples=200, stateful_step_count=60, deadline=None)


def test_a_state_that_is_there_is_not_sent_again() -> None:
    """Protects the broker: what is told again and again, as that a camera is there, goes out once."""
    outbox = Outbox()
    outbox.keep("front/availability", b"online")
    assert outbox.next() == Message("front/availability", b"online", 1, retain=True)
    outbox.keep("front/availability", b"online")
    outbox.acknowledged()
    assert outbox.next() is None
    outbox.keep("front/availability", b"offline")
    assert outbox.next() == Message("front/availability", b"offline", 1, retain=True)


def test_a_state_that_ends_connections_is_not_sent_at_each() -> None:
    """Protects all that comes behind it: retained messages are first at a new connection, but for one that ends it."""
    outbox = Outbox()
    outbox.keep("front/state", b"cup")
    for topic in (None, "front/state"):
        outbox.renew()
        assert outbox.next() == Message("front/state", b"cup", 1, retain=True)
        assert outbox.ended() == topic
    outbox.renew()
    assert outbox.empty
    outbox.keep("front/state", b"bottle")
    assert outbox.next() == Message("front/state", b"bottle", 1, retain=True)


def test_a_state_that_changes_while_it_is_on_its_way_follows() -> None:
    """Protects what is shown: the acknowledgement of an older state is none of the newer."""
    outbox = Outbox()
    outbox.keep("front/state", b"cup")
    outbox.next()
    outbox.keep("front/state", b"bottle")
    outbox.acknowledged()
    assert outbox.next() == Message("front/state", b"bottle", 1, retain=True)


def test_a_picture_is_encoded_when_it_is_sent() -> None:
    """Protects the inference loop: what makes a payload is called by who sends it, and only for the newest."""
    outbox, made = Outbox(), []

    def encode(name: str) -> bytes:
        made.append(name)
        return name.encode()

    outbox.keep("front/snapshot", lambda: encode("old"))
    outbox.keep("front/snapshot", lambda: encode("new"))
    assert made == []
    assert outbox.next() == Message("front/snapshot", b"new", 1, retain=True)
    assert made == ["new"]


def test_a_status_is_told_once_and_only_the_newest() -> None:
    """Protects a slow broker: rates of the past are not sent after one another."""
    outbox = Outbox()
    outbox.tell("front/status", b"1")
    outbox.tell("front/status", b"2")
    assert outbox.next() == Message("front/status", b"2", 0, retain=False)
    assert outbox.next() is None
    assert outbox.empty


def test_a_picture_is_encoded_without_the_lock() -> None:
    """Protects the frame loop: what takes long to make is made while others may put something in."""
    outbox = Outbox()
    made = []

    def make() -> bytes:
        other = threading.Thread(target=outbox.add, args=("front/event", b"1"), daemon=True)
        other.start()
        other.join(DEADLINE_SECONDS)
        made.append(not other.is_alive())
        return b"picture"

    outbox.keep("front/snapshot", make)
    message = outbox.next()
    assert message
    assert message.payload == b"picture"
    assert made == [True]

"""Everything that happens to brokers and networks, while events go on."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pi_classifier.mqtt.broker import Broker
from pi_classifier.mqtt.connection import Connection
from pi_classifier.mqtt.outbox import Outbox
from tests.live.mosquitto import Mosquitto, Subscriber, mosquitto, subscriber
from tests.live.network_path import NetworkPath, network_path
from tests.mqtt.parts import connection_to, started
from tests.waiting import eventually

EVENTS_A_SECOND = 20
TOPIC = "pi-classifier/garden/front/event"
STATE = "pi-classifier/garden/front/state"
AVAILABILITY = "pi-classifier/garden/availability"
PAUSES, KEEPALIVE_SECONDS = (0.1, 0.5), 3
"""Shorter than the daemon's, so that minutes of faults take seconds."""


class Source:
    """Puts numbered events into an outbox, at an even pace, and the newest number as the state."""

    def __init__(self, outbox: Outbox, connection: Connection) -> None:
        self._outbox = outbox
        self._connection = connection
        self._ended = threading.Event()
        self.count = 0
        self._thread = threading.Thread(target=self._run)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """While the context lasts."""
        self._thread.start()
        try:
            yield
        finally:
            self._ended.set()
            self._thread.join()

    def pass_by(self, count: int) -> None:
        """Wait for so many more events."""
        wanted = self.count + count
        eventually(lambda: self.count >= wanted, "events", every=0.02)

    def _run(self) -> None:
        while not self._ended.wait(1 / EVENTS_A_SECOND):
            number = str(self.count).encode()
            self._outbox.keep(STATE, number)
            assert self._outbox.add(TOPIC, number), "more events than the outbox promises to hold"
            self.count += 1
            self._connection.wake()


def numbers(heard: Subscriber) -> list[int]:
    """Of the events that were heard, in order, the first time of each."""
    return list(dict.fromkeys(int(one.payload) for one in heard.heard if one.topic == TOPIC))


@contextmanager
def connected(port: int) -> Iterator[tuple[Outbox, Connection]]:
    """An outbox and its connection, as the daemon has them, but for their patience."""
    outbox = Outbox()
    connection = connection_to(Broker("127.0.0.1", port, None, "", "", KEEPALIVE_SECONDS), outbox, PAUSES)
    outbox.keep(AVAILABILITY, b"online")
    with started(connection):
        yield outbox, connection


def test_nothing_is_lost(tmp_path: Path) -> None:
    """Protects events from what befalls brokers and networks: each arrives, and the first time of each is in order.

    The way to the broker is opened only when the subscriber is there again: who is not subscribed, to him a broker that
    has forgotten everything owes nothing.
    """
    with (
        mosquitto(tmp_path) as broker,
        network_path(broker.port) as way,
        subscriber(broker.port) as heard,
        connected(way.port) as (outbox, connection),
    ):
        source = Source(outbox, connection)

        def back() -> None:
            heard.wait_until_subscribed()
            way.open()
            eventually(lambda: connection.connected and outbox.figures().waiting == 0, "delivery", every=0.02)

        with source.going_on():
            for fault in (killed, frozen, cut_within_a_message, cut_within_a_message, unplugged, faulty_client):
                source.pass_by(10)
                fault(broker, way, source, connection)
                back()
        back()
        eventually(lambda: len(numbers(heard)) == source.count, "all events", every=0.02)
        assert numbers(heard) == list(range(source.count))
        eventually(lambda: (heard.last(STATE) or heard.heard[0]).payload == b"%d" % (source.count - 1), "newest state")
        figures = outbox.figures()
        assert (figures.waiting, figures.delivered, figures.lost) == (0, source.count, 0)
        print(f"{source.count} events, {connection.connections} connections, {connection.failures} failures")
        assert connection.connections > 5


def killed(broker: Mosquitto, way: NetworkPath, source: Source, _connection: Connection) -> None:
    """A power cut: it is back without its store."""
    way.close()
    broker.kill()
    source.pass_by(20)
    broker.start()


def frozen(broker: Mosquitto, _way: NetworkPath, source: Source, connection: Connection) -> None:
    """Every connection stays, and nothing is answered, until the client notices."""
    broker.freeze()
    eventually(lambda: not connection.connected, "loss that is noticed", every=0.05)
    source.pass_by(10)
    broker.thaw()


def cut_within_a_message(_broker: Mosquitto, way: NetworkPath, source: Source, _connection: Connection) -> None:
    """The network ends in the middle of a publish."""
    way.cut_after(25)
    eventually(lambda: not way.is_open, "cut", every=0.01)
    source.pass_by(10)


def unplugged(_broker: Mosquitto, way: NetworkPath, source: Source, _connection: Connection) -> None:
    """And comes back, some times."""
    for _ in range(3):
        way.close()
        source.pass_by(5)
        way.open()
        source.pass_by(5)


def faulty_client(_broker: Mosquitto, _way: NetworkPath, source: Source, connection: Connection) -> None:
    """Something in the client's thread fails as no one has foreseen."""
    before = connection.connections

    def fail() -> None:
        connection._outbox.acknowledged = right  # type: ignore[method-assign]  # noqa: SLF001
        raise RuntimeError("a fault")

    right = connection._outbox.acknowledged  # noqa: SLF001
    connection._outbox.acknowledged = fail  # type: ignore[method-assign]  # noqa: SLF001
    eventually(lambda: connection.connections > before, "connection after the fault", every=0.02)
    assert connection.healthy(time.monotonic())
    source.pass_by(5)


def test_memory_is_bounded(tmp_path: Path) -> None:
    """Protects a small machine: however long a broker is away, a thousand events wait, and the rest is counted."""
    with mosquitto(tmp_path) as broker:
        port = broker.port
    with connected(port) as (outbox, connection):
        for number in range(5000):
            outbox.keep(STATE, b"%d" % number)
            outbox.add(TOPIC, b"%d" % number)
            connection.wake()
        assert outbox.figures() == (1000, 0, 4000, 0)
        broker = Mosquitto(tmp_path, port=port)
        broker.start()
        try:
            with subscriber(port) as heard:
                eventually(lambda: outbox.figures().waiting == 0, "delivery", every=0.05)
                delivered = numbers(heard)
                assert delivered == sorted(delivered)
                assert outbox.figures().delivered == 1000
        finally:
            broker.kill()


def test_refused_topics_hold_up_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Protects the other topics from one that the access control list forbids: it is counted, told once, and passed."""
    (tmp_path / "acl").write_text(f"topic write {STATE}\ntopic read #\n", encoding="utf-8")
    settings = f"allow_anonymous true\nacl_file {tmp_path}/acl"
    with (
        mosquitto(tmp_path, settings=settings) as broker,
        subscriber(broker.port) as heard,
        connected(broker.port) as (outbox, connection),
    ):
        for number in range(5):
            outbox.add(TOPIC, b"%d" % number)
        outbox.keep(STATE, b"cup")
        connection.wake()
        eventually(lambda: outbox.empty, "end of the queue", every=0.02)
        eventually(lambda: heard.last(STATE), "state", every=0.02)
        # The events, and that it is online.
        assert outbox.figures() == (0, 0, 0, 6)
        assert [one.topic for one in heard.heard] == [STATE]
    told = [record.getMessage() for record in caplog.records if "does not take" in record.getMessage()]
    assert len(told) == 2
    assert any(f"does not take {TOPIC}: not authorized" in one for one in told)


def test_a_picture_that_is_too_large_holds_up_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Protects events from a snapshot that the broker does not allow, and would end each connection for."""
    picture = "pi-classifier/garden/front/snapshot"
    with (
        mosquitto(tmp_path, settings="allow_anonymous true\nmax_packet_size 2000") as broker,
        subscriber(broker.port) as heard,
        connected(broker.port) as (outbox, connection),
    ):
        outbox.keep(picture, bytes(5000))
        outbox.add(TOPIC, b"1")
        connection.wake()
        eventually(lambda: outbox.figures().delivered == 1, "event", every=0.02)
        assert outbox.figures().refused == 1
        assert connection.failures == 0
        assert heard.last(picture) is None
    assert f"does not take {picture}: 5051 bytes are more than the 2000 that it allows" in caplog.text


def test_wrong_password(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Protects who configures: it is told once that nobody is let in, and not what the password was."""
    (tmp_path / "passwords").write_text("garden:$7$101$AAAA$AAAA\n", encoding="utf-8")
    settings = f"password_file {tmp_path}/passwords"
    with mosquitto(tmp_path, settings=settings) as broker:
        outbox = Outbox()
        named = Broker("127.0.0.1", broker.port, None, "garden", "canary")
        with started(connection_to(named, outbox)) as connection:
            eventually(lambda: connection.failures >= 2, "second attempt", every=0.05)
        assert connection.connections == 0
    told = [record.getMessage() for record in caplog.records]
    assert told == [f"MQTT: 127.0.0.1:{broker.port} lets nobody in: not authorized; trying again"]
    assert "canary" not in caplog.text


def test_two_clients_of_one_id(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Protects a broker from two machines of one name: they do not storm it, it is told, and no event is lost."""
    with (
        mosquitto(tmp_path) as broker,
        subscriber(broker.port) as heard,
        connected(broker.port) as (outbox, connection),
        connected(broker.port) as (_, other),
    ):
        source = Source(outbox, connection)
        with source.going_on():
            source.pass_by(60)
            eventually(lambda: min(connection.failures, other.failures) > 3, "losses of each", every=0.05)
        eventually(lambda: outbox.figures().waiting == 0, "delivery", every=0.02)
        eventually(lambda: len(numbers(heard)) == source.count, "all events", every=0.02)
        assert numbers(heard) == list(range(source.count))
    assert "is another client called pi-classifier-garden?" in caplog.text


def test_will_after_a_power_cut_alone(tmp_path: Path) -> None:
    """Protects who looks from flicker: a short interruption is no end, and a machine that is gone is offline."""
    with mosquitto(tmp_path) as broker, network_path(broker.port) as way, subscriber(broker.port) as heard:

        def said() -> list[bytes]:
            return [one.payload for one in heard.heard if one.topic == AVAILABILITY]

        with connected(way.port) as (_, connection):
            eventually(lambda: connection.connected, "connection", every=0.02)
            way.close()
            way.open()
            eventually(lambda: connection.connections == 2, "second connection", every=0.02)
            way.close()
            eventually(lambda: said()[-1:] == [b"offline"], "last will", every=0.05)
        # Between the two there was none.
        assert said() == [b"online", b"online", b"offline"]


@pytest.mark.parametrize("broker_is", ["away", "frozen", "silent"])
def test_stop_with_a_dead_broker(tmp_path: Path, broker_is: str) -> None:
    """Protects a shutdown: whatever the broker does, the end takes a second at most, and counts what was not sent."""
    with mosquitto(tmp_path) as broker, connected(broker.port) as (outbox, connection):
        eventually(lambda: connection.connected, "connection", every=0.02)
        end: Callable[[], None] = {"away": broker.kill, "frozen": broker.freeze, "silent": broker.freeze}[broker_is]
        end()
        if broker_is == "silent":
            eventually(lambda: not connection.connected, "loss that is noticed", every=0.1)
        outbox.add(TOPIC, b"1")
        connection.wake()
        began = time.monotonic()
        connection.stop()
        took = time.monotonic() - began
        broker.kill()
        assert took < 1
        assert outbox.figures().waiting == 1

"""A connection to what is no broker, or one that mosquitto would not be."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from pi_classifier.mqtt.broker import Broker
from pi_classifier.mqtt.outbox import Outbox
from tests.mqtt.parts import NOBODY, connection_to, started
from tests.waiting import eventually

PAUSES = (0.02, 0.05)
Serve = Callable[[socket.socket], None]


@contextmanager
def listening(serve: Serve) -> Iterator[int]:
    """Somebody who does this with each connection, one after the other; gives the port."""

    def serve_all() -> None:
        with suppress(OSError):  # it is shut down
            while True:
                client, _ = server.accept()
                with client, suppress(OSError):
                    serve(client)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve_all)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def hangs_up(client: socket.socket) -> None:
    """At the first word, as a port does that expects TLS."""
    client.recv(1024)


def packets(client: socket.socket) -> Iterator[tuple[int, bytes]]:
    """What a client of MQTT sends: the first byte, and what is behind the length, of less than 128 bytes (2.1)."""
    with client.makefile("rb") as file:
        while head := file.read(2):
            yield head[0], file.read(head[1])


def test_who_hangs_up_without_an_answer_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """Protects who configures: a port that is another protocol's is counted each time, and logged once."""
    with listening(hangs_up) as port:
        broker = Broker("127.0.0.1", port, None, "", "")
        with started(connection_to(broker, Outbox(), PAUSES)) as connection:
            eventually(lambda: connection.failures >= 3, "third attempt", every=0.02)
    assert connection.connections == 0
    told = [record.getMessage() for record in caplog.records]
    assert told == [f"MQTT: 127.0.0.1:{port} speaks no MQTT 5, or does not answer; trying again"]


@pytest.mark.parametrize("retained", [False, True])
def test_a_message_that_ends_the_connection_holds_up_nothing(caplog: pytest.LogCaptureFixture, retained: bool) -> None:
    """Protects events from one that a broker disconnects for: after the second time it is counted, told, and passed."""
    heard = []

    def strict(client: socket.socket) -> None:
        for kind, rest in packets(client):
            if kind == 0x10:
                client.sendall(b"\x20\x03\x00\x00\x00")
            elif kind >> 4 == 3:
                length = struct.unpack_from("!H", rest)[0]
                topic = rest[2 : 2 + length].decode()
                heard.append(topic)
                if topic == "bad":
                    client.sendall(b"\xe0\x02\x87\x00")  # DISCONNECT: not authorized
                    return
                client.sendall(b"\x40\x02" + rest[2 + length : 4 + length])

    outbox = Outbox()
    put = outbox.keep if retained else outbox.add
    put("bad", b"1")
    outbox.add("good", b"2")
    with listening(strict) as port, started(connection_to(Broker("127.0.0.1", port, None, "", ""), outbox, PAUSES)):
        eventually(lambda: outbox.empty, "the event behind it", every=0.02)
    assert heard == ["bad", "bad", "good"]
    assert outbox.figures() == (0, 1, 0, 1)
    told = [record.getMessage() for record in caplog.records if "does not take" in record.getMessage()]
    assert told == [f"MQTT: 127.0.0.1:{port} does not take bad: not authorized; it ends the connection for it"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_died_is_replaced(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Protects events from a moment without file descriptors: the thread's death is noticed, told and healed."""
    connection = connection_to(NOBODY, Outbox(), PAUSES)
    with monkeypatch.context() as without:
        without.setattr(socket, "socketpair", _too_many_open_files)
        connection.start()
        eventually(lambda: not connection.healthy(time.monotonic()), "death", every=0.02)
    connection.revive()
    connection.revive()
    assert connection.healthy(time.monotonic())
    eventually(lambda: connection.failures > 0, "attempt", every=0.02)
    connection.stop()
    assert [one.message for one in caplog.records if "has died" in one.message] == [
        "MQTT: the thread that speaks with the broker has died; starting another"
    ]
    connection.revive()
    assert not connection.healthy(time.monotonic()), "after the end there is no other"


def _too_many_open_files() -> None:
    raise OSError(24, "Too many open files")

"""A connection to what is no broker."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from pi_classifier.mqtt.broker import Broker
from pi_classifier.mqtt.outbox import Outbox
from tests.mqtt.parts import connection_to
from tests.waiting import eventually


@pytest.fixture
def somebody() -> Iterator[int]:
    """Who takes connections and closes them at the first word, as a port does that expects TLS; gives the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_close_all, args=(server,))
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def _close_all(server: socket.socket) -> None:
    with suppress(OSError):  # it is shut down
        while True:
            client, _ = server.accept()
            with client:
                client.recv(1024)


def test_who_hangs_up_without_an_answer_is_told_once(somebody: int, caplog: pytest.LogCaptureFixture) -> None:
    """Protects who configures: a port that is another protocol's is counted each time, and logged once."""
    connection = connection_to(Broker("127.0.0.1", somebody, None, "", ""), Outbox(), (0.02, 0.05))
    connection.start()
    eventually(lambda: connection.failures >= 3, "third attempt", every=0.02)
    connection.stop()
    assert connection.connections == 0
    told = [record.getMessage() for record in caplog.records]
    assert told == [f"MQTT: 127.0.0.1:{somebody} speaks no MQTT 5, or does not answer; trying again"]

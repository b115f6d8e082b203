"""The server as Prometheus and strangers meet it: on a port."""

import random
import re
import secrets
import socket
import string
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pi_classifier.config.address import ListenAddress
from pi_classifier.errors import AddressInUse, ConfigError
from pi_classifier.sinks.metrics.connections import LONGEST_SECONDS, MOST_CONNECTIONS, PAUSE
from pi_classifier.sinks.metrics.http import LARGEST_REQUEST
from pi_classifier.sinks.metrics.server import MetricsServer
from tests.conftest import ROOT
from tests.waiting import DEADLINE_SECONDS

FUZZ_SECONDS = 3.0
"""For requests that are none."""
SCRAPE = (
    b"GET /metrics?debug=%20 HTTP/1.1\r\nHost: pi:9100\r\nUser-Agent: Prometheus/2.53.2\r\n"
    b"Accept: application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1\r\n"
    b"Accept-Encoding: identity\r\n\r\n"
)


@contextmanager
def serving(listen: str) -> Iterator[MetricsServer]:
    """A server that is stopped behind it."""
    server = MetricsServer(ListenAddress.parse(listen))
    server.start()
    yield server
    server.stop()


def test_address_is_bound_before_it_starts(free_port: int) -> None:
    """Protects from a taken port that is found out late: it is bound as soon as the server is made."""
    server = MetricsServer(ListenAddress("127.0.0.1", free_port))
    with pytest.raises(AddressInUse):
        MetricsServer(ListenAddress("127.0.0.1", free_port))
    server.stop()


def test_served_over_http_and_released(free_port: int) -> None:
    """Protects the port: it is served while the daemon runs and free again when it has ended."""
    for _ in range(2):
        with (
            serving(f"127.0.0.1:{free_port}"),
            urllib.request.urlopen(f"http://127.0.0.1:{free_port}/metrics", timeout=60) as answer,
        ):
            assert b"process_resident_memory_bytes" in answer.read()


@pytest.fixture
def taken_port(free_port: int) -> Iterator[int]:
    """A port that somebody listens on."""
    with serving(f"127.0.0.1:{free_port}"):
        yield free_port


def test_port_taken(taken_port: int) -> None:
    """Protects from a silent second daemon: the error names who usually holds the port and the key to change."""
    with pytest.raises(AddressInUse, match=r"node_exporter.*metrics.*listen"), serving(f"127.0.0.1:{taken_port}"):
        pass


@pytest.mark.parametrize("listen", ["192.0.2.1:9100", "nowhere.invalid:9100", "[fe80::1%ü]:9100"])
def test_address_of_another_machine(listen: str) -> None:
    """Protects from a typing error in the address: it is named, with the remedy."""
    with pytest.raises(ConfigError, match="address of this machine"), serving(listen):
        pass


@pytest.mark.parametrize("host", ["::1", "::", "localhost", ""])
def test_every_kind_of_host(host: str) -> None:
    """Protects `metrics.listen` with names, IPv6 and nothing at all for a host, and the address that is told then."""
    if ":" in host and not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 on this machine")
    with serving(f"[{host}]:0" if ":" in host else f"{host}:0") as server:
        assert (server.address.host, server.address.port > 0) == (host, True)
        assert is_served(server)


def test_bounds_are_those_that_are_documented() -> None:
    """Protects who relies on the documents: the bounds of docs/metrics.md are those of the code."""
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \| [^|]+ \|$", page, re.MULTILINE))
    assert rows["connections at once"] == f"{MOST_CONNECTIONS}"
    assert rows["a connection's life, from connecting to the last byte"].startswith(f"{LONGEST_SECONDS:g} s,")
    assert rows["request line and headers together"] == f"{LARGEST_REQUEST} bytes"
    assert (rows["computing"], PAUSE) == ("a tenth of one processor", 9)


def test_idle_clients_do_not_hold_up_the_end() -> None:
    """Protects `systemctl stop`: clients that hang are let go, and the port is free at once."""
    server = MetricsServer(ListenAddress("127.0.0.1", 0))
    server.start()
    idle = [socket.create_connection((server.address.host, server.address.port)) for _ in range(MOST_CONNECTIONS // 2)]
    assert is_served(server)
    server.stop()
    for client in idle:
        with client:
            client.settimeout(DEADLINE_SECONDS)
            assert client.recv(1) == b""
    with serving(str(server.address)) as next_one:
        assert is_served(next_one)


def exchange(address: ListenAddress, request: bytes) -> bytes:
    """What comes back until the server closes, after a request that ends here, whole or not."""
    with socket.create_connection((address.to_connect.host, address.port), DEADLINE_SECONDS) as client:
        chunks = []
        try:
            client.sendall(request)
            client.shutdown(socket.SHUT_WR)
            while chunk := client.recv(65536):
                chunks.append(chunk)
        except ConnectionError:
            pass  # a large request may be cut off
        return b"".join(chunks)


def is_served(server: MetricsServer) -> bool:
    """Whether a scrape is answered."""
    answer = exchange(server.address, SCRAPE)
    return answer.startswith(b"HTTP/1.0 200 ") and b"process_open_fds " in answer


def mutated(request: bytes, chance: random.Random) -> bytes:
    """A request that somebody has damaged, made longer, or never meant as one."""
    pieces = bytearray(request)
    for _ in range(chance.randint(1, 8)):
        at, end = sorted(chance.choices(range(len(pieces) + 1), k=2))
        pieces[at:end] = chance.choice(
            (
                chance.randbytes(chance.randint(0, 8)),
                bytes(pieces[at:end]) * chance.choice((0, 2, 50)),
                chance.choice(
                    (b"\r\n", b"\n\n", b"\0", b"version=", b";", b"=", b",", b"%", b" ", b"HTTP/1.1", b"\xff")
                ),
                chance.choice(string.printable).encode() * chance.choice((1, 9000)),
            )
        )
    return bytes(pieces)


@pytest.mark.parametrize("what", ["bytes", "requests"])
def test_strangers(what: str, caplog: pytest.LogCaptureFixture) -> None:
    """Protects the daemon from whoever reaches its port: any bytes are answered with 2xx or 4xx, or not at all.

    Nothing is logged, no thread stays behind, and the next scrape is served.
    """
    threads = threading.active_count()
    seed = secrets.randbits(32)
    chance = random.Random(seed)  # noqa: S311 - nothing is kept secret
    with serving("127.0.0.1:0") as server:
        until = time.monotonic() + FUZZ_SECONDS / 2
        while time.monotonic() < until:
            request = mutated(SCRAPE if what == "requests" else chance.randbytes(chance.randint(0, 64)), chance)
            answer = exchange(server.address, request)
            assert not answer or answer.startswith((b"HTTP/1.0 2", b"HTTP/1.0 4")), f"seed {seed}: {request!r}"
        assert is_served(server)
        assert threading.active_count() == threads + 1
    assert not caplog.records, f"seed {seed}"

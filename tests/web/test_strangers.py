"""Clients that mean harm, or know no better: slow, many, half."""

import http.client
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from pi_classifier.web import body, connection
from tests.waiting import DEADLINE_SECONDS, eventually
from tests.web.site import Site, running


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A site whose patience is short."""
    monkeypatch.setattr(connection, "REQUEST_SECONDS", 0.3)
    monkeypatch.setattr(body, "BODY_SECONDS", 0.3)
    with running() as site:
        yield site


def connected(site: Site) -> socket.socket:
    """A bare connection."""
    return socket.create_connection((site.door.address.host, site.door.address.port), timeout=DEADLINE_SECONDS)


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: "])
def test_request_that_does_not_come_is_cut(hasty: Site, begun: bytes) -> None:
    """Protects connections from clients that trickle: whatever they have sent, the end comes by itself."""
    with connected(hasty) as client:
        client.sendall(begun)
        assert client.recv(1000) == b""


def test_request_that_trickles_is_cut(hasty: Site) -> None:
    """Protects from one that sends a byte now and then, which no timer of silence would notice."""
    with connected(hasty) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")

        def is_cut() -> bool:
            try:
                client.sendall(b"x")
            except OSError:
                return True
            return False

        eventually(is_cut, "the end")


def test_body_that_does_not_come_is_told(hasty: Site) -> None:
    """Protects from half bodies: 408 after a while, and one that lies about its length is 413 at once."""
    for length, status in ((1000, b"408"), (10**12, b"413")):
        with connected(hasty) as client:
            client.sendall(
                b"POST /api/v1/classify HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
                b"Content-Length: %d\r\n\r\nhalf" % length
            )
            assert client.recv(1000).startswith(b"HTTP/1.1 " + status)


def test_idle_page_lives_on(hasty: Site) -> None:
    """Protects pages: what cuts slow requests does not cut a WebSocket on which nothing is said for longer."""
    with hasty.live() as page:
        time.sleep(1.0)  # three times the patience with requests
        page.send('{"camera": "front"}')
        while isinstance(page.recv(DEADLINE_SECONDS), str):
            pass


def test_flood_of_connections(site: Site) -> None:
    """Protects descriptors and frames: of hundreds of connections few are kept, and the page answers when they go."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    with ExitStack() as stack:
        clients = [stack.enter_context(connected(site)) for _ in range(300)]
        for client in clients:
            client.setblocking(False)

        def refused() -> int:
            return sum(_is_closed(client) for client in clients)

        eventually(lambda: refused() >= 300 - connection.MOST_CONNECTIONS, "refusals")
        before = len(site.sink.predictions)
        eventually(lambda: len(site.sink.predictions) > before + 10, "frames meanwhile")

    def answers() -> bool:
        try:
            with site.client() as client:
                return client.get("/healthz").status_code == 204
        except OSError:
            return False

    eventually(answers, "an answer afterwards")


def _is_closed(client: socket.socket) -> bool:
    try:
        return client.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


@pytest.mark.parametrize("request_line", ["nonsense", "GET  / HTTP/1.1", "GET / HTTP/1.1\r\nNo header", "\x00\x01"])
def test_what_is_no_request(site: Site, request_line: str, caplog: pytest.LogCaptureFixture) -> None:
    """Protects from what is no HTTP: it is refused, and no line of the log is spent on it."""
    with connected(site) as client:
        client.sendall(request_line.encode("latin-1") + b"\r\nHost: localhost\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 400")
    assert not caplog.records


def test_head_has_no_body(site: Site) -> None:
    """Protects health checks that ask for the head alone."""
    client = http.client.HTTPConnection(str(site.door.address), timeout=DEADLINE_SECONDS)
    client.request("HEAD", "/")
    answer = client.getresponse()
    assert (answer.status, answer.read()) == (200, b"")
    client.close()

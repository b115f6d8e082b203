"""A connection that carries less than is sent, and keeps little on its way."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from tests.waiting import DEADLINE_SECONDS

BUFFER = 16384
"""Bytes that each socket may keep: what waits there grows old."""
CHUNK = 2048
OVERSLEPT_SECONDS = 0.01


@contextmanager
def slow_link(port: int, bytes_a_second: float) -> Iterator[int]:
    """Another port of the loopback, for one connection, which gets so much of what `port` sends, at an even pace.

    Args:
        port: of the loopback.
        bytes_a_second: towards the client; what it sends goes on at once.
    """
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        # Before there is a connection: its window is then never larger.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = stack.enter_context(socket.socket())
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        server.connect(("127.0.0.1", port))
        thread = threading.Thread(target=_carry, args=(listener, server, bytes_a_second))
        thread.start()
        stack.callback(thread.join, DEADLINE_SECONDS)
        # Whoever waits for one of these wakes.
        stack.callback(_shut, server)
        stack.callback(_shut, listener)
        yield listener.getsockname()[1]


def _carry(listener: socket.socket, server: socket.socket, bytes_a_second: float) -> None:
    with contextlib.suppress(OSError), listener.accept()[0] as client:
        back = threading.Thread(target=_forward, args=(client, server, lambda _: None))
        back.start()
        _forward(server, client, _Pace(bytes_a_second).wait_for)
        _shut(client)
        back.join(DEADLINE_SECONDS)


def _forward(source: socket.socket, target: socket.socket, wait_for: Callable[[int], None]) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(CHUNK):
            wait_for(len(data))
            target.sendall(data)


def _shut(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


class _Pace:
    """Bytes as time: what was not used is lost, but for the moment that a thread may sleep too long."""

    def __init__(self, bytes_a_second: float) -> None:
        self._bytes_a_second = bytes_a_second
        self._due = time.monotonic()

    def wait_for(self, count: int) -> None:
        """Return when so many bytes have had their time."""
        self._due = max(self._due, time.monotonic() - OVERSLEPT_SECONDS) + count / self._bytes_a_second
        time.sleep(max(0.0, self._due - time.monotonic()))

"""What goes wrong on the way between a camera and who reads it.

with RtspServer() as server, Proxy(server.port) as proxy:
    proxy.through(server.url())
"""

import random
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from tests.streams.faults import RESET
from tests.waiting import DEADLINE_SECONDS


@dataclass(eq=False, slots=True)
class _Connection:
    """One client's, and what was opened to the server for it."""

    client: socket.socket
    server: socket.socket
    cut: bool = False

    def end(self, how: int) -> None:
        """Wake whoever reads either; the one that serves it closes both."""
        self.cut = True
        for side in (self.client, self.server):
            with suppress(OSError):  # that side has gone already
                side.shutdown(how)


class Proxy:
    """Passes TCP on until it is told to do worse: what it is told holds for all connections, at once."""

    def __init__(self, target: int, *, seed: int = 0) -> None:
        """It listens from now on. `target`: the server's port of 127.0.0.1. `seed`: of which bytes it corrupts."""
        self._target = target
        self._chance = random.Random(seed)  # noqa: S311 - a test's
        self._corrupt_share = 0.0
        self._flows = True
        self._news = threading.Condition()
        self._connections: list[_Connection] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join(DEADLINE_SECONDS)
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join(DEADLINE_SECONDS)

    @property
    def connections(self) -> int:
        """That came so far."""
        return len(self._connections)

    def through(self, url: str) -> str:
        """The server's URL, by way of this."""
        return url.replace(f":{self._target}", f":{self.port}")

    def corrupt(self, share: float) -> None:
        """From now on invert each byte of the server's with this probability; 0 ends it."""
        self._corrupt_share = share

    def pause(self) -> None:
        """Pass nothing on; both sides stay connected."""
        self._flows = False

    def resume(self) -> None:
        """Pass on again, first what waited."""
        with self._news:
            self._flows = True
            self._news.notify_all()

    def cut(self, *, reset: bool = False) -> None:
        """End all connections: in order, or by RST. New ones are served."""
        for connection in self._connections:
            if reset and not connection.cut:
                for side in (connection.client, connection.server):
                    side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            connection.end(socket.SHUT_RD if reset else socket.SHUT_RDWR)
        with self._news:
            self._news.notify_all()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed
            thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        """As by a server that is down, a connection is closed if there is none to be had."""
        with client, suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", self._target)) as server:
            connection = _Connection(client, server)
            self._connections.append(connection)
            answers = threading.Thread(target=self._pass_on, args=(connection, server, client), daemon=True)
            answers.start()
            self._pass_on(connection, client, server)
            answers.join()

    def _pass_on(self, connection: _Connection, source: socket.socket, target: socket.socket) -> None:
        """Until either side ends, which ends both."""
        with suppress(OSError):
            while data := source.recv(1 << 16):
                with self._news:
                    self._news.wait_for(lambda: self._flows or connection.cut)
                target.sendall(self._corrupted(data) if source is connection.server else data)
        connection.end(socket.SHUT_RD)

    def _corrupted(self, data: bytes) -> bytes:
        if not self._corrupt_share:
            return data
        return bytes(byte ^ 0xFF if self._chance.random() < self._corrupt_share else byte for byte in data)

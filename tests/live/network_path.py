"""The way to a server, which can be closed, cut and opened again."""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

CHUNK = 65536
ABORT = struct.pack("ii", 1, 0)
"""SO_LINGER: a close that resets the connection, and forgets what was still to be sent."""


class NetworkPath:
    """Carries connections from a port of its own to a server's."""

    def __init__(self, target: int) -> None:
        """`target`: the server's port, on the loopback. The way is open."""
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open = True
        self._budget: int | None = None
        """Bytes towards the server until it is cut; None: no limit."""
        self._lock = threading.Lock()
        self._ends: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Nothing passes, and all that passed is gone."""
        with self._lock:
            self._open = False
            self._reset()

    def open(self) -> None:
        """Who comes is let through."""
        with self._lock:
            self._open, self._budget = True, None

    def cut_after(self, count: int) -> None:
        """So many bytes still go to the server; the next one is lost, and every connection with it."""
        with self._lock:
            self._budget = count

    @property
    def is_open(self) -> bool:
        """Whether something can pass."""
        return self._open

    def end(self) -> None:
        """For good."""
        self.close()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._carry(client)

    def _carry(self, client: socket.socket) -> None:
        with self._lock:
            if not self._open:
                _abort(client)
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                _abort(client)
                return
            self._ends += [client, server]
        for source, sink, counts in ((client, server, True), (server, client, False)):
            threading.Thread(target=self._forward, args=(source, sink, counts), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket, counts: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                sink.sendall(self._allowed(data) if counts else data)
        _abort(sink)
        _abort(source)

    def _allowed(self, data: bytes) -> bytes:
        with self._lock:
            if self._budget is None:
                return data
            allowed, self._budget = data[: self._budget], self._budget - len(data)
            if self._budget < 0:
                self._open = False
                # Half a message has arrived when the connection ends.
                self._ends[-1].sendall(allowed)
                self._reset()
                raise ConnectionResetError
            return data

    def _reset(self) -> None:
        for end in self._ends:
            _abort(end)
        self._ends.clear()


def _abort(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
        end.shutdown(socket.SHUT_RDWR)
    end.close()


@contextmanager
def network_path(target: int) -> Iterator[NetworkPath]:
    """One that is there while the context lasts."""
    path = NetworkPath(target)
    try:
        yield path
    finally:
        path.end()

"""A web server on the loopback that takes webhooks, as somebody else would write it: by the reference libraries."""

import queue
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from pi_classifier.contracts.event import Event, EventKind

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - of the specification's examples
KEY = bytes.fromhex("31f290f6bf06298aab4f08d43c3f082cf648a362da2da4b0")
"""What that stands for."""
EVENT = Event(
    EventKind.STARTED,
    "front",
    1767225600.25,
    "0b816d21e6a64fb1a3a06515b667278f",
    {"label": "water bottle", "class_id": 898, "probability": 0.501, "reason": "probability"},
)


def numbered(number: int) -> Event:
    """An event like it with an id of its own."""
    return EVENT._replace(id=f"{number:032x}")


class Received(NamedTuple):
    """One request."""

    path: str
    headers: Message
    body: bytes

    @property
    def id(self) -> str:
        """Of the message."""
        return self.headers["webhook-id"]


class Reply(NamedTuple):
    """What to answer."""

    status: int = 204
    headers: Mapping[str, str] = {}
    hold: threading.Event | None = None
    """To be waited for before."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: who refuses a certificate hangs up."""


class Receiving:
    """A receiver that runs; it answers what `replies` holds, one after the other, and 204 from then on."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.received: list[Received] = []
        self.replies: queue.SimpleQueue[Reply] = queue.SimpleQueue()
        receiving = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiving.received.append(Received(self.path, self.headers, body))
                reply = Reply() if receiving.replies.empty() else receiving.replies.get()
                if reply.hold:
                    reply.hold.wait()
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - so it is called
                """Nothing."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._scheme = "http"
        if tls:
            self._scheme = "https"
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)

    @property
    def url(self) -> str:
        """Where it takes events."""
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}/hook?token=cAnArY4711"

    def serve(self) -> None:
        """Until `stop`."""
        self._server.serve_forever(poll_interval=0.05)

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def receiving(tls: ssl.SSLContext | None = None) -> Iterator[Receiving]:
    """A receiver while the context lasts."""
    receiver = Receiving(tls)
    thread = threading.Thread(target=receiver.serve, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.stop()
        thread.join()

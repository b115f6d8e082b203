"""Motion JPEG over HTTP, as most cameras send it: numbered frames in a multipart answer without end.

with MjpegServer() as server:
    server.url()
"""

import base64
import math
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import cv2

from tests.streams.numbered import drawn
from tests.streams.servers import Credentials, userinfo
from tests.waiting import DEADLINE_SECONDS

BOUNDARY = "frame"


class MjpegServer:
    """A camera on a thread of this process, for any number of clients, who get the same numbers at the same time.

    A number belongs to a moment, as with `RtspServer`: what was due while it was frozen or down is never sent.
    """

    def __init__(
        self,
        credentials: Credentials | None = None,
        *,
        width: int = 320,
        height: int = 240,
        fps: float = 15.0,
        lengths: bool = True,
        port: int = 0,
    ) -> None:
        """Not started: the context does that, or `start`.

        Args:
            credentials: of basic authentication; without them everybody may come in.
            width: of a frame, in pixels; from 320 on it shows 20 bits of its number.
            height: in pixels.
            fps: frames a second.
            lengths: whether each part says its length, which some cameras leave out.
            port: of 127.0.0.1; 0 for one that nobody uses.
        """
        self._granted = credentials and f"{credentials.user}:{credentials.password}".encode()
        self._size, self._fps, self._lengths = (width, height), fps, lengths
        self._epoch = time.monotonic()
        self._sent: dict[int, float] = {}
        self._thawed, self._ended = threading.Event(), threading.Event()
        self._server: _Server | None = None
        self.port = port
        """0 until the first start, where none was given."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def url(self, user: str | None = None, password: str | None = None) -> str:
        """Of the stream, with these credentials in it, escaped."""
        return f"http://{userinfo(user, password)}127.0.0.1:{self.port}/video"

    def start(self) -> None:
        """Returns when the port accepts connections."""
        assert not self._server, "it runs already"
        self._ended.clear()
        self._thawed.set()
        self._server = _Server(("127.0.0.1", self.port), self)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def kill(self) -> None:
        """Close the port and all connections, if it runs."""
        if not self._server:
            return
        self._ended.set()
        self._thawed.set()
        self._server.shutdown()
        self._thread.join(DEADLINE_SECONDS)
        self._server.cut()
        self._server.server_close()
        self._server = None

    def restart(self) -> None:
        """End it, if it runs, and start it on the same port."""
        self.kill()
        self.start()

    def freeze(self) -> None:
        """Send nothing more. Connections stay, and new ones are not answered."""
        self._thawed.clear()

    def thaw(self) -> None:
        """Go on."""
        self._thawed.set()

    def sent(self) -> dict[int, float]:
        """When each frame so far was given to the first of its clients, by its number; of `time.monotonic()`."""
        return self._sent.copy()

    def admits(self, authorization: str | None) -> bool:
        """Whether a request with this header may see the camera; returns when the server is not frozen."""
        self._thawed.wait()
        expected = self._granted and f"Basic {base64.b64encode(self._granted).decode()}"
        return authorization == expected if expected else True

    def parts(self) -> Iterator[bytes]:
        """From now on, each when it is due, until the server ends."""
        number = 0
        while True:
            number = max(number + 1, math.ceil((time.monotonic() - self._epoch) * self._fps))
            self._ended.wait(max(0.0, self._epoch + number / self._fps - time.monotonic()))
            if not self._thawed.is_set():
                self._thawed.wait()
                continue
            if self._ended.is_set():
                return
            self._sent.setdefault(number, time.monotonic())
            jpeg = cv2.imencode(".jpg", drawn(number, *self._size))[1].tobytes()
            length = f"Content-Length: {len(jpeg)}\r\n" if self._lengths else ""
            yield f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\n{length}\r\n".encode() + jpeg + b"\r\n"


class _Server(ThreadingHTTPServer):
    """Knows its connections."""

    daemon_threads = False

    def __init__(self, address: tuple[str, int], camera: MjpegServer) -> None:
        self.camera = camera
        self._connections: list[socket.socket] = []
        super().__init__(address, _Handler)

    def get_request(self) -> tuple[socket.socket, str]:
        """The next client."""
        connection, address = super().get_request()
        self._connections.append(connection)
        return connection, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that has gone: some only look whether the port is open."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def cut(self) -> None:
        """Close them all."""
        for connection in self._connections:
            # Its client may have gone, or its thread have closed it, in this very moment.
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    """One client."""

    server: _Server

    def do_GET(self) -> None:
        """The stream, or a refusal."""
        camera = self.server.camera
        if not camera.admits(self.headers["Authorization"]):
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="camera"')
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
        self.end_headers()
        try:
            for part in camera.parts():
                self.wfile.write(part)
        except ConnectionError:
            pass  # the client has gone

    def log_message(self, *_: object) -> None:
        """Nothing."""

"""A camera with one exact fault, which speaks RTSP by itself: no GStreamer, no encoder, no torch.

    with FakeRtsp(Fault.FROZEN) as camera:
        camera.url()
        camera.fault = Fault.NONE  # of what it is asked from now on

It counts who comes and when, and keeps what it was asked. It runs in the guest, too (`tests/guest/rtsp_camera.py`).
"""

import base64
import itertools
import socket
import ssl
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Self

from pi_classifier.config.network_url import Userinfo, with_userinfo
from tests.streams import rtp
from tests.streams.faults import REFUSALS, RESET, UNAUTHORISED, Fault
from tests.streams.pcm_h264 import key_frame, parameter_sets

WIDTH, HEIGHT, FPS = 320, 48, 25.0
PICTURES_BEFORE_END = 10
"""That come before a stream ends."""
STUCK = 7
"""The number of the picture that a frozen camera shows."""
END_SECONDS = 60.0
"""A thread that lasts longer hangs."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked."""

    method: str
    url: str
    headers: dict[str, str]
    """Names in lower case."""


class FakeRtsp:
    """Listens from the construction on, on a port of 127.0.0.1."""

    def __init__(
        self,
        fault: Fault = Fault.NONE,
        *,
        port: int = 0,
        location: str = "",
        admits: Userinfo | None = None,
        certificate: Path | None = None,
    ) -> None:
        """A camera.

        Args:
            fault: what is wrong with it.
            port: 0 for one that nobody uses.
            location: where REDIRECT sends clients.
            admits: who may come in; None for everybody.
            certificate: a PEM file with a certificate and its key (`certificate_in`): it is rtsps then.
        """
        self.fault = fault
        """May be changed at any time; a connection takes note when it asks."""
        self.arrivals: list[float] = []
        """Of each connection so far, seconds of `time.monotonic()`."""
        self.requests: list[Request] = []
        """Of all connections so far."""
        self._location = location
        self._wanted = f"Basic {base64.b64encode(':'.join(admits).encode()).decode()}" if admits else None
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if certificate else None
        if self._tls and certificate:
            self._tls.load_cert_chain(certificate)
        self._ended = threading.Event()
        self._connections: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join(END_SECONDS)
        self._listener.close()
        for connection in self._connections:
            with suppress(OSError):  # it has gone already
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(END_SECONDS)

    @property
    def authorizations(self) -> list[str]:
        """The Authorization headers of all requests so far that had one."""
        return [one.headers["authorization"] for one in self.requests if "authorization" in one.headers]

    def url(self, user: str | None = None, password: str | None = None) -> str:
        """Of the camera, with these credentials in it, escaped."""
        scheme = "rtsps" if self._tls else "rtsp"
        who = None if user is None else Userinfo(user, password or "")
        return with_userinfo(f"{scheme}://127.0.0.1:{self.port}/camera", who)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # closed
            self.arrivals.append(time.monotonic())
            if self._tls:  # the thread shakes hands when it first reads
                connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
            self._connections.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        # Outermost: with TLS the end of a connection may fail, too.
        with suppress(OSError), connection, connection.makefile("rb") as stream:
            while request := _read(stream):
                self.requests.append(request)
                self._react(connection, request)

    def _react(self, connection: socket.socket, request: Request) -> None:
        match self.fault:
            case Fault.SILENT:
                return
            case Fault.DEAF_AFTER_OPTIONS if request.method != "OPTIONS":
                return
            case Fault.GARBAGE:
                connection.sendall(bytes(range(256)) * 16)
                return
            case Fault.ENDLESS_HEADER:
                connection.sendall(b"RTSP/1.0 200 OK\r\n")
                while not self._ended.wait(0.001):
                    connection.sendall(b"X-More: and more\r\n" * 16)
        connection.sendall(self._answer(request))
        if request.method == "PLAY":
            self._play(connection)

    def _answer(self, request: Request) -> bytes:
        refused, how = REFUSALS.get(self.fault, ("", ""))
        status, body = "200 OK", ""
        if request.method == refused:
            status = how
        elif self._wanted and request.headers.get("authorization") != self._wanted:
            status = UNAUTHORISED
        elif request.method == "DESCRIBE" and self.fault is Fault.REDIRECT:
            status = f"302 Found\r\nLocation: {self._location}"
        elif request.method == "DESCRIBE":
            body = self._description()
            status += f"\r\nContent-Type: application/sdp\r\nContent-Base: {request.url}/"
        elif request.method == "OPTIONS":
            status += "\r\nPublic: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN"
        elif request.method == "SETUP":
            status += "\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1"
        return (
            f"RTSP/1.0 {status}\r\nCSeq: {request.headers.get('cseq', '0')}\r\nSession: 1\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    def _description(self) -> str:
        if self.fault is Fault.NO_VIDEO:
            return rtp.DESCRIPTION + "m=audio 0 RTP/AVP 0\r\na=control:sound\r\n"
        parameters = () if self.fault is Fault.NO_PARAMETER_SETS else parameter_sets(WIDTH, HEIGHT)
        return rtp.DESCRIPTION + rtp.video(parameters)

    def _play(self, connection: socket.socket) -> None:
        """Pictures until the fault or the end; requests that come meanwhile are not answered."""
        packets = rtp.Packets()
        began = time.monotonic()
        for number in itertools.count():
            if self.fault is Fault.NO_PICTURES or self._ends(connection, number):
                return
            if self._ended.wait(max(0.0, began + number / FPS - time.monotonic())):
                return
            shown = STUCK if self.fault is Fault.FROZEN else number
            units = (*parameter_sets(WIDTH, HEIGHT), key_frame(shown, WIDTH, HEIGHT))
            connection.sendall(packets.of(units, number / FPS))

    def _ends(self, connection: socket.socket, number: int) -> bool:
        """Whether nothing more comes, for which the connection is ended if the fault is that."""
        if self.fault not in {Fault.ENDS, Fault.RESETS, Fault.STALLS} or number < PICTURES_BEFORE_END:
            return False
        if self.fault is Fault.ENDS:
            connection.shutdown(socket.SHUT_RDWR)
        elif self.fault is Fault.RESETS:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            connection.shutdown(socket.SHUT_RD)  # the reader gets an end, and closes
        return True


def _read(stream: BufferedReader) -> Request | None:
    """The next request; None where no more comes. What is interleaved, of RTCP, is passed over."""
    while (start := stream.read(1)) == b"$":
        stream.read(int.from_bytes(stream.read(3)[1:], "big"))
    # latin-1: a client may send half a block of RTCP before it goes.
    words = (start + stream.readline()).decode("latin-1").split()
    if len(words) < 2:
        return None
    headers = {}
    while line := stream.readline().decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return Request(words[0], words[1], headers)

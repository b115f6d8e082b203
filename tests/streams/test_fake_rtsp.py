"""The fake camera's faults are what their names say: tests of network cameras stand on them."""

import base64
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pi_classifier.config.network_url import Userinfo
from tests.streams.fake_rtsp import PICTURES_BEFORE_END, STUCK, FakeRtsp
from tests.streams.faults import Fault
from tests.streams.reading import numbers, opened
from tests.streams.servers import certificate_in
from tests.waiting import DEADLINE_SECONDS, eventually

PASSWORD = "p@ss:/w#rd%"  # noqa: S105 - nobody's
CONVERSATION = ("OPTIONS", "DESCRIBE", "SETUP", "PLAY")


@contextmanager
def connected(camera: FakeRtsp) -> Iterator[socket.socket]:
    """A client that says only what the test says."""
    with socket.create_connection(("127.0.0.1", camera.port), timeout=DEADLINE_SECONDS) as client:
        yield client


def answer(client: socket.socket, method: str, *headers: str) -> str:
    """The head of an answer."""
    lines = "".join(f"{line}\r\n" for line in ("CSeq: 1", *headers))
    client.sendall(f"{method} rtsp://camera RTSP/1.0\r\n{lines}\r\n".encode())
    received = b""
    while b"\r\n\r\n" not in received:
        received += client.recv(4096)
    return received.partition(b"\r\n\r\n")[0].decode()


@pytest.mark.parametrize(
    ("fault", "shown"),
    [
        (Fault.NONE, list(range(20))),
        (Fault.NO_PARAMETER_SETS, list(range(20))),
        (Fault.FROZEN, [STUCK] * 20),
        (Fault.ENDS, list(range(PICTURES_BEFORE_END))),
        (Fault.RESETS, list(range(PICTURES_BEFORE_END))),
        (Fault.STALLS, list(range(PICTURES_BEFORE_END))),
    ],
)
def test_pictures_until_the_fault(fault: Fault, shown: list[int]) -> None:
    """Protects tests of streams that end, stall or freeze: a decoder gets these pictures, whole, and no other."""
    with FakeRtsp(fault) as camera, opened(camera.url()) as capture:
        assert capture.isOpened()
        assert numbers(capture, 20) == shown


@pytest.mark.parametrize(
    ("fault", "method", "status"),
    [
        (Fault.BASIC_REFUSED, "DESCRIBE", "401"),
        (Fault.DIGEST_REFUSED, "DESCRIBE", "401"),
        (Fault.NOT_FOUND, "DESCRIBE", "404"),
        (Fault.UNAVAILABLE, "DESCRIBE", "503"),
        (Fault.REDIRECT, "DESCRIBE", "302"),
        (Fault.NO_BANDWIDTH, "SETUP", "453"),
    ],
)
def test_refusals(fault: Fault, method: str, status: str) -> None:
    """Protects tests of refusals: the camera answers until this method, and it is refused with this status."""
    with FakeRtsp(fault, location="rtsp://elsewhere/") as camera, connected(camera) as client:
        before = CONVERSATION[: CONVERSATION.index(method)]
        assert all("200 OK" in answer(client, one) for one in before)
        refusal = answer(client, method)
        assert refusal.startswith(f"RTSP/1.0 {status} ")
        assert ("Location: rtsp://elsewhere/" in refusal) == (fault is Fault.REDIRECT)


@pytest.mark.parametrize(
    ("fault", "asked"),
    [
        (Fault.SILENT, ["OPTIONS"]),
        (Fault.GARBAGE, ["OPTIONS"]),
        (Fault.DEAF_AFTER_OPTIONS, ["OPTIONS", "DESCRIBE"]),
        (Fault.NO_VIDEO, ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"]),
        (Fault.NO_PICTURES, ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"]),
    ],
)
def test_no_picture_ever(fault: Fault, asked: list[str]) -> None:
    """Protects tests of what shows nothing: a client gets exactly so far with it."""
    with FakeRtsp(fault) as camera, opened(camera.url(), open_milliseconds=1_000) as capture:
        assert numbers(capture, 1) == []
        assert [request.method for request in camera.requests] == asked


def test_header_has_no_end() -> None:
    """Protects tests of what fills memory: the header goes on as long as the client listens."""
    with FakeRtsp(Fault.ENDLESS_HEADER) as camera, connected(camera) as client:
        client.sendall(b"OPTIONS rtsp://camera RTSP/1.0\r\n\r\n")
        received = 0
        while received < 100_000:
            part = client.recv(4096)
            assert b"\r\n\r\n" not in part
            received += len(part)


def test_stream_is_reset() -> None:
    """Protects tests of a reset: it is one, and not an end in order."""
    with FakeRtsp(Fault.RESETS) as camera, connected(camera) as client:
        answer(client, "PLAY")
        with client.makefile("rb") as stream, pytest.raises(ConnectionResetError):
            stream.read()


def test_clients_are_counted_and_heard() -> None:
    """Protects tests of storms and of credentials: each connection is counted, and what it said is kept."""
    with FakeRtsp(Fault.BASIC_REFUSED) as camera:
        with connected(camera):
            eventually(lambda: len(camera.arrivals) == 1, "first connection")
        with opened(camera.url("viewer", PASSWORD)) as capture:
            assert not capture.isOpened()
        assert camera.arrivals == sorted(camera.arrivals)
        assert len(camera.arrivals) > 1
        assert set(camera.authorizations) == {f"Basic {base64.b64encode(f'viewer:{PASSWORD}'.encode()).decode()}"}
        camera.fault = Fault.NONE
        with opened(camera.url()) as capture:
            assert numbers(capture, 1) == [0]


def test_who_is_admitted() -> None:
    """Protects tests of passwords: the camera lets in whom it should, and nobody else."""
    with FakeRtsp(admits=Userinfo("viewer", PASSWORD)) as camera:
        for url in (camera.url(), camera.url("viewer", "wrong")):
            with opened(url) as capture:
                assert not capture.isOpened()
        with opened(camera.url("viewer", PASSWORD)) as capture:
            assert numbers(capture, 3) == [0, 1, 2]


def test_speaks_tls(tmp_path: Path) -> None:
    """Protects tests of rtsps: with a certificate the camera is read by TLS, and not without."""
    with FakeRtsp(certificate=certificate_in(tmp_path)) as camera:
        assert camera.url().startswith("rtsps:")
        with opened(camera.url()) as capture:
            assert numbers(capture, 3) == [0, 1, 2]
        with opened(camera.url().replace("rtsps", "rtsp"), open_milliseconds=1_000) as capture:
            assert not capture.isOpened()

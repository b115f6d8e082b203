"""The servers that tests of network cameras stand on, read by OpenCV: they have to be right themselves."""

from functools import partial
from pathlib import Path
from typing import Literal

import cv2
import pytest

from tests.streams.gst_process import Mount
from tests.streams.mjpeg import MjpegServer
from tests.streams.proxy import Proxy
from tests.streams.reading import in_order, numbers, opened
from tests.streams.servers import Credentials, H264Server, RtspServer, certificate_in

PASSWORD, WRONG = "p@ss:/w#rd%", "wrong"


def test_rtsp_frames_show_what_was_sent() -> None:
    """Protects every later test by numbers: what a client reads off a frame is what the server sent, in any codec."""
    mounts = {
        "h264": Mount(),
        "h265": Mount(codec="h265"),
        "reordered": Mount(b_frames=2),
        "large": Mount(width=640, height=360, key_frame_seconds=2.0, phase_seconds=0.03),
    }
    with RtspServer(mounts) as server:
        for name, mount in mounts.items():
            with opened(server.url(name)) as capture:
                seen = numbers(capture, 20)
                assert len(seen) == 20
                assert in_order(seen, server.sent(name))
                assert capture.get(cv2.CAP_PROP_FRAME_WIDTH) == mount.width


@pytest.mark.parametrize("scheme", ["digest", "basic"])
def test_rtsp_asks_for_credentials(scheme: Literal["digest", "basic"]) -> None:
    """Protects tests of credentials: the server lets in whom it should, and nobody else."""
    with RtspServer(credentials=Credentials("viewer", PASSWORD, scheme)) as server:
        for url in (server.url(), server.url(user="viewer", password=WRONG)):
            with opened(url) as capture:
                assert not capture.isOpened()
        with opened(server.url(user="viewer", password=PASSWORD)) as capture:
            assert len(numbers(capture, 3)) == 3


def test_rtsps(tmp_path: Path) -> None:
    """Protects tests of rtsps: the server speaks TLS."""
    with RtspServer(certificate=certificate_in(tmp_path)) as server, opened(server.url()) as capture:
        assert server.url().startswith("rtsps:")
        assert len(numbers(capture, 3)) == 3


@pytest.mark.parametrize("kind", [RtspServer, H264Server, MjpegServer])
def test_server_freezes_and_comes_back(kind: type[RtspServer | H264Server | MjpegServer]) -> None:
    """Protects tests of cameras that fail: frozen, thawed, killed and started again, each server does as it is told."""
    with kind() as server:
        with opened(server.url()) as capture:
            before = numbers(capture, 3)
            assert len(before) == 3
            server.freeze()
            assert len(numbers(capture, 100)) < 100
        server.thaw()
        with opened(server.url()) as capture:
            thawed = numbers(capture, 3)
            assert len(thawed) == 3
            assert thawed[0] > before[-1]
            server.kill()
            assert len(numbers(capture, 100)) < 100
        with opened(server.url()) as capture:
            assert not capture.isOpened()
        server.start()
        with opened(server.url()) as capture:
            again = numbers(capture, 3)
            assert len(again) == 3
            assert again[0] > thawed[-1]


def test_motion_jpeg_and_raw_h264_show_what_was_sent() -> None:
    """Protects tests of the other kinds of camera: numbers are right, and basic authentication is asked for."""
    with H264Server() as h264, opened(h264.url()) as capture:
        seen = numbers(capture, 20)
        assert in_order(seen, h264.sent("camera"))
    for lengths in (True, False):
        with MjpegServer(Credentials("viewer", PASSWORD, "basic"), lengths=lengths) as mjpeg:
            with opened(mjpeg.url()) as capture:
                assert not capture.isOpened()
            with opened(mjpeg.url("viewer", PASSWORD)) as capture:
                seen = numbers(capture, 20)
                assert in_order(seen, mjpeg.sent())


def test_proxy_spoils_what_passes() -> None:
    """Protects tests of bad networks: the proxy passes on, pauses, corrupts and cuts, and serves the next client."""
    with MjpegServer() as server, Proxy(server.port) as proxy:
        for spoil in (proxy.pause, proxy.cut, partial(proxy.cut, reset=True), partial(proxy.corrupt, 0.01)):
            with opened(proxy.through(server.url())) as capture:
                seen = numbers(capture, 5)
                assert in_order(seen, server.sent())
                spoil()
                assert not in_order(numbers(capture, 100), server.sent())
            proxy.resume()
            proxy.corrupt(0)
        assert proxy.connections == 4

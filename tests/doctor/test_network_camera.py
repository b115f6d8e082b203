"""What `doctor` says of network cameras."""

import re

import pytest

from pi_classifier.config.schema import Settings
from pi_classifier.doctor import network_camera
from pi_classifier.doctor.cameras import sources
from pi_classifier.doctor.finding import Finding, State
from tests.running import unused_port
from tests.streams.fake_rtsp import FPS, HEIGHT, WIDTH, FakeRtsp
from tests.streams.faults import Fault
from tests.streams.gst_process import Mount
from tests.streams.servers import RtspServer


def findings(url: str, **keys: str) -> list[Finding]:
    """Of a configuration with this one camera."""
    return sources(Settings.model_validate({"camera": [{"name": "front", "source": url, **keys}]}))


def test_camera_that_works() -> None:
    """Protects who asks whether a camera is right: codec, size and rate as they come, and no complaint."""
    with FakeRtsp() as camera:
        [finding] = findings(camera.url())
    assert finding.state is State.OK
    rate = re.fullmatch(rf"h264 {WIDTH}x{HEIGHT} at ([\d.]+) fps", finding.seen)
    assert rate
    assert 0 < float(rate[1]) < 2 * FPS


@pytest.mark.parametrize(
    ("fault", "seen", "remedy"),
    [
        (Fault.DIGEST_REFUSED, "refuses the user name or the password", "password_file"),
        (Fault.NOT_FOUND, "404 Not Found", "address"),
        (Fault.NO_PICTURES, "sends no picture", "restart"),
    ],
)
def test_camera_that_does_not(fault: Fault, seen: str, remedy: str) -> None:
    """Protects who has to mend it: what the camera says, and what to do, and the password in neither."""
    with FakeRtsp(fault) as camera:
        [finding] = findings(camera.url(), username="admin", password="cAnArY")  # noqa: S106
    assert finding.state is State.PROBLEM
    assert seen in finding.seen
    assert remedy in finding.remedy
    assert "cAnArY" not in repr(finding)


def test_camera_that_is_not_there() -> None:
    """Protects from a wrong address: which host and port, and that nobody answers there."""
    port = unused_port()
    [finding] = findings(f"rtsp://127.0.0.1:{port}/")
    assert finding.state is State.PROBLEM
    assert f"port {port}" in finding.seen


def test_large_picture_and_b_frames_are_worth_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects a Raspberry Pi from decoding what it does not need, and frames from being older than they must."""
    monkeypatch.setattr(network_camera, "MODEL_SIZE", 50)
    with RtspServer({"camera": Mount(b_frames=2)}) as server:
        ok, bidirectional, large = findings(server.url())
    assert ok.state is State.OK
    assert bidirectional.state is large.state is State.WARNING
    assert "B-frames" in bidirectional.seen
    assert "substream" in large.remedy

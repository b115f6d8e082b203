"""A network camera, read from cameras with exact faults, which speak RTSP by themselves."""

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from pi_classifier.config.network_url import Userinfo
from pi_classifier.errors import (
    CaptureError,
    NetworkCameraForbidden,
    NetworkCameraLost,
    NetworkCameraSilent,
    PiClassifierError,
    PictureFrozen,
)
from pi_classifier.sources.network.camera import NetworkCamera
from tests.running import unused_port
from tests.streams.fake_rtsp import FakeRtsp
from tests.streams.faults import Fault
from tests.streams.mjpeg import MjpegServer
from tests.streams.numbered import number_in
from tests.streams.servers import Credentials
from tests.waiting import DEADLINE_SECONDS

SECRET = Userinfo("admin", "cAnArY @:/#%")


def failure(source: NetworkCamera, frames: int = 1000) -> tuple[list[int], PiClassifierError]:
    """The numbers that were seen before the error that ended it, and that error."""
    seen: list[int] = []
    try:
        with closing(source.frames()) as coming:
            seen.extend(number_in(frame.pixels) for frame in itertools.islice(coming, frames))
    except PiClassifierError as error:
        return seen, error
    raise AssertionError(f"no error after {seen}")


def test_frames_are_those_that_were_sent() -> None:
    """Protects from lost and doubled frames, and from a picture whose rows or colours are not as they were sent."""
    with FakeRtsp() as camera, closing(NetworkCamera("front", camera.url()).frames()) as frames:
        seen = [number_in(frame.pixels) for frame in itertools.islice(frames, 20)]
    assert seen == list(range(seen[0], seen[0] + 20))
    assert seen[0] <= 1, "the first frames are not thrown away"


@pytest.mark.parametrize(
    ("fault", "kind", "complaint"),
    [
        (Fault.DIGEST_REFUSED, NetworkCameraForbidden, "refuses the user name or the password"),
        (Fault.BASIC_REFUSED, NetworkCameraForbidden, "refuses the user name or the password"),
        (Fault.NOT_FOUND, NetworkCameraLost, "404 Not Found"),
        (Fault.UNAVAILABLE, NetworkCameraLost, "503 Service Unavailable"),
        (Fault.NO_VIDEO, NetworkCameraLost, "no video comes"),
        (Fault.NO_BANDWIDTH, NetworkCameraLost, "no video comes"),
        (Fault.ENDS, NetworkCameraLost, "closed the connection"),
        (Fault.RESETS, NetworkCameraLost, "closed the connection"),
    ],
)
def test_what_is_wrong_is_said(
    fault: Fault, kind: type[CaptureError], complaint: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Protects who has to mend it: the camera's own reason in one line, with its password nowhere."""
    with FakeRtsp(fault) as camera:
        _, error = failure(NetworkCamera("front", camera.url(), userinfo=SECRET))
    assert type(error) is kind
    assert complaint in str(error)
    printed = capfd.readouterr()
    assert "cAnArY" not in str(error) + printed.out + printed.err
    assert error.remedy


def test_silence_is_noticed_and_keeps_nobody_waiting() -> None:
    """Protects the other cameras, and the watchdog: whatever a camera stops at, it is noticed, and all at once."""
    faults = [
        Fault.SILENT,
        Fault.DEAF_AFTER_OPTIONS,
        Fault.NO_PICTURES,
        Fault.STALLS,
        Fault.ENDLESS_HEADER,
        Fault.GARBAGE,
    ]
    errors: dict[Fault, PiClassifierError] = {}

    def read(fault: Fault, url: str) -> None:
        _, errors[fault] = failure(NetworkCamera("front", url))

    with ExitStack() as stack:
        cameras = {fault: stack.enter_context(FakeRtsp(fault)) for fault in faults}
        threads = [threading.Thread(target=read, args=(fault, one.url())) for fault, one in cameras.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(DEADLINE_SECONDS)
    assert errors.keys() == set(faults)
    assert type(errors[Fault.STALLS]) is type(errors[Fault.SILENT]) is NetworkCameraSilent
    assert all(isinstance(error, CaptureError) for error in errors.values())


def test_frozen_picture_is_told_until_it_changes() -> None:
    """Protects from an old picture that is shown as live, also after the connection was made anew."""
    with FakeRtsp(Fault.FROZEN) as camera:
        source = NetworkCamera("front", camera.url(), frozen_seconds=0.8)
        seen, error = failure(source)
        assert type(error) is PictureFrozen
        assert len(seen) > 3
        assert len(set(seen)) == 1
        seen, error = failure(source)
        assert type(error) is PictureFrozen
        assert not seen, "it is the same picture still"
        camera.fault = Fault.NONE
        with closing(source.frames()) as frames:
            assert len(list(itertools.islice(frames, 40))) == 40


def test_nobody_listens() -> None:
    """Protects from a camera without power: named by host and port, and to be tried again soon."""
    source = NetworkCamera("front", f"rtsp://127.0.0.1:{unused_port()}/x?pwd=cAnArY")
    _, error = failure(source)
    assert type(error) is NetworkCameraLost
    assert "127.0.0.1 port" in str(error)
    assert "cAnArY" not in str(error) + str(source)
    assert NetworkCameraLost.longest_retry_seconds == NetworkCameraSilent.longest_retry_seconds == 2.0


@pytest.fixture
def motion_jpeg() -> Iterator[MjpegServer]:
    """That wants user name and password."""
    with MjpegServer(Credentials(SECRET.username, SECRET.password)) as server:
        yield server


def test_motion_jpeg_with_a_password(motion_jpeg: MjpegServer) -> None:
    """Protects cameras that know HTTP alone: frames with the right password, and with none or another a reason."""
    for userinfo, complaint in ((None, "wants a user name"), (Userinfo("admin", "no"), "refuses")):
        _, error = failure(NetworkCamera("front", motion_jpeg.url(), userinfo=userinfo))
        assert complaint in str(error)
    with closing(NetworkCamera("front", motion_jpeg.url(), userinfo=SECRET).frames()) as frames:
        seen = [number_in(frame.pixels) for frame in itertools.islice(frames, 5)]
    assert seen == sorted(set(seen))


def test_age_is_from_the_arrival() -> None:
    """Protects the age in log and metrics: it is on the clock of time.monotonic(), and not the camera's."""
    with FakeRtsp() as camera, closing(NetworkCamera("front", camera.url()).frames()) as frames:
        before = time.monotonic()
        arrivals = [frame.captured_at for frame in itertools.islice(frames, 10)]
        assert before <= arrivals[0]
        assert arrivals == sorted(arrivals)
        assert arrivals[-1] <= time.monotonic()

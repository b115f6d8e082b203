"""What every source promises: `contracts.frame.FrameSource`, held against each of them, the tests' own included."""

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pytest

from pi_classifier.contracts.frame import Frame, FrameSource
from pi_classifier.errors import CameraAbsent, CaptureError, InputError, PiClassifierError
from pi_classifier.sources.auto import AwaitedCamera
from pi_classifier.sources.csi.picamera2 import Picamera2Camera
from pi_classifier.sources.csi.rpicam import RpicamVid
from pi_classifier.sources.files.picture import Picture
from pi_classifier.sources.files.several import Animation, Pages
from pi_classifier.sources.files.video import Video
from pi_classifier.sources.network.camera import NetworkCamera
from pi_classifier.sources.synthetic import Synthetic
from pi_classifier.sources.v4l2.camera import V4L2Camera
from tests.fakes import FedCamera, HangingCamera, ScriptedCamera
from tests.sources import fake_picamera2
from tests.sources.test_csi import install
from tests.sources.test_files import make_folder, write_picture, write_video
from tests.sources.test_several import write_several
from tests.streams.fake_rtsp import FakeRtsp
from tests.streams.mjpeg import MjpegServer
from tests.streams.servers import H264Server
from tests.waiting import eventually

Make = Callable[[Path, pytest.FixtureRequest], FrameSource]
"""Makes a source; it may write to the folder, which is empty at first, and ask for fixtures."""


def picture(folder: Path, _request: pytest.FixtureRequest) -> FrameSource:
    """A single picture."""
    return Picture("front", write_picture(folder / "one.png"), fps=36)


def video(folder: Path, _request: pytest.FixtureRequest) -> FrameSource:
    """A video made here."""
    return Video("front", write_video(folder / "video.mp4"))


def recorded_video(_folder: Path, request: pytest.FixtureRequest) -> FrameSource:
    """A video that a camera recorded."""
    recorded: Path = request.getfixturevalue("test_data")
    return Video("front", recorded / "videos" / "mediapipe_test_video.mp4")


def animation(folder: Path, _request: pytest.FixtureRequest) -> FrameSource:
    """A GIF that moves."""
    return Animation("front", write_several(folder / "a.gif", duration=50))


def pages(folder: Path, _request: pytest.FixtureRequest) -> FrameSource:
    """A scan of several pages."""
    return Pages("front", write_several(folder / "a.tiff"), fps=36)


def folder_of_files(folder: Path, _request: pytest.FixtureRequest) -> FrameSource:
    """Pictures, a video, and things that are neither."""
    return make_folder(folder)


def synthetic(_folder: Path, _request: pytest.FixtureRequest) -> FrameSource:
    """A drawn scene."""
    return Synthetic("front", width=64, height=48, fps=36)


def rpicam_vid(folder: Path, _request: pytest.FixtureRequest) -> FrameSource:
    """A CSI camera through a stand-in of rpicam-vid."""
    install(folder, "well")
    return RpicamVid("front", 0, str(folder / "rpicam-vid"), width=224, height=224, fps=200)


def picamera2(_folder: Path, _request: pytest.FixtureRequest) -> FrameSource:
    """A CSI camera through a stand-in of picamera2."""
    return Picamera2Camera("front", 0, fake_picamera2, width=224, height=224, fps=200)


def awaited(_folder: Path, _request: pytest.FixtureRequest) -> FrameSource:
    """A camera that was found after the start."""
    return AwaitedCamera("front", lambda: Synthetic("front", width=64, height=48, fps=36))


def rtsp(_folder: Path, request: pytest.FixtureRequest) -> FrameSource:
    """A network camera, played by the tests."""
    return NetworkCamera("front", request.getfixturevalue("fake_rtsp"))


def motion_jpeg_over_http(_folder: Path, request: pytest.FixtureRequest) -> FrameSource:
    """The same of another kind."""
    return NetworkCamera("front", request.getfixturevalue("mjpeg_server"))


def h264_over_tcp(_folder: Path, request: pytest.FixtureRequest) -> FrameSource:
    """A third kind, played by GStreamer."""
    return NetworkCamera("front", request.getfixturevalue("h264_server"))


def scripted(_folder: Path, _request: pytest.FixtureRequest) -> FrameSource:
    """The tests' camera that plays a script."""
    return ScriptedCamera([1] * 30)


def fed(_folder: Path, _request: pytest.FixtureRequest) -> FrameSource:
    """The tests' camera that gives a frame whenever it is fed one."""
    camera = FedCamera()
    for _ in range(30):
        camera.feed()
    camera.end()
    return camera


def hanging(_folder: Path, _request: pytest.FixtureRequest) -> FrameSource:
    """The tests' camera that hangs, before it does so."""
    return HangingCamera(30)


MEMBERS: list[Make] = [
    picture,
    video,
    recorded_video,
    animation,
    pages,
    folder_of_files,
    synthetic,
    rpicam_vid,
    picamera2,
    awaited,
    rtsp,
    motion_jpeg_over_http,
    h264_over_tcp,
    scripted,
    fed,
    hanging,
]
"""A new source is one line more. V4L2Camera gives frames in the guest alone, which has a driver (tests/guest)."""


@pytest.fixture(scope="module")
def fake_rtsp() -> Iterator[str]:
    """The URL of a camera."""
    with FakeRtsp() as camera:
        yield camera.url()


@pytest.fixture(scope="module")
def mjpeg_server() -> Iterator[str]:
    """The URL of a camera."""
    with MjpegServer() as camera:
        yield camera.url()


@pytest.fixture(scope="module")
def h264_server() -> Iterator[str]:
    """The URL of a camera."""
    with H264Server() as camera:
        yield camera.url()


@pytest.fixture(params=MEMBERS, ids=lambda make: make.__name__)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> FrameSource:
    """Each source in turn."""
    make: Make = request.param
    return make(tmp_path, request)


def first(source: FrameSource, count: int) -> Iterator[Frame]:
    """Up to `count` frames of a source, which is closed behind them."""
    with closing(source.frames()) as frames:
        yield from itertools.islice(frames, count)


@dataclass
class Held:
    """What this process has at one moment: open descriptors, threads."""

    descriptors: int
    threads: set[threading.Thread]

    @classmethod
    def now(cls) -> Self:
        """At this one."""
        return cls(len(os.listdir("/proc/self/fd")), set(threading.enumerate()))  # noqa: PTH208

    @classmethod
    def settled(cls) -> Self:
        """When nothing has changed for a moment: a camera that the tests play ends its connections a little later."""
        held: list[Self] = []

        def is_settled() -> bool:
            held.append(cls.now())
            return held[-2:-1] == held[-1:]

        eventually(is_settled, "end of what went before", every=0.15)
        return held[-1]

    def is_all(self) -> bool:
        """Whether there is nothing more by now; a thread that another test left may have ended."""
        now = Held.now()
        return now.descriptors == self.descriptors and now.threads <= self.threads


@pytest.mark.parametrize("make", MEMBERS, ids=lambda make: make.__name__)
def test_making_one_opens_nothing(make: Make, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Protects a camera that another program uses: nothing is opened before frames are asked for."""
    for number in range(2):
        (tmp_path / str(number)).mkdir()
    # Libraries open what they keep at their first use.
    assert list(first(make(tmp_path / "0", request), 1))
    before = Held.now()
    source = make(tmp_path / "1", request)
    assert before.is_all()
    with closing(source.frames()):
        assert before.is_all(), "to call it opens nothing either: the first frame does"


def test_pace_is_a_rate_or_none(source: FrameSource) -> None:
    """Protects the capture thread, which divides by it."""
    assert source.pace_fps is None or source.pace_fps > 0


def test_it_says_what_it_is_in_one_line(source: FrameSource) -> None:
    """Protects the log at the start: a source describes itself in words."""
    assert str(source)
    assert "\n" not in str(source)
    assert "object at" not in str(source)


def test_frames_are_pictures_in_order(source: FrameSource) -> None:
    """Protects whoever takes frames: uint8 HxWx3, contiguous, numbered from 0, on the clock of time.monotonic()."""
    before = time.monotonic()
    last = -1
    for frame in first(source, 20):
        assert frame.camera == "front"
        assert frame.sequence == last + 1
        assert before <= frame.captured_at <= time.monotonic()
        assert frame.pixels.dtype == np.uint8
        assert frame.pixels.ndim == 3
        assert frame.pixels.shape[2] == 3
        assert frame.pixels.size
        assert frame.pixels.flags.c_contiguous
        assert not frame.corrupt
        last, before = frame.sequence, frame.captured_at
    assert last >= 0


def test_numbers_go_on_when_it_is_opened_again(source: FrameSource) -> None:
    """Protects the accounting over a reconnect: no number is given twice, and none is left out."""
    numbers = [frame.sequence for _ in range(3) for frame in first(source, 5)]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) >= 3


def test_closing_half_way_releases_everything(source: FrameSource) -> None:
    """Protects descriptors and cameras: a source that is left after one frame holds nothing."""
    assert next(first(source, 1)) is not None  # libraries open what they keep at their first use
    before = Held.settled()
    for _ in range(3):
        with closing(source.frames()) as frames:
            next(frames)
    eventually(before.is_all, "release of everything")


def test_error_half_way_releases_everything(source: FrameSource) -> None:
    """Protects descriptors and cameras of a daemon that retries for months: an error holds nothing either."""
    assert next(first(source, 1)) is not None
    before = Held.settled()
    for _ in range(3):
        frames = source.frames()
        next(frames)
        with pytest.raises(ZeroDivisionError):
            frames.throw(ZeroDivisionError())
    eventually(before.is_all, "release of everything")


def absent_node(folder: Path, _request: pytest.FixtureRequest) -> FrameSource:
    """A V4L2 camera that is not plugged in."""
    return V4L2Camera("front", folder / "video0", width=224, height=224, fps=36)


def program_that_is_gone(folder: Path, _request: pytest.FixtureRequest) -> FrameSource:
    """A CSI camera whose rpicam-vid is just being replaced."""
    return RpicamVid("front", 0, str(folder / "rpicam-vid"), width=224, height=224, fps=36)


def rpicam_vid_without_camera(folder: Path, _request: pytest.FixtureRequest) -> FrameSource:
    """A CSI camera that is not connected, through rpicam-vid."""
    install(folder, "absent")
    return RpicamVid("front", 0, str(folder / "rpicam-vid"), width=224, height=224, fps=36)


def picamera2_without_camera(_folder: Path, _request: pytest.FixtureRequest) -> FrameSource:
    """A CSI camera that is not connected, through picamera2."""
    return Picamera2Camera("front", 7, fake_picamera2, width=224, height=224, fps=36)


def scripted_without_camera(_folder: Path, _request: pytest.FixtureRequest) -> FrameSource:
    """The tests' camera that fails on cue."""
    return ScriptedCamera([CameraAbsent("front: no such camera", remedy="plug it in") for _ in range(9)])


def picture_that_is_gone(folder: Path, _request: pytest.FixtureRequest) -> FrameSource:
    """A file that was deleted."""
    return Picture("front", folder / "one.png", fps=36)


ABSENT: dict[Make, type[PiClassifierError]] = {
    absent_node: CaptureError,
    program_that_is_gone: CaptureError,
    rpicam_vid_without_camera: CaptureError,
    picamera2_without_camera: CaptureError,
    scripted_without_camera: CaptureError,
    picture_that_is_gone: InputError,
}
"""Sources without their camera or file, and what they raise: what is worth another attempt, or what is not."""


@pytest.mark.parametrize(("make", "kind"), ABSENT.items(), ids=[make.__name__ for make in ABSENT])
def test_what_is_not_there_is_an_error_with_a_remedy(
    make: Make, kind: type[PiClassifierError], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Protects a start before the camera is plugged in: each attempt fails in one line, and leaves nothing open."""
    source = make(tmp_path, request)
    assert "\n" not in str(source)
    assert "object at" not in str(source)
    if kind is CaptureError:
        assert source.pace_fps is None, "a camera sets its own pace"
    before = Held.now()
    for _ in range(3):
        with pytest.raises(kind) as refusal:
            next(source.frames())
        assert refusal.value.problem
        assert refusal.value.remedy
        assert "\n" not in str(refusal.value)
        assert before.is_all()

"""Live cameras: the project's capture code against real drivers."""

from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from pi_classifier.errors import (
    CameraAbsent,
    CameraBusy,
    CameraLost,
    CameraUnsupported,
    CaptureError,
    CaptureTimeout,
    PiClassifierError,
)
from tests.guest.cameras import PROJECT, PYTHON, Loopback, Probe, RemoteCamera, SeenFrame, Vivid
from tests.guest.guest import Guest, wait_for

Open = Callable[[str], RemoteCamera]

PHOTOGRAPH = "photos/011_goldfinch.jpg"


def reopened(camera: RemoteCamera) -> SeenFrame:
    """The first frame of a camera that was lost; it may take some trials until it is back."""

    def attempt() -> list[SeenFrame]:
        try:
            return camera.read()
        except CameraLost:
            return []

    return wait_for("camera back", attempt)[0]


def test_a_webcam_rounds_what_it_is_asked_for(usb_camera: Vivid, probe: Probe, opener: Open) -> None:
    """Protects the negotiation: what a camera agreed to counts, not what it was asked for."""
    frames = opener(usb_camera.node).read(5)
    assert {(frame.width, frame.height) for frame in frames} == {(320, 180)}
    assert probe.heard() == [f"camera0: {usb_camera.node} (vivid) gives 320x180 YUYV at 40 fps"]


def test_a_camera_that_can_gives_224x224_at_36_fps(exact_camera: Vivid, probe: Probe, opener: Open) -> None:
    """Protects the mode that the project is made for: 224x224, the model's own size, at 36 fps."""
    frames = opener(exact_camera.node).read(5)
    assert {(frame.width, frame.height) for frame in frames} == {(224, 224)}
    assert probe.heard() == [f"camera0: {exact_camera.node} (vivid) gives 224x224 YUYV at 35.9 fps"]


def test_every_frame_is_a_new_one_with_its_own_number(usb_camera: Vivid, opener: Open) -> None:
    """Protects against buffers that are shown twice or out of turn."""
    frames = opener(usb_camera.node).read(20)
    assert [frame.sequence for frame in frames] == list(range(20))
    assert len({frame.digest for frame in frames}) == 20
    assert not any(frame.corrupt for frame in frames)


def test_timestamps_are_the_drivers_on_the_monotonic_clock(usb_camera: Vivid, opener: Open) -> None:
    """Protects frame ages: a timestamp on another clock would make them nonsense."""
    # vivid stamps a frame with the time at which its last line would have come, so a little ahead.
    frames = opener(usb_camera.node).read(10)
    captured = [frame.captured_at for frame in frames]
    assert captured == sorted(set(captured))
    assert all(-1 < frame.read_at - frame.captured_at < 60 for frame in frames)


def test_the_contract_of_all_sources_holds(guest: Guest, usb_camera: Vivid) -> None:
    """Protects whoever takes frames: a camera on a real driver keeps what every source promises."""
    usb_camera.control("timestamp_source")  # the start of a frame; the end would be a little ahead of its arrival
    suite = f"{PYTHON} -m pytest -q --noconftest -p no:cacheprovider tests/guest/contract.py"
    print(guest.check(f"cd {PROJECT} && NODE={usb_camera.node} {suite}").splitlines()[-1])


def test_a_camera_is_found_with_its_formats(usb_camera: Vivid, probe: Probe) -> None:
    """Protects `--source auto`: a camera is listed, with the formats that can be decoded, cheapest first."""
    (found,) = probe.find()
    assert (found["node"], found["card"], found["driver"]) == (usb_camera.node, "vivid", "vivid")
    assert found["pixel_formats"][:2] == ["YUYV", "UYVY"]


@pytest.mark.parametrize(
    "fault",
    ["disconnect", "inject_fatal_streaming_error", "inject_vidioc_qbuf_error"],
)
def test_a_fault_while_streaming_is_a_lost_camera_that_can_be_reopened(
    usb_camera: Vivid, opener: Open, fault: str
) -> None:
    """Protects recovery: whatever the driver reports, the camera counts as lost, and the next open works."""
    camera = opener(usb_camera.node)
    last = camera.read()[-1]
    usb_camera.control(fault)
    with pytest.raises(CameraLost):
        camera.read(100)
    assert reopened(camera).sequence > last.sequence


@pytest.mark.parametrize("fault", ["inject_vidioc_reqbufs_error", "inject_vidioc_streamon_error"])
def test_a_fault_at_the_start_is_a_lost_camera_that_can_be_reopened(
    usb_camera: Vivid, opener: Open, fault: str
) -> None:
    """Protects recovery: a camera that fails while it is being started leaves nothing open behind."""
    usb_camera.control(fault)
    camera = opener(usb_camera.node)
    with pytest.raises(CameraLost):
        camera.read()
    assert reopened(camera).sequence == 0


def test_an_unplugged_camera_is_lost_until_it_is_back(usb_camera: Vivid, opener: Open) -> None:
    """Protects against an unplugged cable: the loss is noticed, said again while it lasts, and healed."""
    camera = opener(usb_camera.node)
    camera.read(3)
    usb_camera.unplug()
    with pytest.raises(CameraLost, match="plug"):
        camera.read(100)
    with pytest.raises(CameraAbsent, match="no such camera; plug it in"):
        camera.read()
    usb_camera.plug()
    assert reopened(camera).sequence > 2


def test_a_camera_that_comes_back_under_another_number_is_found(
    guest: Guest, usb_camera: Vivid, probe: Probe, opener: Open
) -> None:
    """Protects the search by udev's stable names: a number in use is not given out again after a replug."""
    camera = opener(usb_camera.node)
    camera.read()
    with guest.service("holder", f"exec 3<>{usb_camera.node}; touch /run/held; sleep infinity"):
        guest.wait_until("test -e /run/held")
        usb_camera.unplug()
        with pytest.raises(CameraLost):
            camera.read(100)
        usb_camera.plug()
        probe.heard()
        assert reopened(camera).sequence > 0
        assert [found["node"] for found in probe.find(busy=True)] == ["/dev/video1"]
        camera.release()


def test_a_silent_camera_times_out(usb_camera: Vivid, opener: Open) -> None:
    """Protects against a camera that hangs: silence ends by our own deadline, and reopening heals it."""
    camera = opener(usb_camera.node)
    camera.read()
    usb_camera.control("percentage_of_dropped_buffers", 100)
    with pytest.raises(CaptureTimeout, match="sends nothing for 2 s"):
        camera.read(100)
    with pytest.raises(CaptureTimeout):
        camera.read()
    usb_camera.control("percentage_of_dropped_buffers", 0)
    assert reopened(camera).sequence > 0


def test_a_damaged_frame_is_marked(usb_camera: Vivid, opener: Open) -> None:
    """Protects the classifier from pictures that the driver itself calls damaged; the stream goes on."""
    camera = opener(usb_camera.node)
    camera.read()
    usb_camera.control("inject_v4l2_buf_flag_error")
    assert [frame.corrupt for frame in camera.read(40)].count(True) == 1


def test_a_camera_in_use_says_so_and_stays_undisturbed(usb_camera: Vivid, opener: Open) -> None:
    """Protects both programs: the second is told what is wrong, the first goes on."""
    first, second = opener(usb_camera.node), opener(usb_camera.node)
    first.read()
    with pytest.raises(CameraBusy, match="in use by another program"):
        second.read()
    assert len(first.read(10)) == 10
    first.release()
    assert reopened(second).sequence == 0


def test_a_camera_in_use_is_not_offered(usb_camera: Vivid, probe: Probe, opener: Open) -> None:
    """Protects `--source auto`: a camera that another program has is passed over, and not disturbed by the question."""
    user = opener(usb_camera.node)
    user.read()
    assert probe.find() == []
    assert [found["node"] for found in probe.find(busy=True)] == [usb_camera.node]
    assert len(user.read(10)) == 10
    user.release()
    assert [found["node"] for found in probe.find()] == [usb_camera.node]


def test_a_name_of_what_is_gone_does_no_harm(guest: Guest, usb_camera: Vivid, opener: Open) -> None:
    """Protects from links in /dev/v4l that lead nowhere, as there are while udev tidies up after an unplugging."""
    guest.check("ln -s /dev/video99 /dev/v4l/by-path/gone")
    try:
        assert opener(usb_camera.node).read()
    finally:
        guest.check("rm /dev/v4l/by-path/gone")


def test_what_is_no_camera_is_unsupported(probe: Probe, opener: Open) -> None:
    """Protects against endless retries: what can never be a camera is told apart from one that is disconnected."""
    with pytest.raises(CameraUnsupported, match="/dev/null is no camera"):
        opener("/dev/null").read()
    with pytest.raises(CameraAbsent, match="no such camera"):
        opener("/dev/video99").read()


def test_a_loopback_that_nobody_feeds_is_not_listed(loopback: Loopback, probe: Probe, opener: Open) -> None:
    """Protects `--source auto`, and the user: a node without pictures is passed over, and an error of ours if named."""
    assert probe.find() == []
    with pytest.raises(PiClassifierError, match=loopback.node):
        opener(loopback.node).read()


@pytest.mark.parametrize("pixel_format", ["YUYV", "RGB3", "MJPG"])
def test_the_one_format_that_a_camera_has_is_taken_and_decoded(
    loopback: Loopback, probe: Probe, opener: Open, test_data: Path, guest_data: str, pixel_format: str
) -> None:
    """Protects the choice of the format and the order of the colours: the picture arrives as it was sent."""
    picture = cv2.imread(str(test_data / PHOTOGRAPH))
    assert picture is not None
    with loopback.showing(f"{guest_data}/{PHOTOGRAPH}", pixel_format=pixel_format):
        assert [found["pixel_formats"] for found in probe.find()] == [[pixel_format]]
        camera = opener(loopback.node)
        frame = camera.read(5)[-1]
        camera.release()
    assert (frame.width, frame.height, frame.corrupt) == (224, 224, False)
    assert frame.mean_bgr == pytest.approx(picture.mean(axis=(0, 1)), abs=4)


def test_a_camera_whose_picture_ends_is_disconnected_until_it_returns(loopback: Loopback, opener: Open) -> None:
    """Protects recovery: what was a camera once is disconnected, not unsupported, while its driver says it is none."""
    camera = opener(loopback.node)
    with loopback.showing("grey"):
        camera.read(5)
    with pytest.raises(CaptureError):
        camera.read(100)
    with pytest.raises(CameraLost):
        camera.read()
    with loopback.showing("grey"):
        assert reopened(camera).sequence > 4
        camera.release()


def test_a_torn_jpeg_is_marked(loopback: Loopback, opener: Open) -> None:
    """Protects the classifier from pictures that were cut off on the way; they are not worth losing the camera."""
    with loopback.showing("grey", pixel_format="torn"):
        camera = opener(loopback.node)
        assert all(frame.corrupt for frame in camera.read(3))
        camera.release()

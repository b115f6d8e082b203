"""All that befalls a webcam that the service watches: one run of it, for a start takes an emulated processor long."""

import time
from collections.abc import Iterator

import pytest

from tests.guest.cameras import Vivid, webcam
from tests.guest.guest import wait_for
from tests.guest.service import UNIT, Service


@pytest.fixture(scope="module")
def waiting(service: Service) -> Iterator[Service]:
    """The service, started without the camera that it shall watch, and told no name of it."""
    with service.watching("auto"):
        yield service


@pytest.fixture(scope="module")
def camera(waiting: Service) -> Iterator[Vivid]:
    """The camera, plugged in once the service runs; the service lets go of it before its driver is removed."""
    with webcam(waiting.guest) as camera:
        yield camera
        waiting.stop()


@pytest.fixture
def watching(waiting: Service, camera: Vivid) -> Iterator[Service]:
    """The service, seeing the camera; no test may make it start again."""
    waiting.wait_for_sample("camera_up", 1)
    yield waiting
    assert waiting.property("NRestarts") == "0"


def test_camera_absent_at_boot(waiting: Service) -> None:
    """Protects a boot without a camera: the service is active and says what it waits for."""
    assert waiting.property("ActiveState") == "active"
    wait_for("the absence in the status", lambda: "camera disconnected" in waiting.property("StatusText"))
    assert waiting.samples()["camera_up"] == 0


def test_camera_plugged_in_later(watching: Service) -> None:
    """Protects a boot without a camera: one that comes later is found, and what it gives is logged, once.

    It is asked for 224x224 and gives 320x180, which is cropped and scaled.
    """
    watching.wait_for_sample("frames_classified_total", at_least=3)
    logged = [line for line in watching.guest.journal(UNIT).splitlines() if "gives 320x180" in line]
    assert len(logged) == 1


def test_disconnected_camera_comes_back(watching: Service, camera: Vivid) -> None:
    """Protects from a loose plug: the loss is counted and logged, and the camera reopened."""
    before = watching.samples()
    camera.control("disconnect")
    started = time.monotonic()
    watching.wait_for_more("capture_errors_total:lost", before)
    watching.wait_for_more("camera_reconnects_total", before)
    watching.wait_for_sample("camera_up", 1)
    print(f"seen to be back {time.monotonic() - started:.1f} s after the disconnection")
    watching.wait_for_entry(EVENT="camera_down", CAMERA="front")
    watching.wait_for_entry(EVENT="camera_up", CAMERA="front")


@pytest.mark.parametrize("fault", ["inject_fatal_streaming_error", "inject_vidioc_qbuf_error"])
def test_streaming_errors(watching: Service, camera: Vivid, fault: str) -> None:
    """Protects from a driver that gives up: the camera is opened again and goes on."""
    before = watching.samples()
    camera.control(fault)
    watching.wait_for_more("camera_reconnects_total", before)
    watching.wait_for_more("frames_classified_total", watching.samples(), by=3)


def test_damaged_frames_are_dropped(watching: Service, camera: Vivid) -> None:
    """Protects from naming damaged pictures: what the driver marks as such is counted as corrupt."""
    before = watching.samples()
    for _ in range(3):
        camera.control("inject_v4l2_buf_flag_error")
    watching.wait_for_more("frames_dropped_total:corrupt", before)


def test_driver_removed_and_loaded_again(watching: Service, camera: Vivid) -> None:
    """Protects from an unplugged camera: camera_up is 0 while it is disconnected and 1 when it is back."""
    camera.unplug()
    watching.wait_for_sample("camera_up", 0, at_most=0)
    wait_for("the loss in the status", lambda: "camera disconnected" in watching.property("StatusText"))
    camera.unload()
    camera.load()
    started = time.monotonic()
    watching.wait_for_sample("camera_up", 1)
    print(f"seen to be back {time.monotonic() - started:.1f} s after it was plugged in")


def test_stop_is_clean(watching: Service) -> None:
    """Protects `systemctl stop`: no kill is needed, every frame is accounted for, and the totals are in the journal."""
    invocation = watching.property("InvocationID")
    started = time.monotonic()
    watching.guest.check(f"systemctl stop {UNIT}")
    print(f"stopped within {time.monotonic() - started:.1f} s")
    assert watching.property("Result") == "success"
    assert watching.property("ExecMainStatus") == "0"
    journal = watching.guest.check(f"journalctl --output=cat --no-pager _SYSTEMD_INVOCATION_ID={invocation}")
    assert "front done: " in journal

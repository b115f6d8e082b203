"""What of the camera code can be tested without a driver; the rest is tested in a guest that has one."""

from pathlib import Path

import pytest

from pi_classifier.errors import CameraAbsent, CameraUnsupported
from pi_classifier.sources.v4l2.camera import Mode, V4L2Camera, best_mode, find_cameras


@pytest.mark.parametrize(
    ("offered", "wanted", "taken"),
    [
        ([("YUYV", 10), ("MJPG", 30)], 36, "MJPG"),
        ([("YUYV", 30), ("MJPG", 30)], 36, "YUYV"),
        ([("YUYV", 30), ("MJPG", 60)], 30, "YUYV"),
        ([("YUYV", 15), ("NV12", 30), ("MJPG", 30)], 25, "NV12"),
        ([("YUYV", 0), ("MJPG", 0)], 36, "YUYV"),
        ([("H264", 60), ("MJPG", 5)], 36, "MJPG"),
        ([("H264", 60)], 36, "H264"),
    ],
)
def test_pixel_format_is_chosen_by_the_rate(offered: list[tuple[str, float]], wanted: float, taken: str) -> None:
    """Protects the frame rate of USB cameras: MJPG where only that is fast enough, else what is cheaper to decode."""
    modes = [Mode(code, 640, 480, 0, rate) for code, rate in offered]
    assert best_mode(modes, wanted).pixel_format == taken


def camera(node: Path) -> V4L2Camera:
    """A camera that is asked for the usual mode."""
    return V4L2Camera("front", node, width=224, height=224, fps=36)


def test_node_that_is_no_camera() -> None:
    """Protects from waiting for pictures of a device that has none."""
    with pytest.raises(CameraUnsupported, match="/dev/null is no camera"):
        next(camera(Path("/dev/null")).frames())


def test_file_that_is_no_node(tmp_path: Path) -> None:
    """Protects from a file where a camera should be."""
    (tmp_path / "video0").write_text("no camera", encoding="utf-8")
    with pytest.raises(CameraUnsupported, match="no camera"):
        next(camera(tmp_path / "video0").frames())
    assert find_cameras(tmp_path) == []


def test_absent_camera_is_lost_not_unsupported(tmp_path: Path) -> None:
    """Protects a start before the camera is plugged in: it is waited for."""
    with pytest.raises(CameraAbsent, match="plug it in"):
        next(camera(tmp_path / "video0").frames())

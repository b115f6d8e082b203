"""Which camera `auto` takes, and when."""

import threading
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.config.schema import CameraSettings
from pi_classifier.errors import CameraAbsent, CameraLost
from pi_classifier.sources.auto import AwaitedCamera, FreeCameras
from pi_classifier.sources.uri import sources_for
from pi_classifier.sources.v4l2.camera import CameraInfo, find_cameras
from tests.fakes import ScriptedCamera


def listed(*nodes: str | Path) -> list[CameraInfo]:
    """V4L2 cameras as they are found."""
    return [CameraInfo(Path(node), "a webcam", "uvcvideo", ("YUYV",)) for node in nodes]


@given(st.integers(0, 4), st.integers(0, 4), st.sets(st.sampled_from(["v4l2:/dev/video0", "csi:1"])))
def test_no_camera_is_claimed_twice(v4l2: int, csi: int, named: set[str]) -> None:
    """Protects two `auto` from one camera: each is claimed once, V4L2 first, and what is named elsewhere never."""
    nodes = listed(*(f"/dev/video{number}" for number in range(v4l2)))
    free = FreeCameras(named, v4l2=lambda: nodes, csi=lambda: ["imx708"] * csi)
    claimed = [free.claim() for _ in range(v4l2 + csi + 1)]
    expected = [f"v4l2:{camera.node}" for camera in nodes] + [f"csi:{number}" for number in range(csi)]
    assert [uri for uri in claimed if uri] == [uri for uri in expected if uri not in named]
    assert claimed[-1] is None


def test_cameras_are_claimed_from_many_threads_once() -> None:
    """Protects cameras that are plugged in while several wait: their threads claim at the same time."""
    free = FreeCameras(v4l2=lambda: listed(*(f"/dev/video{number}" for number in range(8))), csi=list)
    claimed: list[str | None] = []
    threads = [threading.Thread(target=lambda: claimed.append(free.claim())) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, claimed)) == sorted([*(f"v4l2:/dev/video{number}" for number in range(8)), *["None"] * 8])


def test_camera_under_another_name_is_taken(tmp_path: Path) -> None:
    """Protects a camera that is named by its link under /dev/v4l: `auto` knows it under its node's name, too."""
    node, link = tmp_path / "video3", tmp_path / "by-id"
    free = FreeCameras([f"v4l2:{link}"], v4l2=lambda: listed(node), csi=list)
    node.touch()
    link.symlink_to(node)  # as when it is plugged in after the start
    assert free.claim() is None


def test_awaited_camera_is_tried_until_it_is_there() -> None:
    """Protects a service that starts before its camera: each attempt looks for one, and the first that is there stays.

    What that camera does afterwards is its own: a loss is raised as any other is.
    """
    there = [None, None, ScriptedCamera([2, CameraLost("unplugged", remedy="plug it in"), 1])]
    camera = AwaitedCamera("front", lambda: there.pop(0))
    assert "plugged in" in str(camera)
    for _ in range(2):
        with pytest.raises(CameraAbsent, match="front: no camera found; plug one in"), closing(camera.frames()) as none:
            next(none)
    with closing(camera.frames()) as frames:
        assert [next(frames).sequence, next(frames).sequence] == [0, 1]
        with pytest.raises(CameraLost, match="unplugged"):
            next(frames)
    with closing(camera.frames()) as frames:
        assert next(frames).sequence == 2
    assert there == []
    assert str(camera) == "a camera that plays a script"


def test_who_waits_and_who_sees_a_drawn_scene() -> None:
    """Protects a service from the labels of a drawn scene: without a camera it waits, a person is shown something."""
    if find_cameras():
        pytest.skip("this machine has a camera")
    cameras = [CameraSettings(name=name, source=source) for name, source in (("a", "auto:"), ("b", "synthetic:7"))]
    assert [str(one) for one in sources_for(cameras, wait=True)] == [
        "the first camera that is plugged in",
        "drawn scene 7, 224x224 at 36 fps",
    ]
    assert [str(one) for one in sources_for(cameras, wait=False)] == [
        "drawn scene 0, 224x224 at 36 fps",
        "drawn scene 7, 224x224 at 36 fps",
    ]

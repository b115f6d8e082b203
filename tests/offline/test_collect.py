"""`collect` as its user runs it: what it writes, what it says, and what it refuses."""

import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.running import Program
from tests.sources.test_files import write_video

Start = Callable[..., Program]
PATTERN = ("--source", "synthetic:")


def written(folder: Path) -> list[str]:
    """All that is in it and below it, hidden or not."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_two_classes_can_be_learnt(program: Start, real_weights: Path, tmp_path: Path) -> None:
    """Protects the way that the documents show: collect, collect, train, evaluate, each as the one before says."""
    for label, video in (("door", "car-detection.mp4"), ("table", "bottle-detection.mp4")):
        source = real_weights.parent.parent / "videos" / video
        done = program("collect", label, "--dataset", tmp_path / "data", "--source", source, "--every", "1")
        assert done.wait().returncode == 0, done.notices
        assert done.lines[0].startswith(f"{label}: ")
    assert done.lines[-1] == f"learn them: pi-classifier train {tmp_path / 'data'} --output own.bundle"
    own = tmp_path / "own.bundle"
    train = program("train", tmp_path / "data", "--output", own, "--weights", real_weights)
    assert train.wait().returncode == 0, train.notices
    evaluate = program("evaluate", own, tmp_path / "data")
    assert evaluate.wait().returncode == 0, evaluate.notices


def test_video_is_taken_at_its_own_time(program: Start, tmp_path: Path) -> None:
    """Protects the rate: of a video at 25 frames a second every fifth frame is taken, and nobody waits for its time."""
    video, data = write_video(tmp_path / "clip.avi", 40), tmp_path / "data"
    options = ("--every", "0.2", "--seconds", "1000", "--keep-similar")
    done = program("collect", "cup", "--dataset", data, "--source", video, *options)
    assert done.wait().returncode == 0, done.notices
    assert done.lines == [
        f"cup: 8 pictures more in {data}", "cup      8 pictures",
        f"another class, of at least two: pi-classifier collect LABEL --dataset {data}",
    ]  # fmt: skip
    assert len(written(data)) == 8


def test_still_scene_is_told(program: Start, tmp_path: Path) -> None:
    """Protects from hundreds of the same picture: they are left out, counted, and what to do is said."""
    scene, data = tmp_path / "scene", tmp_path / "data"
    scene.mkdir()
    for number in range(4):
        cv2.imwrite(str(scene / f"{number}.png"), np.full((48, 64, 3), 90 + number, np.uint8))
    done = program("collect", "cup", "--dataset", data, "--source", scene, "--every", "0.01")
    assert done.wait().returncode == 0, done.notices
    assert done.lines[0] == f"cup: 1 picture more in {data}"
    assert "3 left out" in done.lines[1]
    assert "--keep-similar keeps them" in done.lines[1]


def test_interruption_keeps_what_is_there(program: Start, tmp_path: Path) -> None:
    """Protects Ctrl-C: it ends well, every picture is whole, nothing half is left, and the counts are told."""
    data = tmp_path / "data"
    endless = ("--seconds", "86400", "--every", "0.03", "--keep-similar")
    running = program("collect", "cup", "--dataset", data, *PATTERN, *endless)
    running.wait_for(lambda: data.exists() and len(written(data)) > 20, "pictures")
    running.stop(signal.SIGINT)
    assert running.wait().returncode == 0, running.notices
    names = written(data)
    assert running.lines[0] == f"cup: {len(names)} pictures more in {data}"
    assert all(name.endswith(".jpg") and cv2.imread(str(data / name)) is not None for name in names)
    assert not [name for name in names if Path(name).name.startswith(".")]


def test_picture_that_does_not_fit(program: Start, tmp_path: Path) -> None:
    """Protects what was taken: where a picture cannot be written, one line, code 73, and the others stay whole."""
    data = tmp_path / "data"
    for size in (64, 640):
        cv2.imwrite(str(tmp_path / f"{size}.png"), np.random.default_rng(size).integers(0, 256, (size, size, 3)))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        options = ("--source", tmp_path, "--every", "0.01", "--keep-similar")
        ended = (done := program("collect", "cup", "--dataset", data, *options)).wait()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert ended.returncode == 73, ended
    assert len(done.notices) == 1, done.notices
    assert f"{data}/cup: cannot be written (File too large)" in done.notices[0]
    assert done.lines == [f"cup: 1 picture more in {data}"]
    assert len(written(data)) == 1
    assert cv2.imread(str(data / written(data)[0])) is not None


@pytest.mark.parametrize(
    ("label", "options", "code", "expected"),
    [
        ("unknown", PATTERN, 78, "'unknown' stands for"),
        ("../cup", PATTERN, 78, "begins with a dot"),
        ("cup", ("--source", "/dev/video-none"), 69, "/dev/video-none: no such camera"),
        ("cup", ("--source", "/no/such/file"), 78, "does not exist"),
        ("cup", (*PATTERN, "--every", "0"), 2, "--every"),
        ("cup", (*PATTERN, "--seconds", "nan"), 2, "--seconds"),
        ("cup", (*PATTERN, "--dataset", "/proc/nowhere"), 73, "/proc/nowhere"),
        ("cup", (*PATTERN, "--dataset", "/etc/passwd"), 78, "/etc/passwd"),
    ],
)
def test_bad_input_is_one_line_and_its_code(
    program: Start, tmp_path: Path, label: str, options: tuple[str, ...], code: int, expected: str
) -> None:
    """Protects whoever mistypes: one line with the remedy, the documented code, and no folder is left behind."""
    data = tmp_path / "data"
    done = program("collect", label, "--dataset", data, *options)
    assert done.wait().returncode == code, done.notices
    assert len(done.notices) == 1, done.notices
    assert expected in done.notices[0]
    assert done.lines == []
    assert not data.exists() or os.listdir(data) == []  # noqa: PTH208

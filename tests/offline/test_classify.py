"""`pi-classifier classify`, as its user runs it."""

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from pi_classifier.sources.synthetic import Synthetic
from tests.conftest import EITHER_RUNTIME
from tests.running import Program
from tests.sources.test_files import write_picture, write_video
from tests.waiting import DEADLINE_SECONDS

Run = Callable[..., Program]


def json_lines(program: Program) -> list[dict[str, Any]]:
    """The objects that a successful run printed."""
    result = program.wait()
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in program.lines]


def test_names_photographs(program: Run, test_data: Path, real_model_file: Path) -> None:
    """Protects the main job: photographs under free licences get the reference's label, one JSON object each."""
    with (test_data / "photos_permissive" / "labels.csv").open(newline="", encoding="utf-8") as file:
        reference = {row["file"]: int(row["ref_top1_index"]) for row in csv.DictReader(file)}
    folder = test_data / "photos_permissive"
    lines = json_lines(program("classify", folder, "--json", "--weights", real_model_file, "--top-k", "2"))
    assert [Path(str(line["input"])).name for line in lines] == sorted(reference)
    agreed = 0
    for line in lines:
        assert set(line) == {"input", "frame", "predictions"}
        best, second = line["predictions"]
        assert set(best) == {"class_id", "label", "probability"}
        right = {best["class_id"]} | ({second["class_id"]} if second["probability"] == best["probability"] else set())
        agreed += reference[Path(str(line["input"])).name] in right
    assert agreed >= len(reference) - 1


@EITHER_RUNTIME
def test_names_a_drawn_scene(program: Run, tmp_path: Path) -> None:
    """Protects who has no photograph at hand: pictures of drawn scenes are named, and nothing is fetched for it."""
    source = Synthetic("front", width=320, height=240, fps=0.1)
    with closing(source.frames()) as frames:
        for number, frame in enumerate(islice(frames, 12)):
            cv2.imwrite(str(tmp_path / f"{number:02}.png"), frame.pixels)
    lines = json_lines(program("classify", tmp_path, "--json", "--weights", "demo"))
    named = [line["predictions"][0]["label"] for line in lines]
    assert sum(label == source.label(number) for number, label in enumerate(named)) >= 11, named


def test_every_frame_of_a_video(program: Run, tmp_path: Path) -> None:
    """Protects videos: every frame is classified, in order, none dropped."""
    video = write_video(tmp_path / "video.mp4", 30)
    lines = json_lines(program("classify", video, "--json", "--weights", "untrained"))
    assert [line["frame"] for line in lines] == list(range(30))
    assert {line["weights"] for line in lines} == {"untrained"}


def test_one_bad_file_among_many(program: Run, tmp_path: Path) -> None:
    """Protects the rest: what cannot be read is reported, everything else is done, and the exit code is 1."""
    good, also_good = write_picture(tmp_path / "a.png"), write_picture(tmp_path / "c.png")
    bad = write_picture(tmp_path / "b.png")
    os.truncate(bad, 60)
    missing = tmp_path / "missing.png"
    running = program("classify", good, bad, missing, also_good, "--json", "--weights", "untrained")
    result = running.wait()
    lines = [json.loads(line) for line in running.lines]
    assert result.returncode == 1
    assert [line["input"] for line in lines] == [str(good), str(bad), str(missing), str(also_good)]
    assert ["error" in line for line in lines] == [False, True, True, False]
    assert "Traceback" not in result.stderr


def test_cut_video_gives_its_frames_and_an_error(program: Run, tmp_path: Path) -> None:
    """Protects what was there: frames before the cut are printed, then the error, exit 1."""
    video = write_video(tmp_path / "video.avi", 100)
    os.truncate(video, video.stat().st_size // 2)
    running = program("classify", video, "--json", "--weights", "untrained")
    assert running.wait().returncode == 1
    lines = [json.loads(line) for line in running.lines]
    assert len(lines) > 10
    assert all("predictions" in line for line in lines[:-1])
    assert f"ends before its time, after {len(lines) - 1} frames" in lines[-1]["error"]


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp", "a.tiff", "a.mjpeg"])
def test_every_frame_of_everything(program: Run, tmp_path: Path, name: str) -> None:
    """Protects "every frame, none dropped": of animations, of scans with pages, of raw Motion JPEG."""
    pictures = [Image.new("RGB", (64, 48), (20 * number,) * 3) for number in range(5)]
    if name == "a.mjpeg":
        with (tmp_path / name).open("wb") as file:
            for picture in pictures:
                picture.save(file, "JPEG")
    else:
        pictures[0].save(tmp_path / name, save_all=True, append_images=pictures[1:])
    lines = json_lines(program("classify", tmp_path / name, "--json", "--weights", "untrained"))
    assert [line["frame"] for line in lines] == list(range(5))


def test_folder_with_what_cannot_be_read(program: Run, tmp_path: Path) -> None:
    """Protects from silence: what a folder holds and cannot be read is an input that failed, in its place, exit 1."""
    write_picture(tmp_path / "b.png")
    (tmp_path / "a.heic").write_bytes(b"whatever")
    (tmp_path / "c").symlink_to(tmp_path)
    (tmp_path / "notes.txt").touch()
    running = program("classify", tmp_path, "--json", "--weights", "untrained", "--output", tmp_path / "out")
    result = running.wait()
    assert result.returncode == 1
    lines = [json.loads(line) for line in running.lines]
    assert [(line["input"], line.get("error")) for line in lines] == [
        (f"{tmp_path}/a.heic", f"{tmp_path}/a.heic: HEIC pictures cannot be read; convert it to JPEG"),
        (f"{tmp_path}/b.png", None),
        (f"{tmp_path}/c", f"{tmp_path}/c: a link to a folder is not followed; name the folder itself, too"),
    ]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b.png"]


def test_copies_take_no_names_of_what_cannot_be_read(program: Run, tmp_path: Path) -> None:
    """Protects a phone's pictures, of which each lies there as HEIC and as JPEG: the JPEG's copy has its own name."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "IMG_1.heic").touch()
    write_picture(tmp_path / "in" / "IMG_1.jpg")
    program("classify", tmp_path / "in", "--weights", "untrained", "--output", tmp_path / "out").wait()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["IMG_1.png"]


def test_copies_of_several_frames(program: Run, tmp_path: Path) -> None:
    """Protects `--output`: an animation's copy is a video with its frames, that of a scan is a TIFF with its pages."""
    pictures = [Image.new("RGB", (320, 240), (20 * number,) * 3) for number in range(5)]
    pictures[0].save(tmp_path / "a.gif", save_all=True, append_images=pictures[1:], duration=200)
    pages = [Image.new("RGB", size) for size in ((320, 240), (240, 320), (200, 200))]
    pages[0].save(tmp_path / "s.tif", save_all=True, append_images=pages[1:])
    out = tmp_path / "out"
    inputs = (tmp_path / "a.gif", tmp_path / "s.tif")
    assert program("classify", *inputs, "--weights", "untrained", "--output", out).wait().returncode == 0
    assert sorted(path.name for path in out.iterdir()) == ["a.mp4", "s.tiff"]
    video = cv2.VideoCapture(str(out / "a.mp4"))
    assert (video.get(cv2.CAP_PROP_FRAME_COUNT), video.get(cv2.CAP_PROP_FPS)) == (5, 5)
    video.release()
    with Image.open(out / "s.tiff") as scan:
        for number, page in enumerate(pages):
            scan.seek(number)
            assert scan.size == page.size
            assert np.asarray(scan).any(), "something was written on the black page"


@pytest.mark.parametrize("write", [write_picture, write_video], ids=["picture", "video"])
def test_stdin(variables: dict[str, str], tmp_path: Path, write: Callable[[Path], Path]) -> None:
    """Protects pipes: a picture or a video on stdin is classified under the name -."""
    path = write(tmp_path / ("input.png" if write is write_picture else "input.mp4"))
    with path.open("rb") as stdin:
        result = subprocess.run(
            [sys.executable, "-m", "pi_classifier", "classify", "-", "--json", "--weights", "untrained"],
            stdin=stdin, capture_output=True, text=True, check=True, timeout=DEADLINE_SECONDS,
            env=variables,
        )  # fmt: skip
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert {line["input"] for line in lines} == {"-"}
    assert len(lines) == (1 if write is write_picture else 12)


def test_table(program: Run, tmp_path: Path) -> None:
    """Protects people: a table with a heading, an aligned line a frame, and a warning where labels mean nothing."""
    write_picture(tmp_path / "a.png")
    write_picture(tmp_path / "longer name.png")
    running = program("classify", tmp_path, "--weights", "untrained", "--top-k", "2")
    result = running.wait()
    heading, first, second = running.lines
    column = heading.index("PREDICTIONS")
    assert first[column - 1] == second[column - 1] == " "
    assert first[column:].count("%") == 2
    assert "UNTRAINED" in result.stderr


def test_annotated_copies(program: Run, tmp_path: Path) -> None:
    """Protects `--output`: each input has a copy of its size with writing on it, and equal names do not collide."""
    (tmp_path / "in" / "deeper").mkdir(parents=True)
    write_picture(tmp_path / "in" / "a.png", size=(320, 240))
    write_picture(tmp_path / "in" / "deeper" / "a.png", size=(320, 240))
    write_video(tmp_path / "in" / "v.mp4", 5)
    out = tmp_path / "out"
    assert program("classify", tmp_path / "in", "--weights", "untrained", "--output", out).wait().returncode == 0
    assert sorted(path.name for path in out.iterdir()) == ["a-2.png", "a.png", "v.mp4"]
    original, copy = cv2.imread(str(tmp_path / "in" / "a.png")), cv2.imread(str(out / "a.png"))
    assert original is not None
    assert copy is not None
    assert copy.shape == original.shape
    assert (copy != original).any()
    video = cv2.VideoCapture(str(out / "v.mp4"))
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == 5
    video.release()


def test_wrong_path_needs_no_weights(program: Run, tmp_path: Path) -> None:
    """Protects the user's time: a path that is wrong is said at once, not after weights that may not be there."""
    result = program(
        "classify", tmp_path / "nope", environment={"CACHE_DIRECTORY": str(tmp_path), "TORCH_HOME": str(tmp_path)}
    ).wait()
    assert result.returncode == 1
    assert "nope: does not exist; name a picture, video or folder" in result.stderr
    assert "weights" not in result.stderr


def test_progress_on_a_terminal(variables: dict[str, str], tmp_path: Path) -> None:
    """Protects patience: on a terminal, long work whose results go to a file shows a bar, whatever it is called."""
    script = shutil.which("script")
    if not script:
        pytest.skip("script(1), which provides a terminal, is not installed (Debian: bsdutils)")
    video = write_video(tmp_path / f"{'long' * 30}.mp4", 20)
    command = f"{sys.executable} -m pi_classifier classify {video} --json --weights untrained >{tmp_path}/results"
    shown = subprocess.run(
        [script, "-qec", command, "/dev/null"],
        capture_output=True, text=True, check=True, timeout=DEADLINE_SECONDS, stdin=subprocess.DEVNULL,
        env={**variables, "TERM": "xterm"},
    ).stdout  # fmt: skip
    assert "100%" in shown
    assert len((tmp_path / "results").read_text(encoding="utf-8").splitlines()) == 20


def test_long_and_narrow_picture_is_refused(program: Run, tmp_path: Path) -> None:
    """Protects memory: what would be scaled to gigabytes, for its shorter side is a pixel, is an input that failed."""
    write_picture(tmp_path / "long.png", size=(10_000, 1))
    result = program("classify", tmp_path / "long.png", "--weights", "untrained").wait()
    assert result.returncode == 1
    assert "too long and narrow" in result.stderr

"""Copies with labels drawn on them: nobody's file is lost, and none is left half written."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pi_classifier.errors import CannotWrite, InputError
from pi_classifier.offline.copies import annotated_pages, annotated_picture, annotated_video, copy_names, distinct_names
from pi_classifier.sinks.overlay import Overlay
from tests.running import Program
from tests.sources.test_files import write_picture, write_video

Run = Callable[..., Program]
ROOM_KB = 60
"""What a file may grow to where there is hardly any room: less than what is written to it."""


def listing(folder: Path) -> dict[str, bytes]:
    """What lies in a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def noise(size: int = 256) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """A picture that does not compress."""
    return np.random.default_rng(0).integers(0, 256, (size, size, 3), np.uint8)


@given(st.lists(st.sampled_from(["a", "A", "a-2", "b.2024-01-01", "b.2024-01-02", "b"]), max_size=12))
def test_names_are_distinct_and_ones_own(names: list[str]) -> None:
    """Protects from two inputs with one copy: no two names are the same on a FAT card, and the first keeps its own."""
    targets = distinct_names(names)
    assert len({target.casefold() for target in targets}) == len(names)
    for name, target in zip(names, targets, strict=True):
        assert target == name or target.startswith(f"{name}-")
    if names:
        assert targets[0] == names[0]


def test_ten_thousand_equal_names(tmp_path: Path) -> None:
    """Protects big folders: as many inputs of one name as there may be have as many copies, numbered in order."""
    targets = copy_names([Path(f"{number}/IMG.jpg") for number in range(10_000)], tmp_path, overwrite=False)
    assert [path.name for path in targets[:3]] == ["IMG", "IMG-2", "IMG-3"]
    assert targets[-1].name == "IMG-10000"


def test_inputs_are_never_written_over(program: Run, tmp_path: Path) -> None:
    """Protects the user's originals: where copies would lie beside the inputs, nothing is classified or written."""
    write_picture(tmp_path / "a.png")
    write_picture(tmp_path / "b.png")
    before = listing(tmp_path)
    for extra in ((), ("--overwrite",)):
        result = program("classify", tmp_path, "--weights", "untrained", "--output", tmp_path, *extra).wait()
        assert result.returncode == os.EX_CANTCREAT
        assert result.stderr.count("\n") == 0
        assert "a.png: is an input and would be overwritten; name another folder with --output" in result.stderr
        assert result.stdout == ""
        assert listing(tmp_path) == before


def test_input_behind_a_link_is_never_written_over(tmp_path: Path) -> None:
    """Protects originals that are reached by another name: a link in the copies' folder to an input is that input."""
    original = write_picture(tmp_path / "a.png")
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.png").symlink_to(original)
    with pytest.raises(CannotWrite, match="is an input"):
        copy_names([original], out, overwrite=True)


def test_file_that_was_there_is_kept_unless_it_may_go(program: Run, tmp_path: Path) -> None:
    """Protects what an earlier run or the user has written: it is replaced with --overwrite alone."""
    write_picture(tmp_path / "in.png")
    out = tmp_path / "out"
    out.mkdir()
    (out / "in.png").write_bytes(b"precious")
    command = ("classify", tmp_path / "in.png", "--weights", "untrained", "--output", out)
    refused = program(*command).wait()
    assert refused.returncode == os.EX_CANTCREAT
    assert "in.png: exists already" in refused.stderr
    assert "--overwrite" in refused.stderr
    assert listing(out) == {"in.png": b"precious"}
    assert program(*command, "--overwrite").wait().returncode == 0
    assert cv2.imread(str(out / "in.png")) is not None


def test_dots_in_names_stay(program: Run, tmp_path: Path) -> None:
    """Protects dated names: what stands behind the first dot belongs to the name of a copy, too."""
    names = ["IMG.2024-01-01", "IMG.2024-01-02", "IMG"]
    (tmp_path / "in").mkdir()
    for name in names:
        write_picture(tmp_path / "in" / f"{name}.png")
    out = tmp_path / "out"
    assert program("classify", tmp_path / "in", "--weights", "untrained", "--output", out).wait().returncode == 0
    assert sorted(path.name for path in out.iterdir()) == sorted(f"{name}.png" for name in names)


@pytest.mark.parametrize("kind", ["picture", "pages", "video"])
def test_full_disk_leaves_nothing_half_written(kind: str, variables: dict[str, str], tmp_path: Path) -> None:
    """Protects from copies that cannot be opened: where there is no room, 73 and one line, and no file of that name."""
    if kind == "picture":
        source = tmp_path / "in.png"
        cv2.imwrite(str(source), noise())
    elif kind == "pages":
        source = tmp_path / "in.tiff"
        pages = [Image.fromarray(noise())] * 2
        pages[0].save(source, save_all=True, append_images=pages[1:])
    else:
        source = tmp_path / "in.mp4"
        with annotated_video(tmp_path / "in", 25, Overlay()) as draw:
            for _ in range(10):
                draw(noise(640), ())
    out = tmp_path / "out"
    limited = subprocess.run(
        [
            "/bin/bash", "-c", f'ulimit -f {ROOM_KB}; exec "$@"', "bash",
            sys.executable, "-m", "pi_classifier", "classify", source, "--weights", "untrained", "--output", out,
        ],
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert limited.returncode == os.EX_CANTCREAT, limited
    assert len(limited.stderr.splitlines()) == 1 + ("UNTRAINED" in limited.stderr)
    assert list(out.iterdir()) == []


def copy_until(name: Path, frames: int, end: BaseException) -> None:
    """A video's copy that gets so many frames, and then this."""
    with annotated_video(name, 10, Overlay()) as draw:
        for _ in range(frames):
            draw(noise(), ())
        raise end


def test_interrupted_copy_leaves_nothing(tmp_path: Path) -> None:
    """Protects from half a video under a whole one's name: who interrupts a run finds no copy that lies."""
    with pytest.raises(KeyboardInterrupt):
        copy_until(tmp_path / "v", 1, KeyboardInterrupt())
    assert list(tmp_path.iterdir()) == []


def test_cut_input_has_a_copy_of_what_it_gave(tmp_path: Path) -> None:
    """Protects what could be read: a video that ends before its time has a whole copy of the frames before that."""
    with pytest.raises(InputError):
        copy_until(tmp_path / "v", 3, InputError("v: ends after 3 of 9 frames", remedy="the file is cut short"))
    video = cv2.VideoCapture(str(tmp_path / "v.mp4"))
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == 3
    video.release()


def copy_of_a_cut_scan(name: Path) -> None:
    """A scan's copy that gets two pages, and then an error."""
    with annotated_pages(name, Overlay()) as draw:
        draw(noise(), ())
        draw(noise(100), ())
        raise InputError("s: page 3 cannot be read", remedy="check the file")


def test_cut_scan_has_a_copy_of_what_it_gave(tmp_path: Path) -> None:
    """Protects what could be read: a scan that ends before its time has a whole copy of the pages before that."""
    with pytest.raises(InputError):
        copy_of_a_cut_scan(tmp_path / "s")
    assert list(listing(tmp_path)) == ["s.tiff"]
    with Image.open(tmp_path / "s.tiff") as copy:
        assert getattr(copy, "n_frames", 1) == 2
        assert np.array_equal(np.asarray(copy)[:, :, ::-1], noise())


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (9000, 30), (61, 47)])
def test_copy_of_an_animation_of_any_size(tmp_path: Path, size: tuple[int, int]) -> None:
    """Protects from an end half way: what MPEG-4 cannot hold is scaled, and so are frames that grow."""
    with annotated_video(tmp_path / "v", 10, Overlay()) as draw:
        for grown in (0, 0, 20):
            draw(np.zeros((size[1] + grown, size[0] + grown, 3), np.uint8), ())
    video = cv2.VideoCapture(str(tmp_path / "v.mp4"))
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == 3
    video.release()


def test_copy_of_an_input_without_frames_is_none(tmp_path: Path) -> None:
    """Protects the reason that counts: where no frame came, the input's own error is shown, and there is no copy."""
    with pytest.raises(InputError):
        copy_until(tmp_path / "v", 0, InputError("v: holds no frame", remedy="check the file"))
    with annotated_picture(tmp_path / "p", Overlay()), annotated_pages(tmp_path / "s", Overlay()):
        pass
    assert list(tmp_path.iterdir()) == []


def test_names_that_are_no_text(program: Run, tmp_path: Path) -> None:
    """Protects from a crash of the interpreter: names that are not UTF-8, or hold line breaks or markup, are names."""
    source, out = tmp_path / os.fsdecode(b"in\xff"), tmp_path / os.fsdecode(b"out\xfe")
    source.mkdir()
    write_picture(source / "new\nline[red].png")
    write_video(tmp_path / "v.mp4", 3).rename(source / os.fsdecode(b"v\xfd.mp4"))
    result = program("classify", source, "--weights", "untrained", "--output", out).wait()
    assert result.returncode == 0, result
    assert len(result.stdout.splitlines()) == 1 + 1 + 3
    assert "new\\nline[red].png" in result.stdout
    assert "v\\udcfd.mp4" in result.stdout
    assert sorted(path.name for path in out.iterdir()) == ["new\nline[red].png", os.fsdecode(b"v\xfd.mp4")]
    assert cv2.imdecode(np.fromfile(out / "new\nline[red].png", np.uint8), cv2.IMREAD_COLOR) is not None


def test_error_stays_one_line(program: Run, tmp_path: Path) -> None:
    """Protects the one line that an error is: a line break in a path, or what is no text, splits nothing."""
    result = program("classify", tmp_path / "no\nsuch\udcff").wait()
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert "no\\nsuch\\udcff: does not exist" in line

"""Folders: every picture and video in them is found, and whatever cannot be read is named."""

import logging
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image, features

from pi_classifier.errors import InputError
from pi_classifier.sources.files.folder import Folder, find_files, walk
from pi_classifier.sources.files.kinds import SUFFIXES
from tests.conftest import ROOT
from tests.sources.test_files import make_folder, write_picture

NOBODY = 65534


def found(folder: Path) -> dict[str, str]:
    """What is found in a folder, in order, and what is said of each."""
    return {one.path.relative_to(folder).as_posix(): str(one.problem or "") for one in find_files(folder)}


def test_folder_is_walked_in_order_of_names(tmp_path: Path) -> None:
    """Protects the choice of files: pictures and videos, also below, by name; nothing hidden, nothing else."""
    make_folder(tmp_path)
    (tmp_path / ".hidden").mkdir()
    write_picture(tmp_path / ".hidden" / "d.png")
    write_picture(tmp_path / "deeper.jpg")
    assert found(tmp_path) == dict.fromkeys(["a.mp4", "b.jpg", "deeper/c.PNG", "deeper.jpg"], "")


def test_empty_folder(tmp_path: Path) -> None:
    """Protects from waiting for frames that will never come."""
    with pytest.raises(InputError, match="no pictures or videos"):
        Folder("front", tmp_path, fps=36)


def test_links(tmp_path: Path) -> None:
    """Protects from walking in circles: a link to a file is that file, one to a folder is named and not followed."""
    write_picture(tmp_path / "b.png")
    (tmp_path / "a.png").symlink_to("b.png")
    (tmp_path / "circle").symlink_to(".")
    (tmp_path / "gone.png").symlink_to("nowhere")
    (tmp_path / "self").symlink_to("self")
    assert found(tmp_path) == {
        "a.png": "",
        "b.png": "",
        "circle": f"{tmp_path}/circle: a link to a folder is not followed; name the folder itself, too",
        "gone.png": f"{tmp_path}/gone.png: does not exist; check the file",
        "self": f"{tmp_path}/self: Too many levels of symbolic links; check what it is",
    }


def test_what_is_no_file(tmp_path: Path) -> None:
    """Protects from waiting for ever: a FIFO with a picture's name is named, and a folder with one is a folder."""
    os.mkfifo(tmp_path / "fifo.png")
    (tmp_path / "album.jpg").mkdir()
    write_picture(tmp_path / "album.jpg" / "a.png")
    assert found(tmp_path) == {
        "album.jpg/a.png": "",
        "fifo.png": f"{tmp_path}/fifo.png: no regular file; check the file",
    }


@pytest.mark.parametrize("name", ["a.heic", "a.HEIF", "a.cr2", "a.nef", "a.arw", "a.dng", "a.jxl"])
def test_pictures_of_other_kinds(tmp_path: Path, name: str) -> None:
    """Protects photographs of phones and cameras that cannot be read: they are named in words, not left out."""
    (tmp_path / name).write_bytes(b"whatever")
    (problem,) = found(tmp_path).values()
    assert "pictures cannot be read; convert it to JPEG" in problem
    with pytest.raises(InputError, match=r"nothing in this folder can be read: .*cannot be read"):
        Folder("front", tmp_path, fps=36)


@pytest.mark.parametrize(("suffix", "codec"), [(".avif", "avif"), (".jp2", "jpg_2000"), (".webp", "webp")])
def test_kinds_that_depend_on_pillow(tmp_path: Path, suffix: str, codec: str) -> None:
    """Protects what this Pillow can read: it is asked, and such pictures are found."""
    if not features.check(codec):
        pytest.skip(f"this Pillow was built without {codec}")
    write_picture(tmp_path / f"a{suffix}")
    assert found(tmp_path) == {f"a{suffix}": ""}
    assert len(list(Folder("front", tmp_path, fps=36).frames())) == 1


@contextmanager
def deep_folder(parent: Path, name: str, levels: int) -> Iterator[int]:
    """So many folders in one another; gives the innermost, and removes them all."""
    inner = os.open(parent, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir(name, dir_fd=inner)
        outer, inner = inner, os.open(name, os.O_RDONLY, dir_fd=inner)
        os.close(outer)
    try:
        yield inner
    finally:
        os.close(inner)
        subprocess.run(["rm", "-rf", parent / name], check=True)


def test_deep_folder(tmp_path: Path) -> None:
    """Protects from a recursion that ends: 1,100 levels down a picture is found; where names end, that is said."""
    picture = write_picture(tmp_path / "a.png").read_bytes()
    with deep_folder(tmp_path, "d", 1100) as inner, deep_folder(tmp_path, "e" * 200, 30):
        with os.fdopen(os.open("deep.png", os.O_WRONLY | os.O_CREAT, dir_fd=inner), "wb") as file:
            file.write(picture)
        (first, deep, endless) = found(tmp_path).items()
    assert first == ("a.png", "")
    assert deep == ("d/" * 1100 + "deep.png", "")
    assert "File name too long" in endless[1]


def test_folder_that_vanishes_meanwhile(tmp_path: Path) -> None:
    """Protects from a traceback while somebody tidies up: what is gone when its turn comes is named."""
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        write_picture(tmp_path / name / "x.png")
    walking = walk(tmp_path)
    assert next(walking).path == tmp_path / "a" / "x.png"
    shutil.rmtree(tmp_path / "b")
    gone, last = walking
    assert str(gone.problem) == f"{tmp_path}/b: No such file or directory; check what it is"
    assert last == (tmp_path / "c" / "x.png", None)


def test_forbidden_folder() -> None:
    """Protects what may not be seen from being overlooked: such a folder is named, the others are read."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        write_picture(folder / "z.png")
        (folder / "locked").mkdir(0o000)
        user = os.geteuid()
        try:
            if user == 0:  # to whom nothing is forbidden
                os.seteuid(NOBODY)
            assert found(folder) == {"locked": f"{name}/locked: Permission denied; check what it is", "z.png": ""}
            with pytest.raises(InputError, match="locked: Permission denied"):
                find_files(folder / "locked")
        finally:
            os.seteuid(user)


def test_any_names(tmp_path: Path) -> None:
    """Protects big folders, and names that are no text: all are found, in the same order each time."""
    names = [f"{number}.jpg".encode() for number in range(1000)] + [b"new\nline.png", b"\xff.png", b"\xf0.png"]
    for name in names:
        (tmp_path / os.fsdecode(name)).touch()
    assert [one.path.name for one in find_files(tmp_path)] == sorted(os.fsdecode(name) for name in names)


def test_warnings_are_few(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Protects the log: what a folder in `run` leaves out is named, a few of them each, and then their number."""
    write_picture(tmp_path / "a.png")
    for number in range(12):
        (tmp_path / f"{number:02}.heic").touch()
    folder = Folder("front", tmp_path, fps=36)
    assert str(folder) == f"folder {tmp_path}, 1 files at 36 fps, 12 left out"
    with caplog.at_level(logging.WARNING):
        assert len(list(folder.frames())) == 1
    assert [record.getMessage() for record in caplog.records] == [
        f"front: left out: {tmp_path}/{number:02}.heic: HEIC pictures cannot be read; convert it to JPEG"
        for number in range(3)
    ] + ["front: left out: 9 more; 'pi-classifier classify' names each"]


def test_suffixes_are_documented() -> None:
    """Protects who wonders why a file was left out: the document lists what a folder is searched for."""
    text = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
    listed = text[text.index("Pictures are `.") :]
    assert set(re.findall(r"\.[a-z0-9]+(?=[ \n`])", listed)) == SUFFIXES


def test_animations_and_pages_in_a_folder(tmp_path: Path) -> None:
    """Protects every frame in a folder: those of animations and pages of scans are numbered on."""
    pictures = [Image.new("RGB", (20, 10), (number * 50,) * 3) for number in range(4)]
    for name in ("a.gif", "b.tiff"):
        pictures[0].save(tmp_path / name, save_all=True, append_images=pictures[1:])
    frames = [frame.sequence for frame in Folder("front", tmp_path, fps=36).frames()]
    assert frames == list(range(8))

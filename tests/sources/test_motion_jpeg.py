"""Motion JPEG without a container, told from a photograph."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pi_classifier.sources.files.motion_jpeg import is_motion_jpeg
from pi_classifier.sources.files.opening import open_file
from pi_classifier.sources.files.picture import Picture
from pi_classifier.sources.files.video import Video


def jpeg(brightness: int = 100, size: tuple[int, int] = (64, 48), **options: Any) -> bytes:
    """A picture of one grey."""
    file = io.BytesIO()
    Image.new("RGB", size, (brightness,) * 3).save(file, "JPEG", **options)
    return file.getvalue()


@pytest.mark.parametrize("gap", [b"", b"\0", bytes(4000)], ids=["none", "a byte", "a page"])
@pytest.mark.parametrize("name", ["a.mjpeg", "a.jpg", "stdin"])
def test_every_frame_whatever_it_is_called(tmp_path: Path, name: str, gap: bytes) -> None:
    """Protects Motion JPEG: every picture of it is a frame, in order, with any name, and padded or not."""
    path = tmp_path / name
    path.write_bytes(b"".join(jpeg(10 * number) + gap for number in range(12)))
    video = open_file("front", path, fps=1)
    assert isinstance(video, Video)
    assert [round(float(frame.pixels.mean()) / 10) for frame in video.frames()] == list(range(12))


def test_last_frame_that_is_cut(tmp_path: Path) -> None:
    """Protects a recording that was interrupted in its second frame: it is a video of what is there."""
    path = tmp_path / "a.mjpeg"
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "JPEG")
    path.write_bytes(jpeg() + file.getvalue()[:1000])
    assert isinstance(open_file("front", path, fps=1), Video)


@pytest.mark.parametrize(
    "behind",
    [b"", b"\xff\xd8\xff", b"a trailer", jpeg(size=(32, 24)), jpeg(size=(48, 64))],
    ids=lambda it: str(len(it)),
)
def test_photograph(tmp_path: Path, behind: bytes) -> None:
    """Protects photographs: a preview of another size behind one, or a phone's trailer, makes no video of it."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(jpeg(progressive=True, exif=b"Exif\0\0" + jpeg()) + behind)
    assert isinstance(open_file("front", path, fps=1), Picture)


@pytest.mark.parametrize("xmp", [b"", b'<x hdrgm:Version="1.0"/>'], ids=["stereo", "gain map"])
def test_photograph_with_other_views(tmp_path: Path, xmp: bytes) -> None:
    """Protects stereo, burst and HDR pictures (MPO): the first picture is the picture, the others show it again."""
    first, second = Image.new("RGB", (64, 48), "red"), Image.new("RGB", (64, 48), "blue")
    first.save(tmp_path / "photo.jpg", "MPO", save_all=True, append_images=[second], xmp=xmp)
    picture = open_file("front", tmp_path / "photo.jpg", fps=1)
    assert isinstance(picture, Picture)
    (frame,) = picture.frames()
    assert frame.pixels[0, 0].argmax() == 2


@given(st.binary(min_size=1), st.integers(0, 3), st.integers(0, 700))
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory, junk: bytes, times: int, at: int) -> None:
    """Protects from files that lie about their lengths: there is an answer to any bytes."""
    path = tmp_path_factory.getbasetemp() / "any.jpg"
    content = jpeg() * times
    path.write_bytes(content[:at] + junk + content[at:])
    is_motion_jpeg(path)

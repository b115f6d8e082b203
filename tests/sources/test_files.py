"""Pictures and videos from files."""

import os
import struct
import subprocess
import sys
import warnings
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from pi_classifier.contracts.frame import Frame
from pi_classifier.errors import InputError
from pi_classifier.sources.files.folder import Folder
from pi_classifier.sources.files.opening import open_file
from pi_classifier.sources.files.picture import read_picture
from pi_classifier.sources.files.video import Video

FRAMES_IN_VIDEO = 12


def write_picture(path: Path, colour: tuple[int, int, int] = (200, 100, 50), size: tuple[int, int] = (60, 40)) -> Path:
    """A picture of one RGB colour."""
    Image.new("RGB", size, colour).save(path)
    return path


def write_video(path: Path, frames: int = FRAMES_IN_VIDEO) -> Path:
    """A video whose frames grow brighter."""
    codec = "MJPG" if path.suffix == ".avi" else "mp4v"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 25, (64, 48))
    assert writer.isOpened()
    for number in range(frames):
        writer.write(np.full((48, 64, 3), number * 10 % 256, np.uint8))
    writer.release()
    return path


def make_folder(folder: Path) -> Folder:
    """Pictures, a video, and things that are neither."""
    write_picture(folder / "b.jpg")
    write_video(folder / "a.mp4", 3)
    (folder / "deeper").mkdir()
    write_picture(folder / "deeper" / "c.PNG")
    (folder / "notes.txt").write_text("no picture", encoding="utf-8")
    write_picture(folder / ".hidden.png")
    return Folder("front", folder, fps=36)


def test_video_yields_every_frame(tmp_path: Path) -> None:
    """Protects `classify` on videos: not a frame is left out, and they come in order."""
    video = Video("front", write_video(tmp_path / "video.mp4"))
    brightness = [round(float(frame.pixels.mean()) / 10) for frame in video.frames()]
    assert brightness == list(range(FRAMES_IN_VIDEO))
    assert video.estimated_count == FRAMES_IN_VIDEO
    assert video.pace_fps == 25


def test_video_and_folder_are_bgr(tmp_path: Path) -> None:
    """Protects colours: what a file calls red is the last channel of a frame, in a video as in a picture."""
    writer = cv2.VideoWriter(str(tmp_path / "a.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 25, (64, 48))
    for _ in range(3):
        writer.write(np.full((48, 64, 3), (50, 100, 200), np.uint8))
    writer.release()
    write_picture(tmp_path / "b.png", (200, 100, 50))
    colours = [frame.pixels[20, 30].astype(int) for frame in Folder("front", tmp_path, fps=36).frames()]
    assert len(colours) == 4
    for colour in colours:
        assert np.abs(colour - (50, 100, 200)).max() <= 8


def test_video_cut_in_the_middle(tmp_path: Path) -> None:
    """Protects from taking half a video for a whole one: its frames come, and then an error says how many they were."""
    path = write_video(tmp_path / "video.avi", 200)
    os.truncate(path, path.stat().st_size // 2)
    video = Video("front", path)
    frames: list[Frame] = []
    with pytest.raises(InputError) as error:
        frames.extend(video.frames())
    assert 50 < len(frames) < 150
    assert str(error.value).startswith(f"{path}: ends before its time, after {len(frames)} frames; ")


def test_picture_is_decoded_as_bgr_and_upright(tmp_path: Path) -> None:
    """Protects colours and orientation: channels are BGR, and a phone's EXIF rotation is applied."""
    picture = Image.new("RGB", (60, 40), (200, 100, 50))
    exif = picture.getexif()
    exif[0x0112] = 6  # rotated by a quarter turn
    picture.save(tmp_path / "phone.png", exif=exif)
    pixels = read_picture(tmp_path / "phone.png")
    assert pixels.shape == (60, 40, 3)
    assert pixels[0, 0].tolist() == [50, 100, 200]


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1", "I;16"])
def test_pictures_of_every_kind_become_bgr(tmp_path: Path, mode: str) -> None:
    """Protects from pictures that are not plain RGB: grey, palette, alpha, CMYK, 16 bit."""
    path = tmp_path / ("picture.tiff" if mode in ("CMYK", "I;16") else "picture.png")
    Image.new(mode, (30, 20)).save(path)
    assert read_picture(path).shape == (20, 30, 3)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow warns of a damaged TIFF before it gives up
@pytest.mark.parametrize("keep", [0, 10, 0.3, 0.9])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".gif", ".tiff"])
def test_truncated_picture(tmp_path: Path, suffix: str, keep: float) -> None:
    """Protects from half a picture: it is an error, never a picture with a grey lower half."""
    path = tmp_path / f"picture{suffix}"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(path)
    os.truncate(path, int(keep if keep >= 1 else keep * path.stat().st_size))
    with pytest.raises(InputError, match=str(path)):
        for _ in open_file("front", path, fps=1).frames():
            pass


@pytest.mark.parametrize("content", [b"", b"hello", b"\x00" * 5000, b"RIFF\x00\x00\x00\x00AVI "])
def test_file_that_is_no_picture(tmp_path: Path, content: bytes) -> None:
    """Protects from any other file, whatever it is called: one line that names it."""
    path = tmp_path / "picture.jpg"
    path.write_bytes(content)
    with pytest.raises(InputError, match=str(path)) as refusal:
        open_file("front", path, fps=1)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_grey_of_16_bits_is_scaled(tmp_path: Path, suffix: str) -> None:
    """Protects pictures of scientific cameras: 16 bits become 8 by their upper half, and are not clipped to white."""
    grey = np.arange(0, 65536, 64, dtype=np.uint16).reshape(32, 32)
    Image.fromarray(grey).save(tmp_path / f"grey{suffix}")
    pixels = read_picture(tmp_path / f"grey{suffix}")
    assert np.array_equal(pixels[:, :, 0], grey >> 8)


@pytest.mark.parametrize(
    ("size", "words"), [((10_000, 12_000), "10000x12000 is more than"), ((20_000, 12_000), "more")]
)
def test_huge_picture_is_refused_before_it_is_decoded(tmp_path: Path, size: tuple[int, int], words: str) -> None:
    """Protects memory: a picture of more than 90 million pixels is refused by its size, in one line."""
    # A PNG's size stands in its head: what it holds is never looked at.
    head = b"IHDR" + struct.pack(">2I", *size) + b"\x08\x02\x00\x00\x00"
    chunk = (13).to_bytes(4, "big") + head + zlib.crc32(head).to_bytes(4, "big")
    (tmp_path / "huge.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + (0).to_bytes(4, "big") + b"IDAT" + bytes(4))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # as it is outside of tests
        for reads in (read_picture, lambda path: list(open_file("front", path, fps=1).frames())):
            with pytest.raises(InputError, match=rf"huge.png: {words}.* 90 million pixels; scale it down"):
                reads(tmp_path / "huge.png")


def test_pillow_warns_on_no_lines_of_its_own(tmp_path: Path) -> None:
    """Protects the one line that an error is: what Pillow warns of is raised, or does not matter."""
    path = write_picture(tmp_path / "cut.tiff")
    os.truncate(path, 100)  # in the middle of its tags
    code = f"""
import sys
from pathlib import Path
from pi_classifier.errors import InputError
from pi_classifier.sources.files.picture import read_picture
try:
    read_picture(Path({str(path)!r}))
except InputError:
    print("refused")
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (result.stdout, result.stderr) == ("refused\n", "")


@pytest.mark.parametrize(
    ("content", "name", "kind"),
    [
        (b"\0\0\0\x18ftypheic", "photo.jpg", "HEIC"),
        (b"\0\0\0\x18ftypmif1", "photo", "HEIC"),
        (b"\0\0\0\x18ftypcrx ", "photo", "raw camera"),
        (b"\xff\x0a", "photo", "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n", "photo", "JPEG XL"),
        (b"FUJIFILMCCD-RAW ", "photo.RAF", "raw camera"),
    ],
)
def test_kinds_that_cannot_be_read(tmp_path: Path, content: bytes, name: str, kind: str) -> None:
    """Protects from one odd tile, or from silence: what a phone or camera made is named, and what helps."""
    path = tmp_path / name
    path.write_bytes(content + bytes(100))
    with pytest.raises(InputError) as refusal:
        open_file("front", path, fps=1)
    assert str(refusal.value) == f"{path}: {kind} pictures cannot be read; convert it to JPEG"


@pytest.mark.parametrize(("name", "tags"), [("photo.nef", {}), ("photo.tif", {50706: b"\1\4\0\0"})])
def test_raw_data_in_a_tiff(tmp_path: Path, name: str, tags: dict[int, bytes]) -> None:
    """Protects from classifying a thumbnail: raw data of a camera, which come as a TIFF, are no picture."""
    Image.new("RGB", (160, 120)).save(tmp_path / name, "TIFF", tiffinfo=tags)
    with pytest.raises(InputError, match="raw camera pictures cannot be read"):
        open_file("front", tmp_path / name, fps=1)


def chunk(kind: bytes, content: bytes) -> bytes:
    """Of RIFF."""
    return kind + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def write_avi(path: Path, frames: list[bytes], *, sounds: int = 0, stated: int | None = None) -> Path:
    """JPEG pictures, 64x48, with so many pieces of sound between each two; `stated` is the count in its header."""
    stated = len(frames) if stated is None else stated
    video = chunk(
        b"strh",
        struct.pack("<4s4sIHHIIIIIIII4H", b"vids", b"MJPG", 0, 0, 0, 0, 1, 25, 0, stated, 0, 0, 0, 0, 0, 64, 48),
    )
    video += chunk(b"strf", struct.pack("<IiiHH4sIiiII", 40, 64, 48, 1, 24, b"MJPG", 64 * 48 * 3, 0, 0, 0, 0))
    audio = chunk(
        b"strh", struct.pack("<4s4sIHHIIIIIIII4H", b"auds", b"", 0, 0, 0, 0, 1, 8000, 0, 8000, 0, 0, 1, 0, 0, 0, 0)
    )
    audio += chunk(b"strf", struct.pack("<HHIIHHH", 1, 1, 8000, 8000, 1, 8, 0))
    streams = chunk(b"LIST", b"strl" + video) + chunk(b"LIST", b"strl" + audio)
    head = chunk(b"avih", struct.pack("<14I", 40_000, 0, 0, 0, stated, 0, 2, 0, 64, 48, 0, 0, 0, 0))
    between = chunk(b"01wb", b"\x80\x80") * sounds
    movie = between.join(chunk(b"00dc", frame) for frame in frames)
    path.write_bytes(
        chunk(b"RIFF", b"AVI " + chunk(b"LIST", b"hdrl" + head + streams) + chunk(b"LIST", b"movi" + movie))
    )
    return path


def jpegs(count: int) -> list[bytes]:
    """Ever brighter."""
    return [cv2.imencode(".jpg", np.full((48, 64, 3), 10 * number, np.uint8))[1].tobytes() for number in range(count)]


def brightness(path: Path) -> list[int]:
    """Of a video's frames, in tens."""
    return [round(float(frame.pixels.mean()) / 10) for frame in Video("front", path).frames()]


def test_much_sound_between_two_frames(tmp_path: Path) -> None:
    """Protects recorded lectures: minutes of sound between two pictures are not the end of the video."""
    assert brightness(write_avi(tmp_path / "lecture.avi", jpegs(4), sounds=5000)) == [0, 1, 2, 3]


def test_frames_behind_damage(tmp_path: Path) -> None:
    """Protects what can be read: frames that cannot be decoded cost themselves, not everything behind them."""
    frames = jpegs(12)
    for number in range(4, 7):
        frames[number] = bytes(200)
    assert brightness(write_avi(tmp_path / "damaged.avi", frames)) == [0, 1, 2, 3, 7, 8, 9, 10, 11]


def test_absurd_count_is_no_estimate(tmp_path: Path) -> None:
    """Protects the progress bar: a count that was written before the end was known is not shown."""
    video = Video("front", write_avi(tmp_path / "piped.avi", jpegs(3), stated=1 << 30))
    assert video.estimated_count == 0
    assert len(list(video.frames())) == 3


def test_elementary_stream_is_a_video(tmp_path: Path) -> None:
    """Protects MPEG without a container, whose head Pillow recognises, though it cannot decode it."""
    path = tmp_path / "elementary.m2v"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MPG2"), 25, (64, 48))
    for _ in range(12):
        writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    assert len(list(open_file("front", path, fps=1).frames())) == 12

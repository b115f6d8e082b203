"""Whether a file is cut short, told from its container alone."""

import os
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.errors import InputError
from pi_classifier.sources.files.container import cut_short
from pi_classifier.sources.files.opening import open_file
from tests.sources.test_files import write_video

UNKNOWN = b"\x01" + 7 * b"\xff"
"""A size of eight bytes in Matroska that is not known yet."""


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bytes], bool]:
    """What is said of a file that holds these bytes."""
    path = tmp_path_factory.mktemp("container") / "file"

    def judge(content: bytes) -> bool:
        path.write_bytes(content)
        return cut_short(path)

    return judge


def box(kind: bytes, content: bytes, *, wide: bool = False) -> bytes:
    """One of MP4, its size in 32 bits or in 64."""
    if wide:
        return struct.pack(">I4sQ", 1, kind, 16 + len(content)) + content
    return struct.pack(">I4s", 8 + len(content), kind) + content


def riff(form: bytes, content: bytes) -> bytes:
    """A chunk of the highest level, padded to an even length."""
    return struct.pack("<4sI4s", b"RIFF", 4 + len(content), form) + content + bytes(len(content) % 2)


def matroska(content: bytes, size: bytes | None = None) -> bytes:
    """A header and a segment, whose size is in eight bytes unless it is given."""
    size = (len(content) | 1 << 56).to_bytes(8) if size is None else size
    return b"\x1aE\xdf\xa3\x84abcd" + b"\x18S\x80g" + size + content


boxes = st.lists(
    st.builds(box, st.sampled_from([b"free", b"uuid", b"sidx", b"moof", b"mdat"]), st.binary(), wide=st.booleans())
).map(b"".join)


@given(
    front=boxes,
    back=boxes,
    wide=st.booleans(),
    rubbish=st.sampled_from([b"", b"\0", bytes(20), b"signed by me", b"mdat"]),
)
def test_whole_mp4(judged: Callable[[bytes], bool], front: bytes, back: bytes, wide: bool, rubbish: bytes) -> None:
    """Protects intact MP4s: boxes in any order, fragments, 64-bit sizes, and whatever was appended."""
    whole = box(b"ftyp", b"isom") + front + box(b"moov", b"tables", wide=wide) + back + rubbish
    assert not judged(whole)
    assert not judged(whole + struct.pack(">I4s", 0, b"mdat") + b"up to the end"), "a size of 0 means that"


@given(front=boxes, wide=st.booleans(), moov_first=st.booleans(), data=st.data())
def test_cut_mp4(
    judged: Callable[[bytes], bool], front: bytes, wide: bool, moov_first: bool, data: st.DataObject
) -> None:
    """Protects from half an MP4: one whose frames, or whose tables, go on behind its end."""
    start = box(b"ftyp", b"isom") + front
    moov, mdat = box(b"moov", bytes(30)), box(b"mdat", bytes(50), wide=wide)
    last = mdat if moov_first else moov
    kept = data.draw(st.integers(16, len(last) - 1))
    assert judged(start + (moov if moov_first else mdat) + last[:kept])


def test_mp4_that_was_not_finished(judged: Callable[[bytes], bool]) -> None:
    """Protects from a recording that a power cut ended: frames up to the end, and no table of where they lie."""
    start = box(b"ftyp", b"isom")
    assert judged(start + box(b"mdat", bytes(50)))
    assert judged(start + struct.pack(">I4s", 0, b"mdat") + bytes(50))
    assert not judged(start + box(b"meta", b"items") + box(b"mdat", bytes(50))), "that is a picture, AVIF"
    assert not judged(start), "that is no video"


@given(content=st.binary(max_size=60), further=st.lists(st.binary(max_size=60), max_size=3), data=st.data())
def test_avi(judged: Callable[[bytes], bool], content: bytes, further: list[bytes], data: st.DataObject) -> None:
    """Protects AVIs: whole ones of one chunk or several (OpenDML), with or without padding, and half ones."""
    chunks = [riff(b"AVI ", content), *(riff(b"AVIX", more) for more in further)]
    whole = b"".join(chunks)
    assert not judged(whole)
    assert not judged(whole.rstrip(b"\0") if len(whole) % 2 else whole + b"rubbish behind it")
    lost = data.draw(st.integers(10, 10 + len(chunks[-1])))
    if lost < len(chunks[-1]) - 12:
        assert judged(whole[:-lost])


@pytest.mark.parametrize("size", [0, 0x7FFFFFFF, 0xFFFFFFFF])
def test_avi_from_a_pipe(judged: Callable[[bytes], bool], size: int) -> None:
    """Protects AVIs whose writer could not go back to say how long they are: nothing is claimed."""
    assert not judged(struct.pack("<4sI4s", b"RIFF", size, b"AVI ") + bytes(50))


@given(content=st.binary(min_size=1, max_size=60), rubbish=st.binary(max_size=20), lost=st.integers(1, 60))
def test_matroska(judged: Callable[[bytes], bool], content: bytes, rubbish: bytes, lost: int) -> None:
    """Protects MKV and WebM: whole ones, half ones, and live ones, whose length was not known."""
    assert not judged(matroska(content) + rubbish)
    assert not judged(matroska(content, UNKNOWN))
    assert not judged(matroska(content, b"\xff"))
    if lost < len(content):
        assert judged(matroska(content)[:-lost])


@given(
    st.sampled_from([b"", b"RIFF", b"\x1aE\xdf\xa3", b"\0\0\0\x08ftyp", b"\0\0\0\x01mdat", b"\x1aE\xdf\xa3\x80"]),
    st.binary(),
)
def test_any_bytes(judged: Callable[[bytes], bool], start: bytes, rest: bytes) -> None:
    """Protects from files that lie: whatever they hold, there is an answer."""
    judged(start + rest)


def test_endless_parts(judged: Callable[[bytes], bool]) -> None:
    """Protects time: a file of a million empty boxes is not counted to its end."""
    assert not judged(box(b"ftyp", b"") + box(b"mdat", b"") + box(b"free", b"") * 1_000_000)


def test_what_is_gone_is_not_judged(tmp_path: Path) -> None:
    """Protects from a traceback: of a file that vanished nothing is claimed."""
    assert not cut_short(tmp_path / "gone.mp4")


KINDS = {
    ".avi": ("MJPG", True), ".flv": ("FLV1", False), ".mkv": ("mp4v", True), ".mov": ("mp4v", True),
    ".mp4": ("mp4v", True), ".mpg": ("MPG2", False), ".ts": ("mp4v", False), ".webm": ("VP80", True),
    ".wmv": ("WMV2", False),
}  # fmt: skip
"""A codec for each, and whether it states how long it is."""


def frames_and_error(path: Path) -> tuple[int, str]:
    """How many frames can be read, and what is said then."""
    read = 0
    try:
        for _ in open_file("front", path, fps=1).frames():
            read += 1
    except InputError as error:
        return read, str(error)
    return read, ""


@pytest.mark.parametrize("suffix", KINDS)
def test_videos_as_they_are_written(tmp_path: Path, suffix: str) -> None:
    """Protects what OpenCV writes: whole it is never called damaged; half it is where the container can tell."""
    path = tmp_path / f"video{suffix}"
    codec, tells = KINDS[suffix]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 25, (64, 48))
    noise = np.random.default_rng(0)
    for _ in range(40):
        writer.write(noise.integers(0, 256, (48, 64, 3), np.uint8))
    writer.release()
    assert frames_and_error(path) == (40, "")
    os.truncate(path, path.stat().st_size * 2 // 3)
    read, error = frames_and_error(path)
    assert read < 40
    assert ("the file is cut short or damaged" in error) == tells


@pytest.mark.parametrize(
    ("suffix", "tag", "length"), [(".avi", b"vids", 32), (".mkv", b"\x44\x89\x88", 0)], ids=["frames", "duration"]
)
def test_header_that_promises_more(tmp_path: Path, suffix: str, tag: bytes, length: int) -> None:
    """Protects intact files with more sound than pictures: a count or a duration in a header proves nothing."""
    path = write_video(tmp_path / f"video{suffix}", 40)
    content = bytearray(path.read_bytes())
    at = content.index(tag) + (length or len(tag))
    if length:
        struct.pack_into("<I", content, at, 100)
    else:
        struct.pack_into(">d", content, at, 100 * 40.0)
    path.write_bytes(content)
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 100
    capture.release()
    assert frames_and_error(path) == (40, "")


SOUND = "-f lavfi -i testsrc2=s=64x48:r=25:d=2 -f lavfi -i sine=d=4"
ENCODED = {
    "sound.mkv": f"{SOUND} -c:v libx264 -bf 3 -c:a aac",
    "sound.webm": f"{SOUND} -c:v libvpx -c:a libvorbis",
    "sound.mp4": f"{SOUND} -c:v libx264 -bf 3 -c:a aac",
    "faststart.mov": f"{SOUND} -c:v libx264 -c:a aac -movflags +faststart",
    "fragments.mp4": f"{SOUND} -c:v libx264 -g 10 -c:a aac -movflags frag_keyframe+empty_moov",
    "sound.ts": f"{SOUND} -c:v libx264 -bf 3 -c:a aac",
    "sound.avi": f"{SOUND} -c:v mpeg4 -c:a pcm_s16le",
    "sound.mpg": f"{SOUND} -c:v mpeg2video -bf 2 -c:a mp2",
    "variable.mkv": "-f lavfi -i testsrc2=s=64x48:r=25:d=2 -vf setpts=PTS+if(gt(N\\,20)\\,2/TB\\,0) -fps_mode vfr",
    "elementary.m2v": "-f lavfi -i testsrc2=s=64x48:r=25:d=2 -f mpeg2video",
    "live.mkv": f"{SOUND} -c:v mpeg4 -c:a aac -live 1",
}


@pytest.mark.parametrize("name", ENCODED)
def test_videos_with_sound(tmp_path: Path, name: str) -> None:
    """Protects intact videos with longer sound, B-frames, a varying rate or no length: all frames come, no error."""
    ffmpeg = shutil.which("ffmpeg")
    if not ffmpeg:
        pytest.skip("ffmpeg, which writes videos with sound, is not installed (Debian: ffmpeg)")
    subprocess.run([ffmpeg, "-v", "error", *ENCODED[name].split(), tmp_path / name], check=True)
    assert frames_and_error(tmp_path / name) == (50, "")


def test_recorded_videos(test_data: Path, tmp_path: Path) -> None:
    """Protects videos of cameras and phones: whole they end well, half they are told from whole ones."""
    for video in sorted((test_data / "videos").glob("*.mp4")):
        assert not cut_short(video)
        content = video.read_bytes()
        half = tmp_path / video.name
        half.write_bytes(content[: len(content) // 2])
        assert cut_short(half)

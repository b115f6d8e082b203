"""Pictures of several frames: GIF, WebP, APNG, AVIF, and TIFF with pages."""

import io
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin, features

from pi_classifier.contracts.frame import Pixels
from pi_classifier.errors import InputError
from pi_classifier.sources.files.opening import open_file
from pi_classifier.sources.files.picture import Picture, read_picture
from pi_classifier.sources.files.several import Animation, Pages
from tests.sources.test_files import write_picture

ANIMATIONS = ["gif", "png", "webp", "avif"]
FRAMES = 6


def frames() -> list[Image.Image]:
    """Grey ones that grow brighter, with a block of noise that wanders."""
    noise = np.random.default_rng(0).integers(0, 256, (20, 10, 3), np.uint8)
    pictures = []
    for number in range(FRAMES):
        pixels = np.full((48, 64, 3), 40 * number, np.uint8)
        pixels[10:30, 8 * number : 8 * number + 10] = noise
        pictures.append(Image.fromarray(pixels))
    return pictures


def write_several(path: Path, pictures: list[Image.Image] | None = None, **options: Any) -> Path:
    """An animation, or a TIFF of pages; lossless, but for GIF's colours and AVIF."""
    if path.suffix == ".avif" and not features.check("avif"):
        pytest.skip("this Pillow was built without AVIF")
    if path.suffix == ".webp":
        options["lossless"] = True
    first, *others = pictures or frames()
    first.save(path, save_all=True, append_images=others, **options)
    return path


def read(path: Path) -> tuple[list[Pixels], str]:
    """The frames of a file, and what is said then."""
    pictures: list[Pixels] = []
    try:
        for frame in open_file("front", path, fps=7).frames():
            assert frame.sequence == len(pictures)
            pictures.append(frame.pixels.copy())
    except InputError as error:
        return pictures, str(error)
    return pictures, ""


@pytest.mark.parametrize("suffix", ANIMATIONS)
def test_every_frame_of_an_animation(tmp_path: Path, suffix: str) -> None:
    """Protects animations: every frame comes, whole as a viewer shows it, and is treated as a video's."""
    path = write_several(tmp_path / f"a.{suffix}", duration=50)
    animation = open_file("front", path, fps=7)
    assert isinstance(animation, Animation)
    assert not animation.still
    assert animation.pace_fps == pytest.approx(20)
    assert animation.estimated_count == (0 if suffix == "gif" else FRAMES)
    pictures, error = read(path)
    assert error == ""
    assert len(pictures) == FRAMES
    for number, pixels in enumerate(pictures):
        assert pixels.shape == (48, 64, 3)
        assert abs(float(np.median(pixels)) - 40 * number) <= 8
        assert pixels[10:30, 8 * number : 8 * number + 10].std() > 30


def test_one_frame_is_a_picture(tmp_path: Path) -> None:
    """Protects still pictures of kinds that can move: one frame gets the reference transform, as any photograph."""
    for suffix in (".gif", ".png", ".webp", ".tiff"):
        picture = open_file("front", write_picture(tmp_path / f"a{suffix}"), fps=7)
        assert isinstance(picture, Picture)
        assert picture.still
        assert picture.pace_fps == 7


def test_frames_are_composed(tmp_path: Path) -> None:
    """Protects frames that store only what changed: what stood there before shows through."""
    background = Image.new("RGB", (64, 48), (200, 0, 0))
    small = background.copy()
    small.paste((0, 0, 200), (50, 40, 60, 45))
    path = write_several(tmp_path / "a.gif", [background, small, background])
    _, second, third = read(path)[0]
    assert second[42, 55].tolist() == [200, 0, 0]
    assert second[0, 0].tolist() == [0, 0, 200]
    assert third[42, 55].tolist() == [0, 0, 200]


def test_picture_for_those_who_cannot_animate_is_no_frame(tmp_path: Path) -> None:
    """Protects APNGs with a separate default image: a viewer never shows it."""
    path = write_several(tmp_path / "a.png", default_image=True)
    pictures, error = read(path)
    assert (len(pictures), error) == (FRAMES - 1, "")
    assert np.median(pictures[0]) == 40


def test_animation_is_upright(tmp_path: Path) -> None:
    """Protects orientation: each frame is turned as EXIF says."""
    exif = Image.Exif()
    exif[0x0112] = 6
    for suffix in ("webp", "png"):
        pictures, error = read(write_several(tmp_path / f"a.{suffix}", exif=exif))
        assert error == ""
        assert [pixels.shape for pixels in pictures] == [(64, 48, 3)] * FRAMES


@pytest.mark.parametrize(
    ("durations", "fps"), [([40] * 6, 25), ([0] * 6, 10), ([20, 60] * 3, 25), ([65_000] * 6, 1 / 60), ([10] * 6, 10)]
)
def test_pace(tmp_path: Path, durations: list[int], fps: float) -> None:
    """Protects the pace in `run`: the mean of the durations; none at all means what browsers make of it."""
    path = write_several(tmp_path / "a.gif", duration=durations)
    assert open_file("front", path, fps=7).pace_fps == pytest.approx(fps)


@pytest.mark.parametrize("suffix", ["gif", "png", "webp"])
def test_cut_animation(tmp_path: Path, suffix: str) -> None:
    """Protects what was there: wherever an animation is cut, its whole frames come unchanged, and then the error."""
    content = write_several(tmp_path / f"a.{suffix}", duration=50, loop=0).read_bytes()
    whole, _ = read(tmp_path / f"a.{suffix}")
    cut = tmp_path / f"cut.{suffix}"
    counts = set()
    for kept in range(1, len(content) - 24, 23):  # a PNG ends with 24 bytes that hold nothing of a frame
        cut.write_bytes(content[:kept])
        pictures, error = read(cut)
        assert error, kept
        assert "\n" not in error
        if pictures:
            assert "; the file is cut short or damaged" in error
            assert f"ends before its time, after {len(pictures)} frame" in error
        for pixels, original in zip(pictures, whole, strict=False):
            assert np.array_equal(pixels, original)
        counts.add(len(pictures))
    assert counts == set(range(FRAMES))


def test_gif_that_ends_between_two_frames(tmp_path: Path) -> None:
    """Protects from a clean cut: a GIF without its trailer is not whole, even if a single frame is left of it."""
    content = write_several(tmp_path / "a.gif", duration=50, loop=0).read_bytes()
    second = content.index(b"!\xf9\x04", content.index(b"!\xf9\x04") + 1)
    (tmp_path / "a.gif").write_bytes(content[:second])
    pictures, error = read(tmp_path / "a.gif")
    assert len(pictures) == 1
    assert "ends before its time, after 1 frame;" in error
    (tmp_path / "a.gif").write_bytes(content + b"appended")
    assert len(read(tmp_path / "a.gif")[0]) == FRAMES
    assert read(tmp_path / "a.gif")[1] == ""


def test_cut_avif(tmp_path: Path) -> None:
    """Protects from silence: of a cut AVIF its decoder gives nothing, and it is said why."""
    path = write_several(tmp_path / "a.avif")
    path.write_bytes(path.read_bytes()[:-100])
    assert read(path) == ([], f"{path}: ends before its first frame; the file is cut short or damaged")


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow was built without AVIF")
def test_damaged_avif_is_one_line(tmp_path: Path) -> None:
    """Protects the pictures behind it: whatever is damaged in an AVIF, its decoder's complaint is that of one file."""
    whole = io.BytesIO()
    Image.new("RGB", (32, 32), (200, 10, 10)).save(whole, "AVIF")
    content, path = whole.getvalue(), tmp_path / "a.avif"
    read = 0
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        with suppress(InputError):
            read_picture(path)
            read += 1
    assert 0 < read < len(content) // 2


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")  # as it is outside of tests
def test_huge_frame_is_refused(tmp_path: Path) -> None:
    """Protects memory: a frame that makes the picture huge is refused before it is decoded, those before it come."""
    content = bytearray(write_several(tmp_path / "a.gif").read_bytes())
    at = content.index(b",", content.index(b"!\xf9\x04", 800))
    for _ in range(3):  # the fourth frame or so
        at = content.index(b",", content.index(b"!\xf9\x04", at))
    assert content[at : at + 1] == b","
    struct.pack_into("<4H", content, at + 1, 0, 0, 12_000, 12_000)
    (tmp_path / "a.gif").write_bytes(content)
    pictures, error = read(tmp_path / "a.gif")
    assert 0 < len(pictures) < FRAMES
    assert "12000x12000 is more than 90 million pixels; scale it down" in error


def test_every_page(tmp_path: Path) -> None:
    """Protects scans: each page of a TIFF comes, in its own size, orientation and depth, as the still picture it is."""
    exif = Image.Exif()
    exif[0x0112] = 6
    pages = [Image.new("RGB", (60, 40), "red"), Image.new("L", (30, 20), 77), Image.new("1", (10, 10), 1)]
    path = tmp_path / "scan.tiff"
    with TiffImagePlugin.AppendingTiffWriter(path, new=True) as file:
        for page in pages:
            page.save(file, "TIFF", **({"exif": exif} if page.mode == "RGB" else {}))
            file.newFrame()
    source = open_file("front", path, fps=7)
    assert isinstance(source, Pages)
    assert source.still
    assert source.pace_fps == 7
    pictures, error = read(path)
    assert error == ""
    assert [pixels.shape for pixels in pictures] == [(60, 40, 3), (20, 30, 3), (10, 10, 3)]
    assert [pixels[5, 5].tolist() for pixels in pictures] == [[0, 0, 255], [77] * 3, [255] * 3]


@pytest.mark.parametrize("mark", [1, 4])
def test_copies_and_masks_of_pages_are_none(tmp_path: Path, mark: int) -> None:
    """Protects from thumbnails and masks in a TIFF: what is marked as a copy or a mask of a page is no page."""
    path = tmp_path / "photo.tiff"
    with TiffImagePlugin.AppendingTiffWriter(path, new=True) as file:
        for size, kind in (((60, 40), 0), ((15, 10), mark)):
            Image.new("RGB", size).save(file, "TIFF", tiffinfo={254: kind})
            file.newFrame()
    assert isinstance(open_file("front", path, fps=7), Picture)
    assert [pixels.shape for pixels in read(path)[0]] == [(40, 60, 3)]


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow warns of a damaged TIFF before it gives up
def test_cut_pages(tmp_path: Path) -> None:
    """Protects what was there: the pages before the cut come, and then the error names the page."""
    content = write_several(tmp_path / "a.tiff").read_bytes()
    for kept in range(10_000, len(content) - 20, 997):
        (tmp_path / "a.tiff").write_bytes(content[:kept])
        pictures, error = read(tmp_path / "a.tiff")
        assert 0 < len(pictures) < FRAMES
        assert f"a.tiff: page {len(pictures) + 1} cannot be read: " in error


def test_long_animation_is_a_stream(tmp_path: Path) -> None:
    """Protects memory and patience: thousands of frames come one by one, the first at once."""
    file = io.BytesIO()
    write_several(tmp_path / "two.gif", frames()[:2], duration=20)
    content = (tmp_path / "two.gif").read_bytes()
    second = content.rindex(b"!\xf9\x04")
    file.write(content[:second] + content[second:-1] * 3000 + b";")
    (tmp_path / "long.gif").write_bytes(file.getvalue())
    animation = open_file("front", tmp_path / "long.gif", fps=1)
    assert next(animation.frames()).sequence == 0
    assert sum(1 for _ in animation.frames()) == 3001

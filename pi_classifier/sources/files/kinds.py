"""Kinds of pictures and videos by the suffixes of their names, and which pictures Pillow cannot read here."""

from functools import cache
from pathlib import Path

from PIL import Image, ImageFile, features

from pi_classifier.errors import InputError

_HEIC = dict.fromkeys((".heic", ".heics", ".heif", ".heifs", ".hif"), "HEIC")
_RAW = dict.fromkeys(
    (
        ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".iiq", ".kdc", ".mef", ".mrw", ".nef",
        ".nrw", ".orf", ".pef", ".raf", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f",
    ),
    "raw camera",
)  # fmt: skip
_JPEG2000 = dict.fromkeys((".j2c", ".j2k", ".jp2", ".jpc", ".jpf", ".jpx"), "JPEG 2000")
_DEPENDING = _HEIC | _RAW | _JPEG2000 | {".avif": "AVIF", ".avifs": "AVIF", ".jxl": "JPEG XL", ".webp": "WebP"}
"""What Pillow reads depends on its version and how it was built."""
_CODECS = {"AVIF": "avif", "JPEG2000": "jpg_2000", "WEBP": "webp"}
"""Pillow's names of formats, and of what it needs for them."""

PICTURE_SUFFIXES = frozenset(_DEPENDING) | {
    ".apng", ".bmp", ".dib", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".mpo", ".pbm", ".pcx", ".pgm", ".png", ".pnm",
    ".ppm", ".psd", ".qoi", ".tga", ".tif", ".tiff",
}  # fmt: skip
VIDEO_SUFFIXES = frozenset(
    {
        ".264", ".265", ".3g2", ".3gp", ".asf", ".avi", ".flv", ".h264", ".h265", ".hevc", ".m2ts", ".m2v", ".m4v",
        ".mjpeg", ".mjpg", ".mkv", ".mov", ".mp4", ".mpe", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".ts", ".vob",
        ".webm", ".wmv", ".y4m",
    }
)  # fmt: skip
SUFFIXES = PICTURE_SUFFIXES | VIDEO_SUFFIXES
"""What a folder is searched for. A file that is named itself may be called anything."""

_BRANDS = {
    b"avif": ".avif", b"avis": ".avif", b"crx ": ".cr3", b"heic": ".heic", b"heim": ".heic", b"heis": ".heic",
    b"heix": ".heic", b"hevc": ".heic", b"hevx": ".heic", b"mif1": ".heif", b"msf1": ".heif",
}  # fmt: skip
"""ISO/IEC 14496-12, 4.3: of files of the same family as MP4, which FFmpeg takes for videos of one odd frame."""

_DNG_VERSION = 50706


def unreadable(path: Path, suffix: str | None = None) -> InputError | None:
    """The error for a picture of a kind that Pillow does not read here, by its name's suffix or another; else None."""
    suffix = (path.suffix if suffix is None else suffix).lower()
    return _error(path, _DEPENDING[suffix]) if suffix in _DEPENDING and not _pillow_reads(suffix) else None


@cache
def _pillow_reads(suffix: str) -> bool:
    kind = Image.registered_extensions().get(suffix)
    return kind is not None and (kind not in _CODECS or bool(features.check(_CODECS[kind])))


def unreadable_by_content(path: Path) -> InputError | None:
    """As `unreadable`, by what Pillow did not recognise in the file, whatever it is called. Raises OSError."""
    with path.open("rb") as file:
        head = file.read(12)
    if head[4:8] == b"JXL " or head[:2] == b"\xff\x0a":
        return unreadable(path, ".jxl")
    return unreadable(path, _BRANDS.get(head[8:], "") if head[4:8] == b"ftyp" else None)


def raw_in_tiff(path: Path, picture: ImageFile.ImageFile) -> InputError | None:
    """The error for a camera's raw data in a TIFF: what Pillow finds there is a thumbnail, or no picture."""
    if picture.format == "TIFF" and (path.suffix.lower() in _RAW or _DNG_VERSION in getattr(picture, "tag_v2", {})):
        return _error(path, "raw camera")
    return None


def _error(path: Path, kind: str) -> InputError:
    return InputError(f"{path}: {kind} pictures cannot be read", remedy="convert it to JPEG")

"""Motion JPEG without a container: JPEG pictures of one size, one behind another."""

import mmap
import re
from collections.abc import Iterator
from pathlib import Path

Data = bytes | mmap.mmap

_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""ITU-T T.81, B.1.1: what may not stand in a picture's coded data, nor in the bytes that fill a gap."""
_START = b"\xff\xd8"
_END, _ALONE = 0xD9, (0x01, 0xD8)
_ZEROS = re.compile(rb"\x00*")
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def is_motion_jpeg(path: Path) -> bool:
    """Whether a second picture of the same size follows directly, or after zeros, on the first.

    What some cameras and phones append to a photograph, previews and gain maps, is smaller than that.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is empty.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        size, end = _picture(data, 0)
        gap = _ZEROS.match(data, end)
        second = gap.end() if gap else end
        return size != b"" and data[second : second + 2] == _START and _picture(data, second)[0] == size


def _picture(data: Data, at: int) -> tuple[bytes, int]:
    """Height and width of the picture there, as it states them, and where it ends; empty where it states none."""
    size = b""
    for code, start in _markers(data, at):
        if code in _FRAME_HEADERS:
            size = data[start + 5 : start + 9]
        if code == _END:
            return size, start + 2
    return size, len(data)


def _markers(data: Data, at: int) -> Iterator[tuple[int, int]]:
    """Code and place of each marker from there on."""
    while match := _MARKER.search(data, at):
        start = match.start()
        code = data[start + 1]
        yield code, start
        at = start + 2
        if code not in _ALONE:
            at += int.from_bytes(data[at : at + 2])

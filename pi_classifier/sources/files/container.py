"""Whether a file ends before its container says that it does.

Three families state lengths in bytes: ISO-BMFF (MP4, MOV, 3GP, AVIF) that of each box, RIFF (AVI, WebP) that of each
chunk, Matroska (MKV, WebM) that of its segment. What others state, and how many frames a file is said to have, is an
estimate, and proves nothing.
"""

import os
from pathlib import Path
from typing import BinaryIO

from pi_classifier.errors import InputError

MOST_PARTS = 200_000
"""Of a file are looked at: a day's recording in fragments of a second has fewer."""

FIRST_BOXES = frozenset({b"ftyp", b"styp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
CARRIERS = frozenset({b"moov", b"mdat", b"moof"})
"""The boxes without which there are no frames."""

MATROSKA, SEGMENT = b"\x1aE\xdf\xa3", b"\x18S\x80g"

COUNTED_HEADER = 8
"""Bytes: some writers of AVI count the header of the chunk as part of it."""


def cut_short(path: Path) -> bool:
    """Whether the file ends before its container says so.

    False where that says nothing, is of another family, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            return _cut_short(file, os.fstat(file.fileno()).st_size)
    except OSError:
        return False


def ended_early(path: Path, read: int) -> InputError:
    """The error for a file that is cut short, after so many frames."""
    place = f"time, after {read} frame{'s' * (read > 1)}" if read else "first frame"
    return InputError(f"{path}: ends before its {place}", remedy="the file is cut short or damaged")


def _cut_short(file: BinaryIO, end: int) -> bool:
    head = file.read(8)
    if head[4:] in FIRST_BOXES:
        return _boxes_cut(file, end)
    if head[:4] == b"RIFF":
        return _riff_cut(file, end)
    return head[:4] == MATROSKA and _segment_cut(file, end)


def _boxes_cut(file: BinaryIO, end: int) -> bool:
    """ISO/IEC 14496-12, 4.2: 32 bits of size, four characters of type, and where the size is 1, 64 bits of size.

    A file with its frames, but without the box that tells where they lie, was not written to its end.
    """
    at = 0
    kinds: set[bytes] = set()
    for _ in range(MOST_PARTS):
        head = _bytes(file, at, 16)
        size, kind = int.from_bytes(head[:4]), head[4:8]
        if size == 1:
            size = int.from_bytes(head[8:])
        elif size == 0:  # up to the end of the file, wherever that is
            size = end - at
        # Fewer than 8 bytes are no box: padding, or something that was appended.
        if size < 8 or len(head) < 8:
            return b"mdat" in kinds and not kinds & {b"moov", b"moof", b"meta"}
        kinds.add(kind)
        at += size
        if at > end:
            return kind in CARRIERS
    return False


def _riff_cut(file: BinaryIO, end: int) -> bool:
    """An AVI of more than a gigabyte has several such chunks, one behind another."""
    at = 0
    for _ in range(MOST_PARTS):
        head = _bytes(file, at, 12)
        size, form = int.from_bytes(head[4:8], "little"), head[8:]
        if head[:4] != b"RIFF" or len(head) < 12 or size in (0, 0x7FFFFFFF) or size >= 0xFFFFFFF0:
            return False  # the end, or written to a pipe by someone who did not know the size
        tolerated = 0 if form == b"WEBP" else COUNTED_HEADER
        if at + 8 + size > end + tolerated:
            return True
        at += 8 + size + size % 2
    return False


def _segment_cut(file: BinaryIO, end: int) -> bool:
    """RFC 8794: an element is its ID, its size and its content; the segment follows the header."""
    at = 0
    for _ in range(MOST_PARTS):
        head = _bytes(file, at, 12)
        id_length = _vint_length(head)
        size_length = _vint_length(head[id_length:])
        content = id_length + size_length
        if not id_length or not size_length or len(head) < content:
            return False
        most = (1 << 7 * size_length) - 1
        size = int.from_bytes(head[id_length:content]) & most
        if size == most:
            return False  # all ones: not known
        at += content + size
        if at >= end or head[:id_length] == SEGMENT:
            return at > end and head[:id_length] == SEGMENT
    return False


def _vint_length(data: bytes) -> int:
    """How many bytes an EBML number has: one more than it has leading zeros; 0 where it has none."""
    return 9 - data[0].bit_length() if data and data[0] else 0


def _bytes(file: BinaryIO, at: int, count: int) -> bytes:
    """What is there of so many bytes."""
    file.seek(at)
    return file.read(count)

"""Bytes that were good, made bad in the ways that find the most."""

import random
import struct
import warnings
import zipfile
from collections.abc import Callable
from io import BytesIO

INTERESTING = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 40, (1 << 64) - 1)


def mutated(content: bytes, rng: random.Random) -> bytes:
    """A few of: bits flipped, bytes cut out, repeated, replaced by numbers at the limits, or the end cut off."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        if data:
            rng.choice(STEPS)(data, rng)
    return bytes(data)


def mutated_archive(content: bytes, rng: random.Random) -> bytes:
    """A zip file with one member mutated and its checksum right, so that what reads the member sees it.

    Now and then the archive itself is mutated, or a member is missing, doubled, renamed or compressed.
    """
    if rng.random() < 0.2:
        return mutated(content, rng)
    with zipfile.ZipFile(BytesIO(content)) as archive:
        members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    chosen = rng.randrange(len(members))
    name, data = members[chosen]
    kind = rng.random()
    if kind < 0.05:
        del members[chosen]
    elif kind < 0.1:
        members.append((name, mutated(data, rng)))
    elif kind < 0.15:
        members[chosen] = (mutated(name.encode(), rng).decode(errors="replace"), data)
    else:
        members[chosen] = (name, mutated(data, rng))
    return archived(members, zipfile.ZIP_DEFLATED if rng.random() < 0.05 else zipfile.ZIP_STORED)


def archived(members: list[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    """A zip file of these members."""
    made = BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(made, "w", compression) as archive:
        warnings.simplefilter("ignore")  # of a name that is there twice, which is meant
        for name, data in members:
            # Of no time of its own: the same seed gives the same bytes.
            archive.writestr(zipfile.ZipInfo(name or "empty"), data, compression)
    return made.getvalue()


def _flip(data: bytearray, rng: random.Random) -> None:
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _cut(data: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(data))
    del data[start : start + rng.choice((1, 4, 100, 10_000))]


def _end(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data)) :]


def _repeat(data: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(data))
    piece = data[start : start + rng.choice((1, 4, 100, 10_000))]
    data[start:start] = piece * rng.choice((1, 1, 10))


def _number(data: bytearray, rng: random.Random) -> None:
    layout = rng.choice(("B", "<H", ">H", "<I", ">I", "<Q", ">Q"))
    size = struct.calcsize(layout)
    value = rng.choice(INTERESTING) & ((1 << 8 * size) - 1)
    start = rng.randrange(len(data))
    data[start : start + size] = struct.pack(layout, value)


def _noise(data: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(data))
    data[start : start + 8] = rng.randbytes(8)


STEPS: tuple[Callable[[bytearray, random.Random], None], ...] = (_flip, _flip, _cut, _end, _repeat, _number, _noise)

"""The FlatBuffers format, as much as TFLite's schema needs: tables written in one layout, and read within bounds.

A table has its fields by slot, the number that a schema gives each. In the file it is a list of where each field lies
(the vtable) and the fields: numbers in place, vectors and tables as the distance to where they follow.
https://flatbuffers.dev/internals/
"""

import functools
import struct
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias, Union

ALIGNMENT = 16
"""Of every vector's first element, in bytes: what TFLite wants of a buffer's data, and more than any other needs."""
MOST_SLOTS = 16
"""More than any table has that is read."""


class Malformed(ValueError):
    """Bytes that are not what they should be; says briefly what is wrong."""


class Vector(NamedTuple):
    """Of numbers, little-endian."""

    length: int
    elements: bytes | memoryview


Field: TypeAlias = Union[bytes, Vector, "Fields", Sequence["Fields"]]
"""A number of one byte or of four, little-endian; a vector of numbers; a table; or a vector of tables."""
Fields: TypeAlias = Mapping[int, Field]
"""A table: its fields by slot."""


def pack(root: Fields, identifier: bytes) -> bytes:
    """The file with this root table; equal tables give equal bytes. `identifier`: four bytes that name the schema."""
    out = bytearray(4) + identifier
    struct.pack_into("<I", out, 0, _append_table(out, root))
    return bytes(out)


def _append_table(out: bytearray, fields: Fields) -> int:
    """Append a table and what it leads to; returns where it starts."""
    widths = tuple([(slot, len(field) if isinstance(field, bytes) else 4) for slot, field in fields.items()])
    vtable, size, places = _layout(widths)
    _pad(out, 4, ahead=len(vtable))
    out += vtable
    start = len(out)
    out += struct.pack("<i", len(vtable)) + bytes(size - 4)
    for distance, field in zip(places, fields.values(), strict=True):
        place = start + distance
        if isinstance(field, bytes):
            out[place : place + len(field)] = field
        else:
            struct.pack_into("<I", out, place, _append(out, field) - place)
    return start


@functools.cache
def _layout(widths: tuple[tuple[int, int], ...]) -> tuple[bytes, int, list[int]]:
    """The vtable, the size and the places of fields, by slot and width of each; wide ones first, so all are aligned."""
    places, size = {}, 4
    for slot, width in sorted(widths, key=lambda field: -field[1]):
        places[slot] = size
        size += width
    slots = max(places, default=-1) + 1
    vtable = struct.pack(f"<{2 + slots}H", 4 + 2 * slots, size, *(places.get(slot, 0) for slot in range(slots)))
    return vtable, size, [places[slot] for slot, _ in widths]


def _append(out: bytearray, field: Vector | Fields | Sequence[Fields]) -> int:
    """Append what a field leads to; returns where it starts."""
    if isinstance(field, Mapping):
        return _append_table(out, field)
    if isinstance(field, Vector):
        return _append_vector(out, *field)
    start = _append_vector(out, len(field), bytes(4 * len(field)))
    for place, item in enumerate(field):
        at = start + 4 + 4 * place
        struct.pack_into("<I", out, at, _append_table(out, item) - at)
    return start


def _append_vector(out: bytearray, count: int, elements: bytes | memoryview) -> int:
    _pad(out, ALIGNMENT, ahead=4)
    start = len(out)
    out += struct.pack("<I", count)
    out += elements
    return start


def _pad(out: bytearray, alignment: int, ahead: int) -> None:
    """Append zeros until what comes `ahead` bytes later is aligned."""
    out += bytes(-(len(out) + ahead) % alignment)


class Table:
    """A table in a file. Whatever the bytes are, a read stays within them or raises Malformed."""

    def __init__(self, content: bytes, start: int) -> None:
        """`start`: of the table, in bytes from the beginning of the file."""
        self._content = content
        self._start = start
        vtable = start - _number(content, "i", start)
        slots = _number(content, "H", vtable) // 2 - 2
        self._distances = _numbers(content, "H", vtable + 4, min(max(slots, 0), MOST_SLOTS))

    @classmethod
    def root(cls, content: bytes, identifier: bytes) -> "Table":
        """The root table of a file whose schema has this identifier."""
        if content[4:8] != identifier:
            raise Malformed(f"no {identifier.decode()} at its head")
        return cls(content, _number(content, "I", 0))

    def number(self, slot: int, code: str) -> Any:
        """A number of the type that `struct` calls `code`; 0 where there is none."""
        place = self._place(slot)
        return 0 if place is None else _number(self._content, code, place)

    def numbers(self, slot: int, code: str, least: int, most: int) -> tuple[Any, ...]:
        """A vector of so many numbers of the type that `struct` calls `code`."""
        start, count = self._vector(slot, most)
        if count < least:
            raise Malformed(f"{count} numbers where {least} are due")
        return _numbers(self._content, code, start, count)

    def data(self, slot: int) -> memoryview:
        """A vector of bytes, a view."""
        start, count = self._vector(slot, len(self._content))
        if start + count > len(self._content):
            raise Malformed(f"{count} bytes are more than follow")
        return memoryview(self._content)[start : start + count]

    def table(self, slot: int) -> "Table":
        """The table in a field."""
        return Table(self._content, self._target(slot))

    def tables(self, slot: int, most: int) -> list["Table"]:
        """A vector of at most so many tables."""
        start, count = self._vector(slot, most)
        distances = _numbers(self._content, "I", start, count)
        return [Table(self._content, start + 4 * place + distance) for place, distance in enumerate(distances)]

    def _vector(self, slot: int, most: int) -> tuple[int, int]:
        """Where the first element of a vector lies, and how many it says there are."""
        start = self._target(slot)
        count = _number(self._content, "I", start)
        if count > most:
            raise Malformed(f"{count} elements where {most} are allowed")
        return start + 4, count

    def _target(self, slot: int) -> int:
        place = self._place(slot)
        if place is None:
            raise Malformed("a field is missing")
        distance: int = _number(self._content, "I", place)
        return place + distance

    def _place(self, slot: int) -> int | None:
        distance = self._distances[slot] if slot < len(self._distances) else 0
        return self._start + distance if distance else None


def _number(content: bytes, code: str, place: int) -> Any:
    return _numbers(content, code, place, 1)[0]


def _numbers(content: bytes, code: str, place: int, count: int) -> tuple[Any, ...]:
    try:
        if place >= 0:  # struct would count from the end
            return struct.unpack_from(f"<{count}{code}", content, place)
    except struct.error:
        pass
    raise Malformed("an offset leads out of it")

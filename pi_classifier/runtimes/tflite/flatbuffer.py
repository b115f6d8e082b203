"""The FlatBuffers format, as much as TFLite's schema needs: tables written in one layout, and read within bounds.

A table has its fields by slot, the number that a schema gives each. In the file it is a list of where each field lies
(the vtable) and the fields: numbers in place, vectors and tables as the distance to where they follow.
https://flatbuffers.dev/internals/
"""

import functools
import struct
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


Field: TypeAlias = Union[bytes, Vector, "Fields", list["Fields"]]
"""A number of one byte or of four, little-endian; a vector of numbers; a table; or a vector of tables."""
Fields: TypeAlias = dict[int, Field]
"""A table: its fields by slot."""


def pack(root: Fields, identifier: bytes) -> bytes:
    """The file with this root table; equal tables give equal bytes. `identifier`: four bytes that name the schema."""
    out = bytearray(4) + identifier
    out[:4] = _append(out, root).to_bytes(4, "little")
    return bytes(out)


def _append(out: bytearray, field: Vector | Fields | list[Fields]) -> int:
    """Append a vector or a table and what it leads to; returns where it starts."""
    if isinstance(field, Vector):
        start = len(out) + -(len(out) + 4) % ALIGNMENT
        out += bytes(start - len(out)) + field.length.to_bytes(4, "little")
        out += field.elements
        return start
    if isinstance(field, list):
        start = _append(out, Vector(len(field), bytes(4 * len(field))))
        for place, table in enumerate(field, 1):
            _put(out, start + 4 * place, table)
        return start
    widths = tuple([(slot, len(item) if isinstance(item, bytes) else 4) for slot, item in field.items()])
    blank, ahead, places = _layout(widths)
    start = len(out) + ahead
    start += -start % 4
    out += bytes(start - ahead - len(out)) + blank
    for place, item in zip(places, field.values(), strict=True):
        _put(out, start + place, item)
    return start


def _put(out: bytearray, place: int, field: Field) -> None:
    """Fill a place with a number, or with the distance to what is appended for it."""
    stored = field if isinstance(field, bytes) else (_append(out, field) - place).to_bytes(4, "little")
    out[place : place + len(stored)] = stored


@functools.cache
def _layout(widths: tuple[tuple[int, int], ...]) -> tuple[bytes, int, list[int]]:
    """Of a table whose fields have these slots and widths, the wider ones first, so that all are aligned.

    Its bytes, from the vtable on, with zeros for the fields; where among them the table starts; and how far from there
    each field lies.
    """
    places, size = {}, 4
    for slot, width in sorted(widths, key=lambda field: -field[1]):
        places[slot] = size
        size += width
    slots = max(places, default=-1) + 1
    vtable = struct.pack(f"<{2 + slots}H", 4 + 2 * slots, size, *(places.get(slot, 0) for slot in range(slots)))
    return vtable + struct.pack("<i", len(vtable)) + bytes(size - 4), len(vtable), [places[slot] for slot, _ in widths]


class Table:
    """A table in a file. Whatever the bytes are, what it reads is in them, or it raises Malformed or struct.error."""

    __slots__ = ("_content", "_distances", "_start")

    def __init__(self, content: bytes, start: int) -> None:
        """`start`: of the table, in bytes from the beginning of the file."""
        vtable = start - struct.unpack_from("<i", content, start)[0]
        if vtable < 0:  # struct would count from the end
            raise Malformed("a vtable before its beginning")
        slots = struct.unpack_from("<H", content, vtable)[0] // 2 - 2
        self._content = content
        self._start = start
        self._distances = struct.unpack_from(f"<{min(max(slots, 0), MOST_SLOTS)}H", content, vtable + 4)

    @classmethod
    def root(cls, content: bytes, identifier: bytes) -> "Table":
        """The root table of a file whose schema has this identifier."""
        if content[4:8] != identifier:
            raise Malformed(f"no {identifier.decode()} at its head")
        return cls(content, struct.unpack_from("<I", content)[0])

    def number(self, slot: int, code: str) -> Any:
        """A number of the type that `struct` calls `code`; 0 where there is none."""
        place = self._place(slot)
        return struct.unpack_from(f"<{code}", self._content, place)[0] if place else 0

    def numbers(self, slot: int, code: str, least: int, most: int) -> tuple[Any, ...]:
        """A vector of so many numbers of the type that `struct` calls `code`."""
        start, count = self._vector(slot, least, most)
        return struct.unpack_from(f"<{count}{code}", self._content, start)

    def data(self, slot: int) -> memoryview:
        """A vector of bytes, a view."""
        start, count = self._vector(slot, 0, len(self._content))
        if start + count > len(self._content):
            raise Malformed(f"{count} bytes are more than follow")
        return memoryview(self._content)[start : start + count]

    def table(self, slot: int) -> "Table":
        """The table in a field."""
        return Table(self._content, self._target(slot))

    def tables(self, slot: int, most: int) -> list["Table"]:
        """A vector of at most so many tables."""
        start, count = self._vector(slot, 0, most)
        distances = struct.unpack_from(f"<{count}I", self._content, start)
        return [Table(self._content, start + 4 * place + distance) for place, distance in enumerate(distances)]

    def _vector(self, slot: int, least: int, most: int) -> tuple[int, int]:
        """Where the first element of a vector lies, and how many it says there are."""
        start = self._target(slot)
        (count,) = struct.unpack_from("<I", self._content, start)
        if not least <= count <= most:
            raise Malformed(f"{count} elements where {least} to {most} are due")
        return start + 4, count

    def _target(self, slot: int) -> int:
        """Where the vector or the table lies that a field leads to."""
        place = self._place(slot)
        if not place:
            raise Malformed("a field is missing")
        distance: int = struct.unpack_from("<I", self._content, place)[0]
        return place + distance

    def _place(self, slot: int) -> int:
        """Where a field lies, or 0."""
        distance: int = self._distances[slot] if slot < len(self._distances) else 0
        return distance and self._start + distance

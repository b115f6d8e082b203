"""The FlatBuffers format, as much as TFLite's schema needs: tables written in one layout, and read within bounds.

A table has its fields by slot, the number that a schema gives each. In the file it is a list of where each field lies
(the vtable) and the fields: numbers in place, vectors and tables as the distance to where they follow.
https://flatbuffers.dev/internals/
"""

import functools
import struct
from typing import Any, TypeAlias

ALIGNMENT = 16
"""Of every vector's first element, in bytes: what TFLite wants of a buffer's data, and more than any other needs."""
PADDING = [bytes(count) for count in range(ALIGNMENT)]
MOST_SLOTS = 16
"""More than any table has that is read."""
DISTANCES = [struct.Struct(f"<{slots}H") for slots in range(MOST_SLOTS + 1)]
WORD, SIGNED, HALF = struct.Struct("<I"), struct.Struct("<i"), struct.Struct("<H")
"""Compiled once: a file has thousands."""


class Malformed(ValueError):
    """Bytes that are not what they should be; says briefly what is wrong."""


Numbers: TypeAlias = tuple[tuple[int, bytes], ...]
"""The numbers in a table, of one byte or of four, little-endian, each with its slot."""


class Writer:
    """A file in the making. Equal calls give equal bytes.

    Whatever is added comes behind what is there, and is led to from a place: bytes from the file's beginning.
    """

    ROOT = 0
    """The place that leads to the root table."""

    def __init__(self, identifier: bytes) -> None:
        """`identifier`: four bytes that name the schema."""
        self._content = bytearray(4) + identifier

    def table(self, place: int, numbers: Numbers = (), others: tuple[int, ...] = ()) -> list[int]:
        """Add a table.

        Args:
            place: what leads to it.
            numbers: those of its numbers that many tables have alike.
            others: the slots of its vectors and tables, which are to be added by the places that are returned, and of
                its other numbers, which are to be put there.
        """
        head, ahead, distances = _head(numbers, others)
        end = len(self._content)
        start = end + ahead + -(end + ahead) % 4
        self._content += PADDING[start - ahead - end] + head
        WORD.pack_into(self._content, place, start - place)
        return [start + distance for distance in distances]

    def number(self, place: int, number: int) -> None:
        """Put a number of four bytes into a table."""
        WORD.pack_into(self._content, place, number)

    def vector(self, place: int, count: int, elements: bytes | memoryview) -> int:
        """Add a vector of so many numbers, little-endian; returns where the first of them lies."""
        end = len(self._content)
        start = end + -(end + 4) % ALIGNMENT
        self._content += PADDING[start - end] + WORD.pack(count)
        WORD.pack_into(self._content, place, start - place)
        self._content += elements
        return start + 4

    def tables(self, place: int, count: int) -> range:
        """Add a vector of so many tables, which are to be added by the places that are returned."""
        first = self.vector(place, count, bytes(4 * count))
        return range(first, first + 4 * count, 4)

    def to_bytes(self) -> bytes:
        """The file."""
        return bytes(self._content)


@functools.cache
def _head(numbers: Numbers, others: tuple[int, ...]) -> tuple[bytes, int, list[int]]:
    """Of a table with these fields, the wider ones first, so that all are aligned, and else in order of their slots.

    Its bytes, from the vtable on, with zeros for what has yet to come; where among them the table starts; and how far
    from there each of the others lies.
    """
    fields = [*numbers, *((slot, bytes(4)) for slot in others)]
    places, content = {}, b""
    for slot, number in sorted(fields, key=lambda field: (-len(field[1]), field[0])):
        places[slot] = 4 + len(content)
        content += number
    slots = [places.get(slot, 0) for slot in range(max(places, default=-1) + 1)]
    vtable = struct.pack(f"<{2 + len(slots)}H", 4 + 2 * len(slots), 4 + len(content), *slots)
    return vtable + WORD.pack(len(vtable)) + content, len(vtable), [places[slot] for slot in others]


class Table:
    """A table in a file. Whatever the bytes are, what it reads is in them, or it raises Malformed or struct.error."""

    __slots__ = ("_content", "_distances", "_start")

    def __init__(self, content: bytes, start: int) -> None:
        """`start`: of the table, in bytes from the beginning of the file."""
        vtable = start - SIGNED.unpack_from(content, start)[0]
        if vtable < 0:  # struct would count from the end
            raise Malformed("a vtable before its beginning")
        slots = HALF.unpack_from(content, vtable)[0] // 2 - 2
        self._content = content
        self._start = start
        self._distances = DISTANCES[min(max(slots, 0), MOST_SLOTS)].unpack_from(content, vtable + 4)

    @classmethod
    def root(cls, content: bytes, identifier: bytes) -> "Table":
        """The root table of a file whose schema has this identifier."""
        if content[4:8] != identifier:
            raise Malformed(f"no {identifier.decode()} at its head")
        return cls(content, WORD.unpack_from(content)[0])

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
        (count,) = WORD.unpack_from(self._content, start)
        if not least <= count <= most:
            raise Malformed(f"{count} elements where {least} to {most} are due")
        return start + 4, count

    def _target(self, slot: int) -> int:
        """Where the vector or the table lies that a field leads to."""
        place = self._place(slot)
        if not place:
            raise Malformed("a field is missing")
        distance: int = WORD.unpack_from(self._content, place)[0]
        return place + distance

    def _place(self, slot: int) -> int:
        """Where a field lies, or 0."""
        distance: int = self._distances[slot] if slot < len(self._distances) else 0
        return distance and self._start + distance

"""The wire format of Protocol Buffers, as much as reading needs.

A message is a row of fields: a number and a type in one integer, and a value. What a value means, the schema says.
https://protobuf.dev/programming-guides/encoding/
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""Types of values. Groups, 3 and 4, went out of use before ONNX began."""
FIXED = {FIXED64: 8, FIXED32: 4}
LONGEST_VARINT = 10
"""Bytes of 64 bits in sevens."""
LARGEST_TAG = (1 << 32) - 1
LONGEST_TEXT = 1 << 20
"""Bytes."""


class Malformed(ValueError):
    """Bytes that are not what they should be; says briefly what is wrong."""


class Field(NamedTuple):
    """One of a message."""

    number: int
    """By which the schema knows it."""
    value: int | memoryview
    """An integer, unsigned, or the bytes of a text, of numbers or of a message; views of the file."""
    raw: memoryview
    """All of it, to be put into another message as it is."""


class Message:
    """One, by its fields. Of a field that should be there once and is there several times, the last counts."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Iterable[Field]) -> None:
        """`fields`: all of it."""
        self._fields: dict[int, list[int | memoryview]] = {}
        for field in fields:
            self._fields.setdefault(field.number, []).append(field.value)

    def all_bytes(self, number: int) -> list[memoryview]:
        """What a field of bytes holds, each time it is there."""
        return [value for value in self._fields.get(number, ()) if isinstance(value, memoryview)]

    def number(self, number: int) -> int | None:
        """An integer, signed; None where there is none."""
        values = [value for value in self._fields.get(number, ()) if isinstance(value, int)]
        return values[-1] - (values[-1] >> 63 << 64) if values else None

    def text(self, number: int) -> str:
        """UTF-8; empty where there is none. Raises UnicodeDecodeError, and Malformed where it is too long."""
        value = (self.all_bytes(number) or [memoryview(b"")])[-1]
        if len(value) > LONGEST_TEXT:
            raise Malformed(f"a text of {len(value)} bytes")
        return str(value, "utf-8")


class Reader:
    """Reads the messages of one file. It reads a limited number of fields, so that no file takes long."""

    def __init__(self, most_fields: int) -> None:
        """`most_fields`: of all messages together."""
        self._left = most_fields

    def fields(self, message: memoryview) -> Iterator[Field]:
        """The fields of a message, in their order.

        Raises Malformed where bytes are no message, or the limit is reached.
        """
        place = 0
        while place < len(message):
            self._left -= 1
            if self._left < 0:
                raise Malformed("more fields than any model has")
            start = place
            key, place = varint(message, place)
            if key > LARGEST_TAG:  # of which libraries take what they like, and so another field than is read here
                raise Malformed("a tag of more than 32 bits")
            value, place = _value(message, place, key & 7)
            yield Field(key >> 3, value, message[start:place])

    def message(self, content: memoryview) -> Message:
        """A message by its fields; raises as `fields`."""
        return Message(self.fields(content))

    def inside(self, message: Message, number: int) -> list[Message]:
        """The messages in a field, each time it is there."""
        return [self.message(content) for content in message.all_bytes(number)]

    def only(self, message: Message, number: int) -> Message | None:
        """The message in a field; None where there is none. Of several, libraries make a mixture: they are refused."""
        found = self.inside(message, number)
        if len(found) > 1:
            raise Malformed("several of what there is one of")
        return found[0] if found else None


def varint(message: memoryview, place: int) -> tuple[int, int]:
    """The integer at a place, and the place behind it."""
    number = 0
    for count, byte in enumerate(message[place : place + LONGEST_VARINT]):
        number |= (byte & 0x7F) << 7 * count
        if byte < 0x80:
            return number & 0xFFFF_FFFF_FFFF_FFFF, place + count + 1
    raise Malformed("a number without an end")


def bytes_field(number: int, value: bytes | bytearray) -> bytes:
    """A field of bytes, as it is written."""
    return _varint_bytes(number << 3 | BYTES) + _varint_bytes(len(value)) + value


def _value(message: memoryview, place: int, kind: int) -> tuple[int | memoryview, int]:
    """The value at a place, and the place behind it."""
    if kind == VARINT:
        return varint(message, place)
    if kind == BYTES:
        length, place = varint(message, place)
    elif kind in FIXED:
        length = FIXED[kind]
    else:
        raise Malformed(f"a field of type {kind}")
    value = message[place : place + length]
    if len(value) != length:
        raise Malformed(f"{length} bytes are more than follow")
    return value if kind == BYTES else int.from_bytes(value, "little"), place + length


def _varint_bytes(number: int) -> bytes:
    content = bytearray()
    while number >= 0x80:
        content.append(number & 0x7F | 0x80)
        number >>= 7
    content.append(number)
    return bytes(content)

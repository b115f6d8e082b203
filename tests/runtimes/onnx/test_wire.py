"""The wire format: what is written is read again, and nothing leads the reader out of the bytes or keeps it busy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.runtimes.onnx.wire import Malformed, Message, Reader, bytes_field, varint

NUMBERS = st.integers(1, 2**29 - 1)


def read(content: bytes, most_fields: int = 1000) -> list[tuple[int, bytes | int]]:
    """The fields of a message, as values of their own."""
    fields = Reader(most_fields).fields(memoryview(content))
    return [(field.number, field.value if isinstance(field.value, int) else bytes(field.value)) for field in fields]


@given(st.lists(st.tuples(NUMBERS, st.binary(max_size=300)), max_size=20))
def test_what_is_written_is_read(fields: list[tuple[int, bytes]]) -> None:
    """Protects the model that is written anew: numbers and lengths of any size come back as they were."""
    assert read(b"".join(bytes_field(number, value) for number, value in fields)) == fields


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    """Protects from files of any content: fields that together are all of it, or one kind of refusal."""
    try:
        raw = [field.raw for field in Reader(1000).fields(memoryview(content))]
    except Malformed:
        return
    assert b"".join(raw) == content


def test_numbers_of_either_sign() -> None:
    """Protects sizes: a negative one is not taken for a huge one."""
    assert varint(memoryview(b"\xac\x02"), 0) == (300, 2)
    assert Message(Reader(9).fields(memoryview(b"\x08" + b"\xff" * 9 + b"\x01"))).number(1) == -1
    with pytest.raises(Malformed, match="without an end"):
        varint(memoryview(b"\xff" * 20), 0)


def test_a_tag_that_libraries_cut_is_refused() -> None:
    """Protects from two readers that see different things: of a tag over 32 bits libraries drop the upper ones."""
    hidden = bytes([5 << 3 | 2 | 0x80, 0x80, 0x80, 0x80, 0x10, 1]) + b"x"
    with pytest.raises(Malformed, match="more than 32 bits"):
        read(hidden)


def test_the_limit_is_for_all_messages_together() -> None:
    """Protects from small files of many empty fields, however they are nested."""
    content = b"\x08\x01" * 6
    assert len(read(content, most_fields=6)) == 6
    reader = Reader(10)
    reader.message(memoryview(content))
    with pytest.raises(Malformed, match="more fields"):
        reader.message(memoryview(content))


def test_of_several_the_last_counts_or_none() -> None:
    """Protects from two readers that see different things: numbers are as every library has them, messages refused."""
    reader = Reader(100)
    message = reader.message(memoryview(b"\x08\x01\x08\x02" + bytes_field(2, b"") * 2))
    assert message.number(1) == 2
    assert message.number(3) is None
    assert reader.only(message, 3) is None
    with pytest.raises(Malformed, match="several"):
        reader.only(message, 2)

"""FlatBuffers: tables written, and read within bounds."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.runtimes.tflite.flatbuffer import ALIGNMENT, Malformed, Table, Writer

IDENTIFIER = b"TEST"


@given(
    byte=st.integers(0, 255),
    word=st.integers(0, 2**32 - 1),
    numbers=st.lists(st.integers(-(2**63), 2**63 - 1), max_size=5),
    content=st.binary(max_size=100),
    children=st.integers(0, 5),
)
def test_what_is_written_is_read(byte: int, word: int, numbers: list[int], content: bytes, children: int) -> None:
    """Protects the format: numbers, vectors, tables and vectors of tables are read as they were written, aligned."""
    words = struct.pack(f"<{len(numbers)}q", *numbers)

    def file() -> bytes:
        writer = Writer(IDENTIFIER)
        vector, table, later, tables = writer.table(
            writer.ROOT, ((5, bytes([byte])), (1, word.to_bytes(4, "little"))), (0, 3, 4, 6)
        )
        writer.vector(vector, len(numbers), words)
        (data,) = writer.table(table, others=(2,))
        writer.vector(data, len(content), content)
        writer.number(later, word)
        for number, place in enumerate(writer.tables(tables, children)):
            writer.table(place, ((0, bytes([number])),))
        return writer.to_bytes()

    table = Table.root(file(), IDENTIFIER)
    assert (table.number(5, "B"), table.number(1, "I"), table.number(4, "I"), table.number(2, "I")) == (
        byte,
        word,
        word,
        0,
    )
    assert list(table.numbers(0, "q", 0, 5)) == numbers
    assert table.table(3).data(2) == content
    assert [child.number(0, "B") for child in table.tables(6, most=5)] == list(range(children))
    if len(content) > 20:
        assert file().index(content) % ALIGNMENT == 0


def with_vector(length: int) -> bytes:
    """A file whose root table has one field, a vector of so many zeros."""
    writer = Writer(IDENTIFIER)
    (vector,) = writer.table(writer.ROOT, others=(0,))
    writer.vector(vector, length, bytes(4 * length))
    return writer.to_bytes()


def test_what_is_missing_is_named() -> None:
    """Protects a reader's assumptions: what it needs and does not find, or finds in another number, is refused."""
    table = Table.root(with_vector(3), IDENTIFIER)
    with pytest.raises(Malformed, match="missing"):
        table.numbers(1, "i", 0, 3)
    with pytest.raises(Malformed, match="missing"):
        table.table(7)
    with pytest.raises(Malformed, match="3 elements where 0 to 2 are due"):
        table.numbers(0, "i", 0, 2)
    with pytest.raises(Malformed, match="3 elements where 4 to 5 are due"):
        table.numbers(0, "i", 4, 5)
    with pytest.raises(Malformed, match="3 elements where 0 to 2 are due"):
        table.tables(0, most=2)
    with pytest.raises(Malformed, match="no NONE"):
        Table.root(with_vector(0), b"NONE")


@pytest.mark.parametrize("count", [2**31 - 1, 2**32 - 1, 49])
def test_a_vector_longer_than_its_file(count: int) -> None:
    """Protects memory: a forged length takes none."""
    file = bytearray(with_vector(12))
    struct.pack_into("<I", file, len(file) - 52, count)
    table = Table.root(bytes(file), IDENTIFIER)
    with pytest.raises((Malformed, struct.error)):
        table.data(0)
    with pytest.raises((Malformed, struct.error)):
        table.numbers(0, "b", 0, 2**32)


@given(st.binary(max_size=80))
def test_any_bytes(content: bytes) -> None:
    """Protects from what is no FlatBuffer: a read gives something that is in it, or raises one of the two errors."""
    file = content[:4] + IDENTIFIER + content[4:]
    try:
        table = Table.root(file, IDENTIFIER)
        for slot in range(4):
            assert table.number(slot, "I") < 2**32
            assert len(table.data(slot)) <= len(file)
            assert len(table.tables(slot, most=20)) <= 20
    except (Malformed, struct.error):
        pass

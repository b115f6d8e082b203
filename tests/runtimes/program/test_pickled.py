"""Pickles that are read and not run."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.runtimes.program import pickled
from pi_classifier.runtimes.program.pickled import unpickled
from pi_classifier.runtimes.program.refusal import NotPrepared
from tests.runtimes.program import archives

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, min_size=1) | st.lists(inner).map(tuple),
)


@given(VALUES)
def test_value_is_read_as_it_was_written(value: object) -> None:
    """Protects every number on its way: what is judged is what torch reads."""
    assert unpickled(archives.pickled(value)) == value


def test_what_would_be_called_is_a_value() -> None:
    """Protects from a pickle as a program: a call is read with its name and arguments, and nothing happens."""
    name, argument = "os system", ("touch overwritten",)
    call = pickled.Call(pickled.Global(name), argument)
    assert unpickled(archives.pickled(archives.Reduce(archives.Global(name), argument))) == call
    assert unpickled(archives.pickled(archives.Build(archives.Global(name), argument))) == call
    assert unpickled(archives.pickled(archives.Persistent(argument))) == pickled.Call("storage", argument)


def test_memo_is_read() -> None:
    """Protects honest files: torch writes what comes again as a reference to the first."""
    assert unpickled(b"\x80\x02X\1\0\0\0aq\0h\0\x86r\1\0\0\0j\1\0\0\0\x86.") == (("a", "a"), ("a", "a"))


DISORDER = {
    "nothing": b"",
    "no end": b"\x80\x02N",
    "something behind the end": b"\x80\x02N.N",
    "no value": b"\x80\x02.",
    "two values": b"\x80\x02NN.",
    "a memo of 64 GB": b"\x80\x02Nr" + struct.pack("<I", 2**32 - 1) + b".",
    "a memo that was never filled": b"\x80\x02h\x05.",
    "a list in the memo": b"\x80\x02]q\0.",
    "a list filled twice": b"\x80\x02](Ne(Ne.",
    "a list of nothing": b"\x80\x02(e.",
    "items without a mark": b"\x80\x02]NNe.",
    "a mark above what is left": b"\x80\x02NNN(\x87t\x86.",
    "a call of nothing": b"\x80\x02R.",
    "an object made with arguments": b"\x80\x02cos\nsystem\n(Nt\x81Nb.",
    "another opcode for names": b"\x80\x04\x8c\x02os\x8c\x06system\x93.",
    "an opcode that calls": b"\x80\x02(S'true'\nios\nsystem\n.",
    "an opcode for extensions": b"\x80\x02\x82\x01.",
    "an opcode that forgets": b"\x80\x02NN0.",
    "a dictionary": b"\x80\x02}.",
    "no opcode": b"\x80\x02\xff.",
    "half a number": b"\x80\x02J\0",
    "a text longer than the file": b"\x80\x02X\xff\xff\xff\xffa.",
    "an escape in a name, and no end": b"\x80\x02cos\\d\nsystem\n",
}


@pytest.mark.parametrize("content", DISORDER.values(), ids=DISORDER.keys())
def test_disorder_is_refused(content: bytes) -> None:
    """Protects from what torch does not write for weights, and from what its reader and ours may take differently."""
    with pytest.raises(NotPrepared):
        unpickled(content)


def test_depth_is_no_matter() -> None:
    """Protects from a crash of the interpreter: values within values are read, and forgotten, at any depth."""
    for content in (b"N" + b"NR" * 30_000, b"(" * 30_000 + b"t" * 30_000, b"](" * 20_000 + b"e" * 20_000):
        unpickled(b"\x80\x02" + content + b".")

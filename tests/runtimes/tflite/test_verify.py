"""What a model file may hold, and what becomes of any other."""

import contextlib
import random
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pi_classifier.contracts.model import ModelMetadata
from pi_classifier.runtimes.tflite.flatbuffer import Malformed
from pi_classifier.runtimes.tflite.program import (
    Convolution,
    FullyConnected,
    Mean,
    Operator,
    Pad,
    Program,
    Unsound,
)
from pi_classifier.runtimes.tflite.read import from_bytes
from pi_classifier.runtimes.tflite.verify import verified, verify
from pi_classifier.runtimes.tflite.write import to_bytes
from tests.runtimes.tflite.sample import METADATA, PROGRAM, weights

FILE = to_bytes(PROGRAM)
DEPTHWISE = struct.pack("<iib", 3, 4, 4)
"""Version and code of an operator as they are in it."""


def test_what_was_written_is_read() -> None:
    """Protects every value on its way through the file, and that a sound file is passed on as it is."""
    assert verified(FILE, METADATA) == FILE
    program = from_bytes(FILE)
    assert (program.input, program.outputs) == (PROGRAM.input, PROGRAM.outputs)
    for found, expected in zip(program.operators, PROGRAM.operators, strict=True):
        assert type(found) is type(expected)
        for name in expected._fields:
            one, other = getattr(found, name), getattr(expected, name)
            if name == "weights":
                assert np.array_equal(one.values, other.values)
                assert np.array_equal(one.bias, other.bias)
                one, other = one.scale, other.scale
            assert one == pytest.approx(other, rel=1e-7), name


def test_quint8_twin_is_the_same_program() -> None:
    """Protects both kinds of prepared files: quint8's zero point is 128 more, and the program is the same."""
    verify(PROGRAM, METADATA)
    twin = METADATA._replace(activations="qint8")
    verify(PROGRAM, twin)


def test_outputs_are_the_logits_and_what_they_are_made_of() -> None:
    """Protects who reads features: where they are due they are the mean behind the logits, else there are none."""
    assert verified(FILE, METADATA, 4) == FILE
    alone = to_bytes(PROGRAM._replace(outputs=(7,)))
    assert verified(alone, METADATA, 0) == alone
    others = to_bytes(PROGRAM._replace(outputs=(7, 5))), to_bytes(PROGRAM._replace(outputs=(7, 6, 5)))
    wrong = [(FILE, 0), (FILE, 5), (alone, 4), *((other, 4) for other in others), *((other, 0) for other in others)]
    for file, features in wrong:
        with pytest.raises(Unsound, match="give"):
            verified(file, METADATA, features)


def with_operator(number: int, operator: Operator | None = None, **changes: Any) -> Program:
    """The program with its n-th operator, counted from 1, changed."""
    operators = list(PROGRAM.operators)
    operators[number - 1] = operator or operators[number - 1]._replace(**changes)
    return PROGRAM._replace(operators=tuple(operators))


def with_input(**changes: Any) -> Program:
    """The program with another input."""
    return PROGRAM._replace(input=PROGRAM.input._replace(**changes))


def with_outputs(*outputs: int) -> Program:
    """The program with other outputs."""
    return PROGRAM._replace(outputs=outputs)


UNSOUND = {
    "an input of another size": (with_input(shape=(1, 9, 9, 3)), "its input is"),
    "an input of another scale": (with_input(scale=0.25), "its input is"),
    "an input of another zero point": (with_input(zero_point=3), "its input is"),
    "another number of classes": (with_operator(7, weights=weights(2, 4)), "3 labels"),
    "no output": (with_outputs(), "outputs"),
    "an output twice": (with_outputs(7, 7), "outputs"),
    "its input as an output": (with_outputs(7, 0), "outputs"),
    "an output that nothing gives": (with_outputs(8), "outputs"),
    "a negative output": (with_outputs(-1), "outputs"),
    "an operator for nothing": (with_operator(5, sources=(2, 2)), r"nothing takes the activations \[4\]"),
    "an input that is not there yet": (with_operator(5, sources=(2, 5)), "an operator of"),
    "a negative input": (with_operator(5, sources=(-1, 4)), "an operator of"),
    "a sum of two shapes": (with_operator(5, sources=(0, 4)), "a sum of"),
    "a padding of nothing": (with_operator(1, width=0), "a padding of 0"),
    "a stride of three": (with_operator(2, stride=3), "a convolution"),
    "a stride of nothing": (with_operator(2, stride=0), "a convolution"),
    "a kernel that is no square": (with_operator(2, weights=weights(4, 3, 2, 3)), "a convolution"),
    "a kernel of no size": (with_operator(2, weights=weights(4, 0, 0, 3)), "a convolution"),
    "a kernel larger than its input": (with_operator(2, weights=weights(4, 11, 11, 3)), "no size"),
    "weights for other channels": (with_operator(2, weights=weights(4, 3, 3, 2)), "a convolution"),
    "two depthwise kernels": (with_operator(3, weights=weights(2, 3, 3, 4)), "depthwise"),
    "a bias of another length": (
        with_operator(2, weights=weights(4, 3, 3, 3)._replace(bias=np.zeros(3, np.int32))),
        "a convolution",
    ),
    "a layer for another vector": (with_operator(7, weights=weights(3, 5)), "a layer"),
    "a layer of a picture": (with_operator(6, FullyConnected((5,), weights(3, 4), 0.1, 0)), "a layer"),
    "a mean of a vector": (with_operator(7, Mean((6,))), "dimensions"),
    "a zero point beyond int8": (with_operator(5, zero_point=128), "no int8"),
    "a scale of nothing": (with_operator(5, scale=0.0), "a scale"),
    "a negative scale": (with_operator(4, scale=-0.01), "a scale"),
    "a scale that is no number": (with_operator(4, scale=float("nan")), "a scale"),
    "an infinite scale": (with_operator(4, scale=float("inf")), "a scale"),
    "weights of no scale": (with_operator(4, weights=weights(4, 1, 1, 4, scale=0.0)), "a scale"),
    "a product too large": (with_operator(4, weights=weights(4, 1, 1, 4, scale=1000.0)), "a Convolution from"),
    "a product too small": (with_operator(7, scale=1e9), "a FullyConnected from"),
    "a summand too large": (with_operator(5, scale=0.0001), "a Add from"),
    "a summand too small": (with_operator(5, scale=100.0), "a Add from"),
    "more values than memory": (with_operator(1, width=5000), "too many"),
    "more work than a day has": (
        Program(PROGRAM.input, (Pad((0,), 2000), Convolution((1,), weights(2, 71, 71, 3), 0.1, 0, 1, relu=False),
                                Mean((2,)), FullyConnected((3,), weights(3, 2), 0.1, 0)), (4,)),
        "too many",
    ),
}  # fmt: skip
"""By what is wrong: a program, and what the error says."""


@pytest.mark.parametrize("wrong", UNSOUND)
def test_unsound_program_is_refused(wrong: str) -> None:
    """Protects LiteRT's C++, which computes, aborts or reads beyond for some of these, and the metadata's word."""
    program, complaint = UNSOUND[wrong]
    with pytest.raises(Unsound, match=complaint):
        verify(program, METADATA)


@pytest.mark.parametrize(
    "metadata",
    [
        METADATA._replace(input_size=16),
        METADATA._replace(zero_point=METADATA.zero_point - 1),
        METADATA._replace(scale=1e300),
        METADATA._replace(scale=float("nan")),
        METADATA._replace(categories=("one",)),
    ],
    ids=["size", "type", "huge scale", "no scale", "labels"],
)
def test_file_of_other_metadata_is_refused(metadata: ModelMetadata) -> None:
    """Protects from a file that got among another model's metadata."""
    with pytest.raises(Unsound):
        verified(FILE, metadata)


def changed(change: Callable[[Any], object], file: bytes = FILE) -> bytes:
    """A file, changed and written anew by FlatBuffers' own library."""
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    flatbuffers = pytest.importorskip("flatbuffers")
    model = schema.ModelT.InitFromPackedBuf(file)
    change(model)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def test_another_writers_file_is_read_and_refused() -> None:
    """Protects the rule that what is not read is not passed on: the same program, with its fields in other places."""
    file = changed(lambda _model: None)
    assert from_bytes(file).outputs == PROGRAM.outputs
    with pytest.raises(Unsound, match="more than a program"):
        verified(file, METADATA)


@pytest.mark.parametrize(
    "file",
    [
        FILE.replace(DEPTHWISE, struct.pack("<iib", 99, 4, 4)),
        FILE.replace(DEPTHWISE, struct.pack("<iib", 3, 32, 32)),
        FILE + b"\0",
    ],
    ids=["version of an operator", "custom operator", "a byte more"],
)
def test_what_is_not_read_is_refused(file: bytes) -> None:
    """Protects LiteRT from what nobody looked at: a file is the bytes that its program makes, or none."""
    assert file != FILE
    assert FILE.count(DEPTHWISE) == 1
    assert from_bytes(file).outputs == PROGRAM.outputs
    with pytest.raises(Unsound, match="more than a program"):
        verified(file, METADATA)


def refused_or_itself(content: bytes) -> None:
    """What becomes of any bytes."""
    with contextlib.suppress(Malformed, Unsound):
        assert verified(content, METADATA) == content


@pytest.mark.parametrize("place", range(0, len(FILE), 512))
def test_every_damaged_byte_is_noticed_or_means_something(place: int) -> None:
    """Protects from a worn SD card and from forgers: each byte, changed, gives an error or another sound program."""
    for at in range(place, min(place + 512, len(FILE))):
        flipped = bytearray(FILE)
        flipped[at] ^= 1 << at % 8
        refused_or_itself(bytes(flipped))


@pytest.mark.parametrize("seed", range(8))
def test_forged_files(seed: int) -> None:
    """Protects from tracebacks, endless loops and memory: offsets, lengths and numbers set to whatever hurts."""
    chance = random.Random(seed)  # noqa: S311 - the same at every run
    for _ in range(400):
        forged = bytearray(FILE)
        for _ in range(chance.choice([1, 1, 2, 5])):
            place = 4 * chance.randrange(len(forged) // 4)
            worst = [0, 1, 4, 16, 255, len(forged) - place, 2**20, 2**31 - 1, 2**31, 2**32 - 4, 2**32 - 1]
            struct.pack_into("<I", forged, place, chance.choice([*worst, chance.randrange(len(forged))]))
        refused_or_itself(bytes(forged))


@given(st.binary(max_size=300), st.integers(0, len(FILE)), st.integers(0, len(FILE)))
@example(b"", 0, 0)
@example(b"", 8, 8)
def test_any_bytes(other: bytes, begin: int, end: int) -> None:
    """Protects from whatever else there may be: files cut short, with other bytes inside, or none of ours at all."""
    refused_or_itself(FILE[:begin] + other + FILE[end:])
    refused_or_itself(other)
    refused_or_itself(other[:4] + b"TFL3" + other[4:])


def test_weights_that_are_used_many_times() -> None:
    """Protects memory: operators that all name the same bytes are refused before each is given a copy."""
    layers = [Convolution((0,), weights(99, 1, 1, 3), 0.05, 0, stride=1, relu=False)]
    layers += [Convolution((n,), weights(99, 1, 1, 99), 0.05, 0, stride=1, relu=False) for n in range(1, 50)]
    end = (Mean((50,)), FullyConnected((51,), weights(3, 99), 0.05, 0))

    def share(model: Any) -> None:
        (graph,) = model.subgraphs
        first = graph.operators[1].inputs[1]
        for operator in graph.operators[1:50]:
            graph.tensors[operator.inputs[1]].buffer = graph.tensors[first].buffer
        for buffer in model.buffers:
            if buffer is not model.buffers[graph.tensors[first].buffer] and buffer.data is not None:
                buffer.data = buffer.data if len(buffer.data) < 1000 else None

    file = changed(share, to_bytes(Program(PROGRAM.input, (*layers, *end), (52,))))
    assert len(file) < 99 * 99 * 10
    with pytest.raises(Unsound, match="used twice"):
        verified(file, METADATA)

"""An ONNX file: what it takes and gives and says of itself, read within bounds and before any library sees it."""

import hashlib
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

from pi_classifier.errors import ModelError
from pi_classifier.runtimes.given_file import read_limited
from pi_classifier.runtimes.onnx.schema import (
    DTYPES,
    REPEATED,
    SINGLE,
    Dimension,
    Entry,
    Graph,
    Model,
    Node,
    Tensor,
    TensorShape,
    TensorType,
    Type,
    ValueInfo,
)
from pi_classifier.runtimes.onnx.wire import Malformed, Message, Reader, bytes_field

LARGEST = 512 << 20
"""Bytes of a file. The largest of torchvision's classifiers that a Raspberry Pi has the memory for takes 356 MB."""
MOST_FIELDS = 500_000
"""Of a file, each as often as it is read. A ResNet-18 takes 1,500, a detector 10,000; so many, seconds and 100 MB."""
DEEPEST = 48
"""Messages within messages."""
BUILT_IN = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc"})
"""The domains whose operators are in ONNX Runtime."""
CONSTANT_BEFORE = 4
"""Up to the IR version before this one, initializers are inputs by rule, and constant all the same."""
Kind = type[IntEnum]
Shape = tuple[int | None, ...]


class Value(NamedTuple):
    """An input or an output."""

    name: str
    dtype: str
    """As numpy calls it, or `unknown`."""
    shape: Shape | None
    """None for a dimension that the file leaves open, and for a shape that it does not tell."""

    def __str__(self) -> str:
        """For people: `images: float32 1x3x?x?`."""
        shape = (
            "of any shape"
            if self.shape is None
            else "x".join("?" if size is None else str(size) for size in self.shape)
        )
        return f"{self.name}: {self.dtype} {shape}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class OnnxFile:
    """What stands in one."""

    name: str
    """What errors call it."""
    content: bytes
    """The model for ONNX Runtime: whole, with no data in other files, its initializers constant."""
    inputs: tuple[Value, ...]
    """Those that have to be given."""
    outputs: tuple[Value, ...]
    metadata: Mapping[str, str]
    """What the exporter wrote beside the model."""
    producer: str
    """The exporter and its version."""
    operators: frozenset[str]
    """The types of its operators, wherever they stand."""
    sha256: str
    """Of the file, hexadecimal."""


def read_onnx(path: Path) -> OnnxFile:
    """An ONNX file.

    Raises:
        ModelError: unreadable, cut short, no ONNX file, too large, with data in other files, or with operators that
            ONNX Runtime does not have.
    """
    content = _content(path)
    try:
        return _parsed(str(path), content)
    except Malformed as error:
        remedy = "copy it again, or export it again"
        raise ModelError(f"{path}: no ONNX file, damaged or cut short ({error})", remedy=remedy) from None
    except UnicodeDecodeError:
        raise ModelError(f"{path}: holds names that are no text", remedy="export it again") from None


def _content(path: Path) -> bytes:
    try:
        return read_limited(path, LARGEST)
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}", remedy="name a readable file with --weights") from None


def _parsed(name: str, content: bytes) -> OnnxFile:
    reader = Reader(MOST_FIELDS)
    model = reader.message(memoryview(content))
    graph = reader.only(model, Model.GRAPH)
    if graph is None:
        raise Malformed("no graph in it")
    if model.all_bytes(Model.FUNCTIONS):
        # Each call of one is replaced by its operators; a few that call one another become millions.
        raise ModelError(f"{name}: defines operators of its own (functions)", remedy="export it with dynamo=False")
    operators = _checked_operators(name, reader, memoryview(content))
    constants = {one.text(Tensor.NAME) for one in reader.inside(graph, Graph.INITIALIZER)}
    inputs = [_value(reader, one) for one in reader.inside(graph, Graph.INPUT)]
    overridable = (model.number(Model.IR_VERSION) or 0) >= CONSTANT_BEFORE and any(
        one.name in constants for one in inputs
    )
    return OnnxFile(
        name=name,
        content=_with_constants(reader, content, constants) if overridable else content,
        inputs=tuple(one for one in inputs if one.name not in constants),
        outputs=tuple(_value(reader, one) for one in reader.inside(graph, Graph.OUTPUT)),
        metadata={one.text(Entry.KEY): one.text(Entry.VALUE) for one in reader.inside(model, Model.METADATA_PROPS)},
        producer=f"{model.text(Model.PRODUCER_NAME)} {model.text(Model.PRODUCER_VERSION)}".strip(),
        operators=operators,
        sha256=hashlib.sha256(content).hexdigest(),
    )


def _checked_operators(name: str, reader: Reader, model: memoryview) -> frozenset[str]:
    """The types of all operators. Raises ModelError for data in other files and for operators of others."""
    used: dict[str, str] = {}
    types = set()
    for kind, message in _messages(reader, Model, model):
        if kind is Tensor and (message.all_bytes(Tensor.EXTERNAL_DATA) or message.number(Tensor.DATA_LOCATION)):
            remedy = "save it as one file: onnx.save(onnx.load(FILE), OTHER)"
            raise ModelError(f"{name}: has its weights in other files (external data)", remedy=remedy)
        if kind is Node:
            types.add(message.text(Node.OP_TYPE))
            used[message.text(Node.DOMAIN)] = message.text(Node.OP_TYPE)
    if foreign := used.keys() - BUILT_IN:
        first = min(foreign)
        problem = f"{name}: has an operator that ONNX Runtime lacks, {used[first][:40]!r} of {first[:40]!r}"
        raise ModelError(problem, remedy="export it with ONNX's own operators alone")
    return frozenset(types)


def _messages(reader: Reader, kind: Kind, content: memoryview, depth: int = 0) -> Iterator[tuple[Kind, Message]]:
    """A message, and all in it that can hold operators or tensors."""
    if depth > DEEPEST:
        raise Malformed("nested too deeply")
    message = reader.message(content)
    yield kind, message
    for number, inner in (SINGLE.get(kind, {}) | REPEATED.get(kind, {})).items():
        contents = message.all_bytes(number)
        if len(contents) > 1 and number in SINGLE.get(kind, {}):
            raise Malformed("several of what there is one of")
        for one in contents:
            yield from _messages(reader, inner, one, depth + 1)


def _value(reader: Reader, value: Message) -> Value:
    kind = reader.only(value, ValueInfo.TYPE)
    tensor = reader.only(kind, Type.TENSOR_TYPE) if kind else None
    if tensor is None:
        return Value(value.text(ValueInfo.NAME), "unknown", None)
    shape = reader.only(tensor, TensorType.SHAPE)
    sizes = None
    if shape is not None:
        sizes = tuple(one.number(Dimension.DIM_VALUE) for one in reader.inside(shape, TensorShape.DIM))
    dtype = DTYPES.get(tensor.number(TensorType.ELEM_TYPE) or 0, "unknown")
    return Value(value.text(ValueInfo.NAME), dtype, sizes)


def _with_constants(reader: Reader, content: bytes, constants: Container[str]) -> bytes:
    """The same model, the initializers no longer among its inputs: what could be another value is computed again."""

    def is_constant(value: memoryview) -> bool:
        return reader.message(value).text(ValueInfo.NAME) in constants

    model = bytearray()
    for field in reader.fields(memoryview(content)):
        if field.number != Model.GRAPH or isinstance(field.value, int):
            model += field.raw
            continue
        graph = bytearray()
        for inner in reader.fields(field.value):
            if not (inner.number == Graph.INPUT and isinstance(inner.value, memoryview) and is_constant(inner.value)):
                graph += inner.raw
        model += bytes_field(Model.GRAPH, graph)
    return bytes(model)

"""The bytes of a .tflite file to a program."""

import math
import struct
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from pi_classifier.runtimes.tflite import schema
from pi_classifier.runtimes.tflite.flatbuffer import Malformed, Table
from pi_classifier.runtimes.tflite.program import (
    Activation,
    Add,
    Convolution,
    DepthwiseConvolution,
    FullyConnected,
    Mean,
    Operator,
    Pad,
    Program,
    Shape,
    Weights,
)

MOST_TENSORS, MOST_OPERATORS, MOST_OUTPUTS = 1024, 512, 4
"""Of a file that is read. A MobileNetV2 has 185, 69 and 1 or 2."""

T = TypeVar("T")


def from_bytes(content: bytes) -> Program:
    """The program in what `to_bytes` wrote, its weights views of `content`.

    In other bytes it finds some program or none: it reads what a program needs, and nothing besides.

    Raises:
        Malformed: there is none.
    """
    try:
        model = Table.root(content, schema.IDENTIFIER)
        return _program(model, _item(model.tables(schema.Model.SUBGRAPHS, most=1), 0))
    except struct.error:
        raise Malformed("an offset leads out of it") from None


def _program(model: Table, graph: Table) -> Program:
    tensors = _Tensors(model, graph)
    operators = graph.tables(schema.SubGraph.OPERATORS, most=MOST_OPERATORS)
    return Program(
        input=Activation(tensors.shape(0), *tensors.quantisation(0)),
        operators=tuple([_operator(table, number, tensors) for number, table in enumerate(operators, 1)]),
        outputs=graph.numbers(schema.SubGraph.OUTPUTS, "i", 1, MOST_OUTPUTS),
    )


class _Tensors:
    """A file's tensors, by index."""

    def __init__(self, model: Table, graph: Table) -> None:
        self._tables = graph.tables(schema.SubGraph.TENSORS, most=MOST_TENSORS)
        self._buffers = model.tables(schema.Model.BUFFERS, most=MOST_TENSORS + 1)

    def shape(self, index: int) -> Shape:
        """Of up to four dimensions."""
        return _item(self._tables, index).numbers(schema.Tensor.SHAPE, "i", 1, 4)

    def quantisation(self, index: int) -> tuple[float, int]:
        """Scale and zero point."""
        table = _item(self._tables, index).table(schema.Tensor.QUANTIZATION)
        (scale,) = table.numbers(schema.Quantization.SCALE, "f", 1, 1)
        (zero_point,) = table.numbers(schema.Quantization.ZERO_POINT, "q", 1, 1)
        return scale, zero_point

    def values(self, index: int, dtype: type[np.int8] | type[np.int32]) -> NDArray[Any]:
        """What is in a constant."""
        shape = self.shape(index)
        buffer = _item(self._buffers, _item(self._tables, index).number(schema.Tensor.BUFFER, "I"))
        content = buffer.data(schema.Buffer.DATA)
        if min(shape) < 1 or np.dtype(dtype).itemsize * math.prod(shape) != len(content):
            raise Malformed(f"{len(content)} bytes for {shape}")
        return np.frombuffer(content, dtype).reshape(shape)


def _operator(table: Table, number: int, tensors: _Tensors) -> Operator:
    """The n-th, which gives the n-th activation."""
    kind = _item(list(schema.BUILTINS), table.number(schema.Operator.OPCODE_INDEX, "I"))
    first, second, *third = table.numbers(schema.Operator.INPUTS, "i", 2, 3)
    if kind is Mean:
        return Mean((first,))
    if kind is Pad:
        return Pad((first,), int(_item(tensors.values(second, np.int32).reshape(-1), 2)))
    quantisation = tensors.quantisation(number)
    if kind is Add:
        return Add((first, second), *quantisation)
    values, bias = tensors.values(second, np.int8), tensors.values(_item(third, 0), np.int32)
    weights = Weights(values, tensors.quantisation(second)[0], bias)
    if kind is FullyConnected:
        return FullyConnected((first,), weights, *quantisation)
    depthwise = kind is DepthwiseConvolution
    slots = schema.DepthwiseConv2DOptions if depthwise else schema.Conv2DOptions
    options = table.table(schema.Operator.BUILTIN_OPTIONS)
    return (DepthwiseConvolution if depthwise else Convolution)(
        (first,),
        weights,
        *quantisation,
        stride=options.number(slots.STRIDE_W, "i"),
        relu=options.number(slots.FUSED_ACTIVATION_FUNCTION, "b") == schema.RELU,
    )


def _item(items: Sequence[T] | NDArray[Any], index: int) -> T:
    if not 0 <= index < len(items):
        raise Malformed(f"number {index} of {len(items)}")
    item: T = items[index]
    return item

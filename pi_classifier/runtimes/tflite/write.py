"""A program to the bytes of a .tflite file."""

import struct
from collections.abc import Sequence

from pi_classifier.runtimes.tflite import schema
from pi_classifier.runtimes.tflite.flatbuffer import Field, Fields, Vector, pack
from pi_classifier.runtimes.tflite.program import (
    Activation,
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


def to_bytes(program: Program) -> bytes:
    """The file: its tensors are the activations by number, then the constants. Equal programs give equal bytes.

    Raises:
        Unsound: an operator that does not take what it is given.
    """
    activations = program.activations()
    constants = _Constants(first=len(activations))
    operators = []
    for number, operator in enumerate(program.operators, 1):
        sources = [activations[source] for source in operator.sources]
        operators.append(_operator(operator, (*operator.sources, *constants.add_those_of(operator, sources)), number))
    graph: Fields = {
        schema.SubGraph.TENSORS: [*map(_activation, activations), *constants.tensors],
        schema.SubGraph.INPUTS: _int32s(0),
        schema.SubGraph.OUTPUTS: _int32s(*program.outputs),
        schema.SubGraph.OPERATORS: operators,
    }
    model: Fields = {
        schema.Model.VERSION: _int32(schema.VERSION),
        schema.Model.OPERATOR_CODES: [_operator_code(builtin) for builtin in schema.BUILTINS.values()],
        schema.Model.SUBGRAPHS: [graph],
        schema.Model.BUFFERS: [{}, *constants.buffers],
    }
    return pack(model, schema.IDENTIFIER)


class _Constants:
    """The tensors that have values, and the buffers with those."""

    def __init__(self, first: int) -> None:
        """`first`: the index that the first of them has among all tensors."""
        self.tensors: list[Fields] = []
        self.buffers: list[Fields] = []
        self._first = first

    def add_those_of(self, operator: Operator, sources: Sequence[Activation]) -> tuple[int, ...]:
        """Returns their indices among all tensors."""
        match operator:
            case Convolution(weights=weights) | FullyConnected(weights=weights):
                return self._add_weights(weights, sources[0].scale)
            case Pad(width=width):
                return (self._add((4, 2), schema.INT32, _int32s(0, 0, width, width, width, width, 0, 0).elements),)
            case Mean():
                return (self._add((2,), schema.INT32, _int32s(1, 2).elements),)
        return ()

    def _add_weights(self, weights: Weights, source_scale: float) -> tuple[int, int]:
        values, bias = weights.values.data.cast("B"), weights.bias.data.cast("B")
        bias_scale = _float32(source_scale) * _float32(weights.scale)
        return (
            self._add(weights.values.shape, schema.INT8, values, weights.scale),
            self._add(weights.bias.shape, schema.INT32, bias, bias_scale),
        )

    def _add(self, shape: Shape, type_: int, content: bytes | memoryview, scale: float | None = None) -> int:
        self.buffers.append({schema.Buffer.DATA: Vector(len(content), content)})
        self.tensors.append(_tensor(shape, type_, len(self.buffers), scale))
        return self._first + len(self.tensors) - 1


def _operator_code(builtin: schema.Builtin) -> Fields:
    return {
        schema.OperatorCode.DEPRECATED_BUILTIN_CODE: _int8(builtin.code),
        schema.OperatorCode.VERSION: _int32(builtin.version),
        schema.OperatorCode.BUILTIN_CODE: _int32(builtin.code),
    }


def _activation(activation: Activation) -> Fields:
    return _tensor(activation.shape, schema.INT8, 0, activation.scale, activation.zero_point)


def _tensor(shape: Shape, type_: int, buffer: int, scale: float | None, zero_point: int = 0) -> Fields:
    """`scale`: None where values are counts."""
    fields: dict[int, Field] = {
        schema.Tensor.SHAPE: _int32s(*shape),
        schema.Tensor.TYPE: _int8(type_),
        schema.Tensor.BUFFER: _int32(buffer),
    }
    if scale is not None:
        fields[schema.Tensor.QUANTIZATION] = {
            schema.Quantization.SCALE: Vector(1, struct.pack("<f", scale)),
            schema.Quantization.ZERO_POINT: Vector(1, struct.pack("<q", zero_point)),
        }
    return fields


def _operator(operator: Operator, inputs: Sequence[int], output: int) -> Fields:
    kind = type(operator)
    return {
        schema.Operator.OPCODE_INDEX: _int32(list(schema.BUILTINS).index(kind)),
        schema.Operator.INPUTS: _int32s(*inputs),
        schema.Operator.OUTPUTS: _int32s(output),
        schema.Operator.BUILTIN_OPTIONS_TYPE: _int8(schema.BUILTINS[kind].options),
        schema.Operator.BUILTIN_OPTIONS: _options(operator),
    }


def _options(operator: Operator) -> Fields:
    if not isinstance(operator, Convolution):
        return {}
    padding = _int8(schema.SAME if operator.stride == 1 else schema.VALID)
    stride = _int32(operator.stride)
    activation = _int8(schema.RELU if operator.relu else schema.NO_ACTIVATION)
    if isinstance(operator, DepthwiseConvolution):
        return {
            schema.DepthwiseConv2DOptions.PADDING: padding,
            schema.DepthwiseConv2DOptions.STRIDE_W: stride,
            schema.DepthwiseConv2DOptions.STRIDE_H: stride,
            schema.DepthwiseConv2DOptions.DEPTH_MULTIPLIER: _int32(1),
            schema.DepthwiseConv2DOptions.FUSED_ACTIVATION_FUNCTION: activation,
        }
    return {
        schema.Conv2DOptions.PADDING: padding,
        schema.Conv2DOptions.STRIDE_W: stride,
        schema.Conv2DOptions.STRIDE_H: stride,
        schema.Conv2DOptions.FUSED_ACTIVATION_FUNCTION: activation,
    }


def _int8(value: int) -> bytes:
    return struct.pack("<b", value)


def _int32(value: int) -> bytes:
    return struct.pack("<i", value)


def _int32s(*values: int) -> Vector:
    return Vector(len(values), struct.pack(f"<{len(values)}i", *values))


def _float32(value: float) -> float:
    """The nearest float32."""
    (nearest,) = struct.unpack("<f", struct.pack("<f", value))
    return float(nearest)

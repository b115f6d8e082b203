"""A program to the bytes of a .tflite file."""

import itertools
import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pi_classifier.runtimes.tflite import schema
from pi_classifier.runtimes.tflite.flatbuffer import Numbers, Writer
from pi_classifier.runtimes.tflite.program import (
    Convolution,
    DepthwiseConvolution,
    FullyConnected,
    Mean,
    Operator,
    Pad,
    Program,
    Shape,
)


def to_bytes(program: Program) -> bytes:
    """The file: its tensors are the activations by number, then the constants. Equal programs give equal bytes.

    Raises:
        Unsound: an operator that does not take what it is given.
    """
    activations = [_Tensor(shape, schema.INT8, scale, zero) for shape, scale, zero in program.activations()]
    constants = [list(_constants(operator, activations[operator.sources[0]])) for operator in program.operators]
    file = Writer(schema.IDENTIFIER)
    model = schema.Model
    codes, graphs, buffers = file.table(
        file.ROOT, ((model.VERSION, _int32(schema.VERSION)),), (model.OPERATOR_CODES, model.SUBGRAPHS, model.BUFFERS)
    )
    for place, builtin in zip(file.tables(codes, len(schema.BUILTINS)), schema.BUILTINS.values(), strict=True):
        file.table(place, _operator_code(builtin))
    for place in file.tables(graphs, 1):
        _add_graph(file, place, program, activations, constants)
    _add_buffers(
        file, buffers, [tensor.content for several in constants for tensor in several if tensor.content is not None]
    )
    return file.to_bytes()


class _Tensor(NamedTuple):
    """An activation, or a constant, which has content."""

    shape: Shape
    type_: int
    scale: float | None
    """None where values are counts."""
    zero_point: int = 0
    content: bytes | memoryview | None = None


def _constants(operator: Operator, source: _Tensor) -> Iterator[_Tensor]:
    """What an operator takes besides its sources, of which this is the first."""
    match operator:
        case Convolution(weights=weights) | FullyConnected(weights=weights):
            values, bias = weights.values, weights.bias
            bias_scale = _float32(source.scale or 0.0) * _float32(weights.scale)
            yield _Tensor(values.shape, schema.INT8, weights.scale, content=values.data.cast("B"))
            yield _Tensor(bias.shape, schema.INT32, bias_scale, content=bias.data.cast("B"))
        case Pad(width=width):
            yield _Tensor((4, 2), schema.INT32, None, content=_int32s((0, 0, width, width, width, width, 0, 0)))
        case Mean():
            yield _Tensor((2,), schema.INT32, None, content=_int32s((1, 2)))


def _add_graph(
    file: Writer,
    place: int,
    program: Program,
    activations: Sequence[_Tensor],
    constants: Sequence[Sequence[_Tensor]],
) -> None:
    graph = schema.SubGraph
    tensors, inputs, outputs, operators = file.table(
        place, others=(graph.TENSORS, graph.INPUTS, graph.OUTPUTS, graph.OPERATORS)
    )
    _add_tensors(file, tensors, [*activations, *(constant for several in constants for constant in several)])
    file.vector(inputs, 1, _int32(0))
    file.vector(outputs, len(program.outputs), _int32s(program.outputs))
    places = file.tables(operators, len(program.operators))
    index = len(activations)
    for output, (step, operator, own) in enumerate(zip(places, program.operators, constants, strict=True), 1):
        _add_operator(file, step, operator, (*operator.sources, *range(index, index + len(own))), output)
        index += len(own)


def _add_tensors(file: Writer, vector: int, tensors: Sequence[_Tensor]) -> None:
    slots = schema.Tensor
    buffers = itertools.count(1)
    for place, tensor in zip(file.tables(vector, len(tensors)), tensors, strict=True):
        type_ = ((slots.TYPE, _int8(tensor.type_)),)
        if tensor.scale is None:
            shape, buffer = file.table(place, type_, (slots.SHAPE, slots.BUFFER))
        else:
            shape, buffer, quantisation = file.table(place, type_, (slots.SHAPE, slots.BUFFER, slots.QUANTIZATION))
        if tensor.content is not None:
            file.number(buffer, next(buffers))
        file.vector(shape, len(tensor.shape), _int32s(tensor.shape))
        if tensor.scale is not None:
            _add_quantisation(file, quantisation, tensor.scale, tensor.zero_point)


def _add_quantisation(file: Writer, place: int, scale: float, zero_point: int) -> None:
    scales, zero_points = file.table(place, others=(schema.Quantization.SCALE, schema.Quantization.ZERO_POINT))
    file.vector(scales, 1, struct.pack("<f", scale))
    file.vector(zero_points, 1, struct.pack("<q", zero_point))


def _add_operator(file: Writer, place: int, operator: Operator, inputs: Sequence[int], output: int) -> None:
    slots, kind = schema.Operator, type(operator)
    index, type_ = list(schema.BUILTINS).index(kind), schema.BUILTINS[kind].options
    sources, outputs, options = file.table(
        place,
        ((slots.OPCODE_INDEX, _int32(index)), (slots.BUILTIN_OPTIONS_TYPE, _int8(type_))),
        (slots.INPUTS, slots.OUTPUTS, slots.BUILTIN_OPTIONS),
    )
    file.vector(sources, len(inputs), _int32s(inputs))
    file.vector(outputs, 1, _int32(output))
    file.table(options, _options(operator))


def _add_buffers(file: Writer, vector: int, contents: Sequence[bytes | memoryview]) -> None:
    """The first one is empty."""
    empty, *places = file.tables(vector, 1 + len(contents))
    file.table(empty)
    for place, content in zip(places, contents, strict=True):
        (data,) = file.table(place, others=(schema.Buffer.DATA,))
        file.vector(data, len(content), content)


def _operator_code(builtin: schema.Builtin) -> Numbers:
    return (
        (schema.OperatorCode.DEPRECATED_BUILTIN_CODE, _int8(builtin.code)),
        (schema.OperatorCode.VERSION, _int32(builtin.version)),
        (schema.OperatorCode.BUILTIN_CODE, _int32(builtin.code)),
    )


def _options(operator: Operator) -> Numbers:
    if not isinstance(operator, Convolution):
        return ()
    padding = _int8(schema.SAME if operator.stride == 1 else schema.VALID)
    stride = _int32(operator.stride)
    activation = _int8(schema.RELU if operator.relu else schema.NO_ACTIVATION)
    if isinstance(operator, DepthwiseConvolution):
        return (
            (schema.DepthwiseConv2DOptions.PADDING, padding),
            (schema.DepthwiseConv2DOptions.STRIDE_W, stride),
            (schema.DepthwiseConv2DOptions.STRIDE_H, stride),
            (schema.DepthwiseConv2DOptions.DEPTH_MULTIPLIER, _int32(1)),
            (schema.DepthwiseConv2DOptions.FUSED_ACTIVATION_FUNCTION, activation),
        )
    return (
        (schema.Conv2DOptions.PADDING, padding),
        (schema.Conv2DOptions.STRIDE_W, stride),
        (schema.Conv2DOptions.STRIDE_H, stride),
        (schema.Conv2DOptions.FUSED_ACTIVATION_FUNCTION, activation),
    )


def _int8(value: int) -> bytes:
    return struct.pack("<b", value)


def _int32(value: int) -> bytes:
    return struct.pack("<i", value)


def _int32s(values: Sequence[int]) -> bytes:
    return struct.pack(f"<{len(values)}i", *values)


def _float32(value: float) -> float:
    """The nearest float32."""
    (nearest,) = struct.unpack("<f", struct.pack("<f", value))
    return float(nearest)

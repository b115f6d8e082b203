"""What TFLite's schema.fbs says of the tables that are used here: the slots of fields, and its numbers for things.

Each class is a table, and its members are slots; fields that are left out have the schema's defaults.
"""

from typing import NamedTuple

from pi_classifier.runtimes.tflite import program

IDENTIFIER = b"TFL3"
VERSION = 3
INT8, INT32 = 9, 2
"""TensorType."""
SAME, VALID = 0, 1
"""Padding."""
NO_ACTIVATION, RELU = 0, 1
"""ActivationFunctionType."""


class Model:
    """The root."""

    VERSION, OPERATOR_CODES, SUBGRAPHS, BUFFERS = 0, 1, 2, 4


class OperatorCode:
    """One for each kind of operator; operators name it by its index."""

    DEPRECATED_BUILTIN_CODE, VERSION, BUILTIN_CODE = 0, 2, 3


class SubGraph:
    """The network; there is one."""

    TENSORS, INPUTS, OUTPUTS, OPERATORS = 0, 1, 2, 3


class Buffer:
    """The values of a constant; tensors name it by its index. The first one is empty, and that of all activations."""

    DATA = 0


class Tensor:
    """An activation or a constant."""

    SHAPE, TYPE, BUFFER, QUANTIZATION = 0, 1, 2, 4


class Quantization:
    """Vectors, of one element here."""

    SCALE, ZERO_POINT = 2, 3


class Operator:
    """A step."""

    OPCODE_INDEX, INPUTS, OUTPUTS, BUILTIN_OPTIONS_TYPE, BUILTIN_OPTIONS = 0, 1, 2, 3, 4


class Conv2DOptions:
    """Of a convolution."""

    PADDING, STRIDE_W, STRIDE_H, FUSED_ACTIVATION_FUNCTION = 0, 1, 2, 3


class DepthwiseConv2DOptions:
    """Of a depthwise convolution."""

    PADDING, STRIDE_W, STRIDE_H, DEPTH_MULTIPLIER, FUSED_ACTIVATION_FUNCTION = 0, 1, 2, 3, 4


class Builtin(NamedTuple):
    """One of TFLite's operators."""

    code: int
    """BuiltinOperator."""
    version: int
    options: int
    """BuiltinOptions, the type of its options."""


BUILTINS: dict[type[program.Operator], Builtin] = {
    program.Add: Builtin(0, 2, 11),
    program.Convolution: Builtin(3, 3, 1),
    program.DepthwiseConvolution: Builtin(4, 3, 2),
    program.FullyConnected: Builtin(9, 4, 8),
    program.Pad: Builtin(34, 2, 22),
    program.Mean: Builtin(40, 2, 27),
}
"""The operators that there are, at the versions in which they take int8, in the order of a file's operator codes."""

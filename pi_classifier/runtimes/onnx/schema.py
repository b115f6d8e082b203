"""What of ONNX's schema is read: the messages, and their fields by number.

https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

from enum import IntEnum


class Model(IntEnum):
    """`ModelProto`."""

    IR_VERSION = 1
    PRODUCER_NAME = 2
    PRODUCER_VERSION = 3
    GRAPH = 7
    METADATA_PROPS = 14
    FUNCTIONS = 25


class Graph(IntEnum):
    """`GraphProto`."""

    NODE = 1
    INITIALIZER = 5
    INPUT = 11
    OUTPUT = 12
    SPARSE_INITIALIZER = 15


class Node(IntEnum):
    """`NodeProto`."""

    OP_TYPE = 4
    ATTRIBUTE = 5
    DOMAIN = 7


class Attribute(IntEnum):
    """`AttributeProto`."""

    T = 5
    G = 6
    TENSORS = 10
    GRAPHS = 11
    SPARSE_TENSOR = 22
    SPARSE_TENSORS = 23


class SparseTensor(IntEnum):
    """`SparseTensorProto`."""

    VALUES = 1
    INDICES = 2


class Tensor(IntEnum):
    """`TensorProto`."""

    NAME = 8
    EXTERNAL_DATA = 13
    DATA_LOCATION = 14


class ValueInfo(IntEnum):
    """`ValueInfoProto`."""

    NAME = 1
    TYPE = 2


class Type(IntEnum):
    """`TypeProto`, which has a field for each kind of value."""

    TENSOR_TYPE = 1


class TensorType(IntEnum):
    """`TypeProto.Tensor`."""

    ELEM_TYPE = 1
    SHAPE = 2


class TensorShape(IntEnum):
    """`TensorShapeProto`."""

    DIM = 1


class Dimension(IntEnum):
    """`TensorShapeProto.Dimension`; one with a name, or nothing, in place of a value is open."""

    DIM_VALUE = 1


class Entry(IntEnum):
    """`StringStringEntryProto`."""

    KEY = 1
    VALUE = 2


REPEATED: dict[type[IntEnum], dict[IntEnum, type[IntEnum]]] = {
    Graph: {Graph.NODE: Node, Graph.INITIALIZER: Tensor, Graph.SPARSE_INITIALIZER: SparseTensor},
    Node: {Node.ATTRIBUTE: Attribute},
    Attribute: {
        Attribute.TENSORS: Tensor, Attribute.GRAPHS: Graph, Attribute.SPARSE_TENSORS: SparseTensor
    },
}  # fmt: skip
"""The messages in a message that can hold operators or tensors, any number of each."""
SINGLE: dict[type[IntEnum], dict[IntEnum, type[IntEnum]]] = {
    Model: {Model.GRAPH: Graph},
    Attribute: {Attribute.T: Tensor, Attribute.G: Graph, Attribute.SPARSE_TENSOR: SparseTensor},
    SparseTensor: {SparseTensor.VALUES: Tensor, SparseTensor.INDICES: Tensor},
}
"""And those that are there at most once."""
DTYPES = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 8: "string", 9: "bool",
    10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 16: "bfloat16",
}  # fmt: skip
"""`TensorProto.DataType`, those that models take or give."""

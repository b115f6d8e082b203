"""The bytes of a .tflite file, held against the schema that comes with LiteRT."""

import hashlib
from typing import Any

import numpy as np
import pytest

from pi_classifier.runtimes.tflite.program import Program
from pi_classifier.runtimes.tflite.write import to_bytes
from tests.runtimes.tflite.sample import PROGRAM

CONVOLUTION, DEPTHWISE = (3, 3), (4, 3)
"""TFLite's codes, with versions."""


@pytest.fixture(scope="module")
def schema() -> Any:
    """The classes that FlatBuffers' own compiler made of TFLite's schema."""
    return pytest.importorskip("ai_edge_litert.schema_py_generated")


def unpacked(schema: Any, program: Program) -> Any:
    """A program's file as FlatBuffers' own reader sees it."""
    file = to_bytes(program)
    assert schema.Model.ModelBufferHasIdentifier(file, 0)
    return schema.ModelT.InitFromPackedBuf(file)


def test_tensors_are_what_the_program_says(schema: Any) -> None:
    """Protects the slots: shapes, types, scales, zero points and values are in TFLite's places."""
    model = unpacked(schema, PROGRAM)
    (graph,) = model.subgraphs
    activations = PROGRAM.activations()
    for tensor, activation in zip(graph.tensors, activations, strict=False):
        assert tuple(tensor.shape) == activation.shape
        assert (tensor.type, tensor.buffer) == (schema.TensorType.INT8, 0)
        assert tensor.quantization.scale == [np.float32(activation.scale)]
        assert tensor.quantization.zeroPoint == [activation.zero_point]
    pad, first, *_, mean, connected = graph.operators
    assert model.buffers[0].data is None

    def values(index: int) -> list[Any]:
        tensor = graph.tensors[index]
        assert index >= len(activations)
        dtype = {schema.TensorType.INT8: np.int8, schema.TensorType.INT32: np.int32}[tensor.type]
        found: list[Any] = model.buffers[tensor.buffer].data.view(dtype).reshape(tensor.shape).tolist()
        return found

    assert values(pad.inputs[1]) == [[0, 0], [1, 1], [1, 1], [0, 0]]
    assert values(mean.inputs[1]) == [1, 2]
    for operator, number in ((first, 1), (connected, 6)):
        weights = PROGRAM.operators[number].weights  # type: ignore[union-attr]
        assert values(operator.inputs[1]) == weights.values.tolist()
        assert values(operator.inputs[2]) == weights.bias.tolist()
        of_weights, of_bias = (graph.tensors[index].quantization for index in operator.inputs[1:])
        assert of_weights.scale == [np.float32(weights.scale)]
        source = np.float64(np.float32(activations[operator.inputs[0]].scale))
        assert of_bias.scale == [np.float32(source * np.float32(weights.scale))]
        assert list(of_weights.zeroPoint) == list(of_bias.zeroPoint) == [0]


def test_operators_are_what_the_program_says(schema: Any) -> None:
    """Protects what is computed: kinds with their versions, inputs, outputs, strides, padding and ReLU."""
    model = unpacked(schema, PROGRAM)
    (graph,) = model.subgraphs
    codes = [(code.builtinCode, code.version) for code in model.operatorCodes]
    assert all(code.builtinCode == code.deprecatedBuiltinCode for code in model.operatorCodes)
    kinds = [codes[operator.opcodeIndex] for operator in graph.operators]
    assert kinds == [(34, 2), CONVOLUTION, DEPTHWISE, CONVOLUTION, (0, 2), (40, 2), (9, 4)]
    assert (list(graph.inputs), list(graph.outputs), model.version) == ([0], [7, 6], 3)
    for number, (operator, step) in enumerate(zip(graph.operators, PROGRAM.operators, strict=True), 1):
        assert tuple(operator.inputs[: len(step.sources)]) == step.sources
        assert list(operator.outputs) == [number]
    options = [operator.builtinOptions for operator in graph.operators]
    assert [type(option).__name__.removesuffix("T") for option in options] == [
        "PadOptions", "Conv2DOptions", "DepthwiseConv2DOptions", "Conv2DOptions", "AddOptions", "ReducerOptions",
        "FullyConnectedOptions",
    ]  # fmt: skip
    strides = [(option.strideW, option.strideH, option.padding) for option in options[1:4]]
    assert strides == [(2, 2, schema.Padding.VALID), (1, 1, schema.Padding.SAME), (1, 1, schema.Padding.SAME)]
    relu = schema.ActivationFunctionType.RELU
    assert [option.fusedActivationFunction for option in options[1:4]] == [relu, relu, 0]
    assert all((option.dilationWFactor, option.dilationHFactor) == (1, 1) for option in options[1:4])
    assert options[2].depthMultiplier == 1
    assert not options[5].keepDims


def test_layout_never_changes_unnoticed() -> None:
    """Protects files that users have: those of another layout are refused, so a new one is a new version of bundles."""
    digest = hashlib.sha256(to_bytes(PROGRAM)).hexdigest()
    assert digest == "b22a2b6fe5e5847f21a4a9c1463e3247248a8b32fca89aa1ae12797dd9505aca"

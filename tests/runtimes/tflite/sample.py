"""A small program with every kind of operator, and the metadata that fit."""

import numpy as np

from pi_classifier.runtimes.tflite.program import (
    Add,
    Convolution,
    DepthwiseConvolution,
    FullyConnected,
    Mean,
    Pad,
    Program,
    Weights,
)
from pi_classifier.runtimes.tflite.verify import input_of
from tests import fakes

METADATA = fakes.METADATA._replace(scale=float(np.float32(0.02)))


def weights(*shape: int, scale: float = 0.01) -> Weights:
    """Some; the first dimension is that of the outputs, but that a depthwise convolution has the last one."""
    values = (np.arange(np.prod(shape)) * 37 % 255 - 127).astype(np.int8).reshape(shape)
    outputs = shape[-1] if shape[0] == 1 else shape[0]
    return Weights(values, scale, (np.arange(outputs, dtype=np.int32) * 101 - 200).astype("<i4"))


PROGRAM = Program(
    input_of(METADATA),
    (
        Pad((0,), 1),
        Convolution((1,), weights(4, 3, 3, 3), 0.05, -128, stride=2, relu=True),
        DepthwiseConvolution((2,), weights(1, 3, 3, 4), 0.06, -128, stride=1, relu=True),
        Convolution((3,), weights(4, 1, 1, 4), 0.04, 5, stride=1, relu=False),
        Add((2, 4), 0.07, -100),
        Mean((5,)),
        FullyConnected((6,), weights(3, 4), 0.03, 7),
    ),
    outputs=(7, 6),
)
"""Activations 1 to 7 are what its operators give."""

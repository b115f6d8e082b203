"""The scales of a program's activations: which of them are free to move, and where to.

All that XNNPACK computes depends on ratios of scales, so most of them may be others, if all around them move along.
"""

from collections.abc import Mapping

import numpy as np

from pi_classifier.runtimes.tflite.program import Add, Convolution, FullyConnected, Program

NEIGHBOURS = np.array(sorted(range(-4, 5), key=abs), np.int32)
"""How many float32 away from a computed scale others are tried."""


def near(scale: float) -> list[float]:
    """The nearest float32 and its neighbours, the nearest first."""
    near: list[float] = (np.float32(scale).view(np.int32) + NEIGHBOURS).view(np.float32).tolist()
    return near


def with_scales(program: Program, scales: Mapping[int, float]) -> Program | None:
    """The program with these scales of what layers and sums give, by number; None if an output's would be another.

    A padding and a mean pass their scale on. For XNNPACK that is a ratio of 1, whatever the scale is.
    """
    operators = list(program.operators)
    for number, operator in enumerate(operators, 1):
        if number in scales and isinstance(operator, Convolution | FullyConnected | Add):
            operators[number - 1] = operator._replace(scale=scales[number])
    moved = program._replace(operators=tuple(operators))
    before, after = program.activations(), moved.activations()
    return None if any(before[number] != after[number] for number in program.outputs) else moved

"""The proof of a program's sums: every pair of bytes, added by LiteRT itself and by torch."""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from pi_classifier.prepare.sums import BYTES, Sum, by_torch, sums_of
from pi_classifier.runtimes.litert import load, outputs_for
from pi_classifier.runtimes.tflite.program import Activation, Add, Convolution, Operator, Program, Weights
from pi_classifier.runtimes.tflite.write import to_bytes


def differing_pairs(reference: Program, program: Program) -> tuple[int, ...]:
    """How many of the 65,536 pairs of bytes LiteRT adds to another byte than torch: of each sum, in their order.

    Args:
        reference: with the scales that torch has.
        program: for LiteRT, with the same sums.

    Raises:
        ModelError: LiteRT does not compute such sums by XNNPACK here.
    """
    expected, totals = map(by_torch, sums_of(reference).values()), by_litert(sums_of(program).values())
    return tuple(int(np.count_nonzero(one != other)) for one, other in zip(expected, totals, strict=True))


def by_litert(sums: Collection[Sum]) -> list[NDArray[np.int8]]:
    """What LiteRT gives for each of these sums, each as `by_torch` has it: int8, (256, 256), at [a + 128, b + 128].

    Raises:
        ModelError: it does not compute them by XNNPACK here.
    """
    interpreter = load(to_bytes(_all_pairs(sums)), "the sums of this model", threads=1)
    pairs = np.stack(np.meshgrid(BYTES, BYTES, indexing="ij"), axis=-1)
    return [total[0, :, :, 0] for total in outputs_for(interpreter, pairs[None].astype(np.int8))]


def _all_pairs(sums: Collection[Sum]) -> Program:
    """Takes a and b as two channels, (1, 256, 256, 2), and gives every sum of them, each (1, 256, 256, 1)."""
    given = Activation((1, 256, 256, 2), 1.0, 0)
    operators: list[Operator] = []
    for addition in sums:
        operators += [_picking(0, addition.a), _picking(1, addition.b)]
        sources = len(operators) - 1, len(operators)
        operators.append(Add(sources, addition.total.scale, addition.total.zero_point))
    return Program(given, tuple(operators), tuple(range(3, len(operators) + 1, 3)))


def _picking(channel: int, wanted: Activation) -> Convolution:
    """Gives one channel of an input of scale 1 and zero point 0, byte by byte, as an activation like the wanted one."""
    values = np.zeros((1, 1, 1, 2), np.int8)
    values[..., channel] = 1
    # It multiplies by 1 * scale / scale, and adds the zero point, which the bias takes off before.
    weights = Weights(values, wanted.scale, np.array([-wanted.zero_point], np.int32))
    return Convolution((0,), weights, wanted.scale, wanted.zero_point, stride=1, relu=False)

"""A program whose sums are torch's: scales are moved by millionths, until XNNPACK takes the multipliers that give them.

The scale of a sum and that of its second summand are free, as long as those of the weights around them move along;
that is left to `exact_factors`. No stored integer changes.
"""

from collections.abc import Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray

from pi_classifier.prepare.scales import near, with_scales
from pi_classifier.prepare.sums import Multipliers, Sum, by_torch, by_xnnpack, multipliers_of, sums_of
from pi_classifier.runtimes.tflite.program import Convolution, Program

REACH = 4
"""How far from XNNPACK's own multipliers others are looked for; the larger of the two is above a million."""


def with_exact_sums(program: Program) -> Program:
    """The program with sums that differ from torch's on as few of the 65,536 pairs of bytes as can be: mostly on none.

    Its input and its outputs stay as they are. So does a sum where nothing better is near.

    Args:
        program: with the scales that torch has, which is asked for its sums (`by_torch`).
    """
    expected = {number: by_torch(addition) for number, addition in sums_of(program).items()}
    for number, totals in expected.items():  # in order, for a sum's scale is the next one's
        program = _with_exact_sum(program, number, totals)
    return program


def _with_exact_sum(program: Program, number: int, expected: NDArray[np.int8]) -> Program:
    addition, branch = sums_of(program)[number], program.operators[number - 1].sources[-1]
    if not _is_free(program, branch):
        return program
    own = multipliers_of(addition)
    for multipliers in _best_first(addition, expected):
        if multipliers == own:
            break
        for b, total in _scales_for(multipliers, addition):
            if moved := with_scales(program, {branch: b, number: total}):
                return moved
    return program


def _is_free(program: Program, number: int) -> bool:
    """Whether an activation is a convolution's, and one sum alone takes it."""
    given = isinstance(program.operators[number - 1], Convolution) if number else False
    return given and sum(operator.sources.count(number) for operator in program.operators) == 1


def _best_first(addition: Sum, expected: NDArray[np.int8]) -> list[Multipliers]:
    """All multipliers in reach: those with the fewest wrong totals first, and of these the nearest to XNNPACK's own."""
    own = multipliers_of(addition)
    reach = range(-REACH, REACH + 1)
    near = {(i, k): own._replace(a=own.a + i, b=own.b + k) for i, k in product(reach, reach)}
    # A total only grows, or only falls, with a multiplier: one that is right at the four corners is right within.
    corners = [near[i, k] for i, k in product((-REACH, REACH), (-REACH, REACH))]
    doubtful = np.nonzero(np.any([by_xnnpack(addition, corner) != expected for corner in corners], axis=0))
    a, b = (index.astype(np.int32) - 128 for index in doubtful)

    def rank(offsets: tuple[int, int]) -> tuple[int, int]:
        wrong = by_xnnpack(addition, near[offsets], a, b) != expected[doubtful]
        return int(np.count_nonzero(wrong)), sum(map(abs, offsets))

    return [near[offsets] for offsets in sorted(near, key=rank)]


def _scales_for(multipliers: Multipliers, addition: Sum) -> Iterator[tuple[float, float]]:
    """Scales of the second summand and of the total, for which XNNPACK takes these multipliers."""
    unit = 2.0**multipliers.shift
    for total in near(addition.a.scale * unit / multipliers.a):
        for b in near(total * multipliers.b / unit):
            moved = Sum(addition.a, addition.b._replace(scale=b), addition.total._replace(scale=total))
            if multipliers_of(moved) == multipliers:
                yield b, total

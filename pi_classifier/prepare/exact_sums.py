"""A program whose sums are torch's: scales are moved by millionths, until XNNPACK takes the multipliers that give them.

All that XNNPACK computes depends on ratios of scales. So the scale of a sum and that of its second summand are free,
as long as the weights' scales move with them: every convolution keeps the factor that it multiplies by, exactly, and
with that all of its outputs. No stored integer changes.
"""

from collections.abc import Iterator, Mapping
from itertools import product

import numpy as np
from numpy.typing import NDArray

from pi_classifier.prepare.sums import Multipliers, Sum, by_torch, by_xnnpack, multipliers_of, sums_of
from pi_classifier.runtimes.tflite.program import Activation, Add, Convolution, FullyConnected, Mean, Program

REACH = 4
"""How far from XNNPACK's own multipliers others are looked for; the larger of the two is above a million."""
NEIGHBOURS = np.array(sorted(range(-4, 5), key=abs), np.int32)
"""How many float32 away from the computed scale others are tried."""


def with_exact_sums(program: Program) -> Program:
    """The program with sums that differ from torch's on as few of the 65,536 pairs of bytes as can be: mostly on none.

    Its input, its outputs, and what its convolutions give for what they are given stay as they are. A sum stays as it
    is where nothing better is near, or where a convolution could not be kept.

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
            if rescaled := _rescaled(program, {branch: b, number: total}):
                return rescaled
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
    for total in _near(addition.a.scale * unit / multipliers.a):
        for b in _near(total * multipliers.b / unit):
            moved = Sum(addition.a, addition.b._replace(scale=b), addition.total._replace(scale=total))
            if multipliers_of(moved) == multipliers:
                yield b, total


def _rescaled(program: Program, scales: Mapping[int, float]) -> Program | None:
    """The program with these scales of activations, by number, and with scales of weights that keep convolutions.

    None if there are no such weights, or if an output's scale, or one that a mean takes, would be another.
    """
    operators = list(program.operators)
    for number, operator in enumerate(operators, 1):
        if isinstance(operator, Convolution | Add) and number in scales:
            operators[number - 1] = operator._replace(scale=scales[number])
    before, after = program.activations(), program._replace(operators=tuple(operators)).activations()
    # A mean divides by the scale times the number of pixels, which is rounded: it depends on more than a ratio.
    fixed = {*program.outputs, *(operator.sources[0] for operator in operators if isinstance(operator, Mean))}
    if any(before[number] != after[number] for number in fixed):
        return None
    for number, operator in enumerate(operators, 1):
        if isinstance(operator, Convolution | FullyConnected):
            (source,) = operator.sources
            scale = operator.weights.scale
            kept = _kept(scale, (before[source], before[number]), (after[source], after[number]))
            if kept is None:
                return None
            operators[number - 1] = operator._replace(weights=operator.weights._replace(scale=kept))
    return program._replace(operators=tuple(operators))


def _kept(scale: float, before: tuple[Activation, Activation], after: tuple[Activation, Activation]) -> float | None:
    """The scale of weights that multiply as those of `scale` did, between other activations; None if there is none."""
    if before == after:
        return scale
    factor = requantisation(scale, *before)
    (source, output), (new_source, new_output) = before, after
    guess = scale * source.scale / new_source.scale * new_output.scale / output.scale
    return next((one for one in _near(guess) if requantisation(one, *after) == factor), None)


def requantisation(weights: float, source: Activation, output: Activation) -> np.float32:
    """What a convolution multiplies its sums by, rounded as XNNPACK does: src/operators/convolution-nhwc.c."""
    return np.float32(source.scale) * np.float32(weights) / np.float32(output.scale)


def _near(scale: float) -> list[float]:
    """The nearest float32 and its neighbours, the nearest first."""
    near: list[float] = (np.float32(scale).view(np.int32) + NEIGHBOURS).view(np.float32).tolist()
    return near

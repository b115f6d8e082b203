"""A program whose convolutions are torch's: scales are moved until XNNPACK multiplies by the factor of QNNPACK.

Convolutions and fully connected layers multiply sums of integers by one float32, the product of the scales of input and
weights over that of the output. QNNPACK and XNNPACK round it step by step, in other steps; so about every fourth factor
differs in its last bit, and a few sums of such a layer, very near to the middle between two bytes, are rounded
otherwise. The scale of the weights is free. Where no float32 there gives the factor, that of the output or of the input
is moved, too. No stored integer changes.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from pi_classifier.prepare.scales import near, with_scales
from pi_classifier.prepare.sums import Multipliers, multipliers_of, sums_of
from pi_classifier.runtimes.tflite.program import Add, Convolution, FullyConnected, Mean, Pad, Program

STEPS = tuple(sign * step for step in (1, 2, 3, 4, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377) for sign in (1, -1))
"""How far from a scale others are tried, by its 2**23rd parts: near ones, and some that are in no step with these."""


def with_exact_factors(program: Program, reference: Program) -> Program:
    """The program with torch's factors, and with the nearest ones where scales that may move do not reach them.

    Its input, its outputs and the multipliers of its sums stay as they are.

    Args:
        program: the reference, or what `with_exact_sums` made of it.
        reference: with the scales that torch has.
    """
    wanted = {number: torchs_factor(*scales) for number, scales in _layers(reference).items()}
    program = _weighted(program, wanted)
    for number in _missed(program, wanted):
        program = _improved(program, number, wanted)
    return program


def differing_factors(reference: Program, program: Program) -> list[int]:
    """The layers that XNNPACK computes with another factor than torch: the numbers of the activations they give.

    Args:
        reference: with the scales that torch has.
        program: for LiteRT, with the same layers.
    """
    return _missed(program, {number: torchs_factor(*scales) for number, scales in _layers(reference).items()})


def torchs_factor(weights: float, source: float, output: float) -> np.float32:
    """The factor in QNNPACK: `generate_requantization_scales` in torch's ATen/native/quantized/cpu/QnnpackUtils.h."""
    return (np.float32(weights) * np.float32(source)) * (np.float32(1) / np.float32(output))


def xnnpacks_factor(weights: float, source: float, output: float) -> np.float32:
    """The factor in XNNPACK: `xnn_create_convolution2d_nhwc_qs8` in its src/operators/convolution-nhwc.c."""
    return np.float32(source) * np.float32(weights) / np.float32(output)


def _layers(program: Program) -> dict[int, tuple[float, float, float]]:
    """The scales of weights, input and output of each convolution and fully connected layer."""
    activations = program.activations()
    return {
        number: (operator.weights.scale, activations[operator.sources[0]].scale, operator.scale)
        for number, operator in enumerate(program.operators, 1)
        if isinstance(operator, Convolution | FullyConnected)
    }


def _missed(program: Program, wanted: Mapping[int, np.float32]) -> list[int]:
    """The layers that have another factor than is wanted."""
    return [number for number, scales in _layers(program).items() if xnnpacks_factor(*scales) != wanted[number]]


def _weighted(program: Program, wanted: Mapping[int, np.float32]) -> Program:
    """The program with the scales of weights that come nearest to the wanted factors."""
    operators, layers = list(program.operators), _layers(program)
    for number in _missed(program, wanted):
        operator = operators[number - 1]
        if isinstance(operator, Convolution | FullyConnected):
            scale = _weights_scale(wanted[number], *layers[number][1:])
            operators[number - 1] = operator._replace(weights=operator.weights._replace(scale=scale))
    return program._replace(operators=tuple(operators))


def _weights_scale(factor: np.float32, source: float, output: float) -> float:
    scales = near(float(factor) * output / source)
    return min(scales, key=lambda scale: abs(float(xnnpacks_factor(scale, source, output)) - float(factor)))


def _improved(program: Program, number: int, wanted: Mapping[int, np.float32]) -> Program:
    """The first program with other scales of what a layer gives or takes that misses fewer factors, if there is one."""
    missed = len(_missed(program, wanted))
    choices = (_weighted(moved, wanted) for moved in _moved(program, number))
    return next((choice for choice in choices if len(_missed(choice, wanted)) < missed), program)


def _moved(program: Program, number: int) -> Iterator[Program]:
    """The program with other scales of what this layer gives, and of what it takes, and with the same multipliers.

    A scale moves alone at first, then together with those that sums tie it to.
    """
    scales, multipliers = [activation.scale for activation in program.activations()], _multipliers(program)
    ends = number, _origin(program, *program.operators[number - 1].sources)
    for group in (*({end} for end in ends), *(_tied(program, end) for end in ends)):
        for step in STEPS:
            moved = with_scales(program, {one: float(np.float32(scales[one] * (1 + step / 2**23))) for one in group})
            if moved and _multipliers(moved) == multipliers:
                yield moved


def _tied(program: Program, number: int) -> set[int]:
    """This activation, and those whose scales have to move with it where sums keep their multipliers."""
    tied = {number}
    for total, operator in reversed([*enumerate(program.operators, 1)]):
        if isinstance(operator, Add) and tied & {total, *operator.sources}:
            tied |= {total, *operator.sources}
    return tied


def _origin(program: Program, number: int) -> int:
    """The activation that this one has its scale from."""
    while number and isinstance(operator := program.operators[number - 1], Pad | Mean):
        (number,) = operator.sources
    return number


def _multipliers(program: Program) -> list[Multipliers]:
    return [multipliers_of(addition) for addition in sums_of(program).values()]

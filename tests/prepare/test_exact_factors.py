"""The factors of layers: how QNNPACK and XNNPACK round them, and scales with which XNNPACK takes QNNPACK's."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch.ao.nn import quantized as nnq

from pi_classifier.prepare.exact_factors import (
    differing_factors,
    torchs_factor,
    with_exact_factors,
    xnnpacks_factor,
)
from pi_classifier.prepare.sums import multipliers_of, sums_of
from pi_classifier.runtimes.litert import load, outputs_for
from pi_classifier.runtimes.tflite.program import (
    Activation,
    Add,
    Convolution,
    FullyConnected,
    Mean,
    Operator,
    Pad,
    Program,
    Weights,
)
from pi_classifier.runtimes.tflite.write import to_bytes

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")

INPUTS = 1024
"""Of a layer whose sums have so many bits that the factor's last one matters."""
zero_points = st.integers(-128, 127)


def scales(power: int) -> st.SearchStrategy[float]:
    """All float32 from 2**power to twice that."""
    return st.floats(2.0**power, 2.0 ** (power + 1), exclude_max=True, width=32)


def near_ties(factor: np.float32) -> NDArray[np.int32]:
    """Sums that times the factor are very near to the middle between two bytes, 7 for each."""
    nearest = np.rint((np.arange(-120, 120) + 0.5) / float(factor)).astype(np.int32)
    sums: NDArray[np.int32] = (nearest[:, None] + np.arange(-3, 4, dtype=np.int32)).ravel()
    return sums


def weights_for(sums: NDArray[np.int32]) -> NDArray[np.int8]:
    """Weights (sums, INPUTS + 1) that make these sums of inputs of 127, and a last one of 1."""
    rest = (sums + 63) % 127 - 63
    left = (sums - rest)[:, None] // 127 - np.sign(sums)[:, None] * 127 * np.arange(INPUTS)
    spread = np.where(sums[:, None] < 0, left.clip(-127, 0), left.clip(0, 127))
    return np.hstack([spread, rest[:, None]]).astype(np.int8)


def by_torch(weights: NDArray[np.int8], scale: float, source: float, output: float) -> NDArray[np.int8]:
    """What a linear layer gives for the inputs of `weights_for`, with zero points of 0 in int8."""
    layer = nnq.Linear(INPUTS + 1, len(weights))
    packed = torch._make_per_tensor_quantized_tensor(torch.from_numpy(weights), scale, 0)  # noqa: SLF001
    layer.set_weight_bias(packed, torch.zeros(len(weights)))
    layer.scale, layer.zero_point = output, 128
    stored = torch.tensor([[255] * INPUTS + [129]], dtype=torch.uint8)
    given = layer(torch._make_per_tensor_quantized_tensor(stored, source, 128))  # noqa: SLF001
    values: NDArray[np.uint8] = given.int_repr().numpy()[0]
    return (values ^ np.uint8(128)).view(np.int8)


def by_litert(weights: NDArray[np.int8], scale: float, source: float, output: float) -> NDArray[np.int8]:
    """The same from LiteRT."""
    packed = Weights(weights, scale, np.zeros(len(weights), np.int32))
    layer = FullyConnected((0,), packed, output, 0)
    program = Program(Activation((1, INPUTS + 1), source, 0), (layer,), (1,))
    interpreter = load(to_bytes(program), "a layer", threads=1)
    (answers,) = outputs_for(interpreter, np.array([[127] * INPUTS + [1]], np.int8))
    answer: NDArray[np.int8] = answers[0]
    return answer


@given(scales(-10), scales(-8), scales(-2))
@settings(max_examples=20)
def test_both_multiply_as_modelled(weights: float, source: float, output: float) -> None:
    """Protects the choice of scales: the factors of torch and of LiteRT are the modelled ones, to the last bit."""
    torch.backends.quantized.engine = "qnnpack"
    sums = near_ties(torchs_factor(weights, source, output))
    values = weights_for(sums)
    for factor, answer in ((torchs_factor, by_torch), (xnnpacks_factor, by_litert)):
        expected = np.rint(sums.astype(np.float32) * factor(weights, source, output))
        assert np.array_equal(answer(values, weights, source, output), expected.astype(np.int8))


@st.composite
def networks(draw: st.DrawFn) -> Program:
    """Two blocks with a sum, a padding and a convolution, as MobileNetV2 has them, with random scales."""

    def weights(*shape: int) -> Weights:
        return Weights(np.ones(shape, np.int8), draw(scales(-7)), np.zeros(1, np.int32))

    def convolution(source: int) -> Convolution:
        packed = weights(1, 1, 1, 1)
        return Convolution((source,), packed, draw(scales(-5)), draw(zero_points), stride=1, relu=False)

    def add(a: int, b: int) -> Add:
        return Add((a, b), draw(scales(-4)), draw(zero_points))

    operators: list[Operator] = [convolution(0), convolution(1), convolution(2), add(1, 3)]
    operators += [Pad((4,), 1), convolution(5), convolution(6), convolution(7), add(6, 8), convolution(9), Mean((10,))]
    operators.append(FullyConnected((11,), weights(1, 1), draw(scales(-3)), draw(zero_points)))
    given = Activation((1, 3, 3, 1), draw(scales(-6)), draw(zero_points))
    return Program(given, tuple(operators), draw(st.sampled_from([(12,), (12, 11)])))


def reachable(program: Program, number: int) -> bool:
    """Whether any product of scales, over that of this layer's output, gives torch's factor."""
    layer = program.operators[number - 1]
    assert isinstance(layer, FullyConnected | Convolution)
    factor = torchs_factor(layer.weights.scale, program.activations()[layer.sources[0]].scale, layer.scale)
    steps = np.arange(-8, 9, dtype=np.int32)
    products = (np.float32(float(factor) * layer.scale).view(np.int32) + steps).view(np.float32)
    return bool(np.any(products / np.float32(layer.scale) == factor))


@given(networks())
@settings(max_examples=60)
def test_every_factor_that_can_be_reached_is(program: Program) -> None:
    """Protects exactness for any scales: all layers have torch's factor, but for outputs that no product divides to."""
    exact = with_exact_factors(program, program)
    bound = {12, 10} if 11 in program.outputs else {12}
    missed = set(differing_factors(program, exact))
    assert missed <= bound
    if bound == {12}:
        assert not any(reachable(program, number) for number in missed)
    before, after = program.activations(), exact.activations()
    assert all(before[number] == after[number] for number in (0, *program.outputs))
    assert [(one.shape, one.zero_point) for one in before] == [(one.shape, one.zero_point) for one in after]
    both = zip(sums_of(program).values(), sums_of(exact).values(), strict=True)
    assert all(multipliers_of(old) == multipliers_of(new) for old, new in both)
    assert max(abs(old.scale / new.scale - 1) for old, new in zip(before, after, strict=True)) < 2e-4


@given(networks())
@settings(max_examples=5)
def test_what_is_exact_is_left_alone(program: Program) -> None:
    """Protects scales that need not move: those of a program that has all factors already stay."""
    exact = with_exact_factors(program, program)
    assert to_bytes(with_exact_factors(exact, program)) == to_bytes(exact)


def test_an_output_is_never_moved() -> None:
    """Protects what the logits are: a layer whose other scales are given gets another one of its weights alone."""
    weights = Weights(np.ones((1, 1), np.int8), 0.011, np.zeros(1, np.int32))
    source = Activation((1, 1), 0.017, 0)
    programs = (
        Program(source, (FullyConnected((0,), weights._replace(scale=scale), output, 0),), (1,))
        for scale in np.linspace(0.01, 0.02, 50).tolist()
        for output in (0.19, 0.23)
    )
    for program in programs:
        exact = with_exact_factors(program, program)
        assert exact.activations() == program.activations()
        assert len(differing_factors(program, exact)) <= len(differing_factors(program, program))

"""Sums of two bytes: XNNPACK's arithmetic as it is modelled, scales that make it torch's, and the proof of that."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch.ao.nn import quantized as nnq

from pi_classifier.config.schema import ModelSettings
from pi_classifier.contracts.model import Runtime
from pi_classifier.prepare.bundle import prepare
from pi_classifier.prepare.exact_factors import differing_factors, with_exact_factors
from pi_classifier.prepare.exact_sums import with_exact_sums
from pi_classifier.prepare.proof import Proof
from pi_classifier.prepare.quantise import untrained
from pi_classifier.prepare.sum_proof import by_litert, differing_pairs
from pi_classifier.prepare.sums import PAIRS, Sum, by_torch, by_xnnpack, multipliers_of, sums_of
from pi_classifier.prepare.tflite import to_program
from pi_classifier.prepare.torchvision_models import ARCHITECTURES
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
from pi_classifier.runtimes.tflite.verify import SIGNED, verify
from pi_classifier.runtimes.tflite.write import to_bytes
from tests.fakes import METADATA

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")

scales = st.floats(2.0**-8, 0.5, width=32)
zero_points = st.integers(-128, 127)
ratios = st.floats(2.0**-10, 2.0**8, exclude_max=True, width=32)


@pytest.fixture(autouse=True)
def qnnpack() -> None:
    """What `prepare` sets before it asks torch for a sum."""
    torch.backends.quantized.engine = "qnnpack"


def activation(scale: float, zero_point: int) -> Activation:
    """Whose size does not matter."""
    return Activation((1, 2, 2, 1), float(np.float32(scale)), zero_point)


@st.composite
def additions(draw: st.DrawFn, ratio: st.SearchStrategy[float]) -> Sum:
    """Sums whose summands have these ratios of scales to the total."""
    total = draw(scales)
    a, b = (activation(draw(ratio) * total, draw(zero_points)) for _ in "ab")
    return Sum(a, b, activation(total, draw(zero_points)))


@st.composite
def networks(draw: st.DrawFn) -> Program:
    """Two blocks with a sum each, one after the other, as MobileNetV2 has them, with random scales."""

    def convolution(source: int) -> Convolution:
        weights = Weights(np.ones((1, 1, 1, 1), np.int8), draw(scales), np.zeros(1, np.int32))
        return Convolution((source,), weights, draw(scales), draw(zero_points), stride=1, relu=False)

    def add(a: int, b: int) -> Add:
        return Add((a, b), draw(scales), draw(zero_points))

    operators: list[Operator] = [convolution(0), convolution(1), convolution(2), add(1, 3)]
    operators += [Pad((4,), 1), convolution(5), convolution(4), add(4, 7), convolution(8), Mean((9,))]
    return Program(Activation((1, 2, 2, 1), draw(scales), draw(zero_points)), tuple(operators), (6, 10))


def wrong(addition: Sum, expected: NDArray[np.int8]) -> int:
    """How many pairs XNNPACK would add otherwise."""
    return int(np.count_nonzero(by_xnnpack(addition, multipliers_of(addition)) != expected))


def integers(program: Program) -> list[bytes]:
    """All weights and biases."""
    kinds = Convolution | FullyConnected
    weights = [operator.weights for operator in program.operators if isinstance(operator, kinds)]
    return [values.tobytes() for each in weights for values in (each.values, each.bias)]


def test_torch_is_asked_for_the_right_pairs() -> None:
    """Protects the reference: [i, k] is the sum of the i-th and the k-th byte, at the zero points of int8."""
    total = by_torch(Sum(activation(1, 3), activation(0.5, -7), activation(1, -20))).astype(int)
    a, b = np.arange(-128, 128)[:, None], np.arange(-128, 128)
    exact = (a - 3) + (b + 7) / 2 - 20
    assert np.all(np.abs(total - exact.clip(-128, 127)) <= 0.5)


@given(st.lists(additions(ratios), min_size=1, max_size=6))
@settings(max_examples=15)
def test_litert_adds_as_modelled(sums: list[Sum]) -> None:
    """Protects the choice of scales: XNNPACK's arithmetic, as it is modelled, is what LiteRT does with every pair."""
    for addition, total in zip(sums, by_litert(sums), strict=True):
        assert np.array_equal(total, by_xnnpack(addition, multipliers_of(addition))), addition


@given(networks())
@settings(max_examples=20)
def test_sums_get_better_and_nothing_else_changes(program: Program) -> None:
    """Protects what is equal already: integers, input and outputs."""
    exact = with_exact_sums(program)
    assert integers(exact) == integers(program)
    before, after = program.activations(), exact.activations()
    for number in (0, *program.outputs):
        assert after[number] == before[number]
    assert [(one.shape, one.zero_point) for one in after] == [(one.shape, one.zero_point) for one in before]
    for (number, old), new in zip(sums_of(program).items(), sums_of(exact).values(), strict=True):
        if number == 4:  # the second one has another first summand now
            assert wrong(new, by_torch(old)) <= wrong(old, by_torch(old))
    assert to_bytes(with_exact_sums(program)) == to_bytes(exact), "the same each time"


def convolution(source: int, scale: float) -> Convolution:
    """One of one channel."""
    weights = Weights(np.ones((1, 1, 1, 1), np.int8), 0.25, np.zeros(1, np.int32))
    return Convolution((source,), weights, scale, 0, stride=1, relu=False)


def test_what_is_exact_is_left_alone() -> None:
    """Protects scales that need not change: where all sums are torch's already, the program is the one that was."""
    operators = (convolution(0, 1.0), Add((0, 1), 1.0, 0), convolution(2, 1.0))
    program = Program(activation(1.0, 0), operators, (3,))
    assert with_exact_sums(program) is program


def test_a_scale_that_others_rely_on_stays() -> None:
    """Protects whoever takes a summand or a total beside the sum and its convolutions.

    Every other pair lies in the middle between two bytes here, where XNNPACK rounds up and QNNPACK away from zero.
    """
    block = (convolution(0, 0.5), Add((0, 1), 1.0, 0), convolution(2, 1.0))
    mean = (Mean((2,)), FullyConnected((4,), Weights(np.ones((1, 1), np.int8), 0.25, np.zeros(1, np.int32)), 1.0, 0))

    def moved(*more: Operator, outputs: tuple[int, ...]) -> set[int]:
        program = Program(activation(1.0, 0), (*block, *more), outputs)
        before, after = program.activations(), with_exact_sums(program).activations()
        return {number for number in range(len(before)) if before[number] != after[number]}

    assert moved(outputs=(3,)) == {2}, "the total's is enough"
    assert moved(outputs=(3, 2)) == {1}, "that is an output, so it is the summand's turn"
    assert moved(*mean, outputs=(3, 5)) == {2, 4}, "a mean passes it on"
    assert moved(*mean, outputs=(3, 5, 4)) == {1}, "and what it gives is an output"
    assert moved(outputs=(3, 2, 1)) == set()
    assert moved(Add((3, 1), 1.0, 0), outputs=(4,)) == set(), "two sums take one summand"


class Small:
    """A narrow MobileNetV2 with random weights, its metadata, and its programs with torch's scales and exact sums."""

    def __init__(self) -> None:
        architecture = ARCHITECTURES["mobilenet_v2"]
        architecture = replace(architecture, builder=partial(architecture.builder, width_mult=0.25, num_classes=7))
        self.model: Any = untrained(architecture)
        quant: Any = self.model.quant
        self.metadata = METADATA._replace(
            name="mobilenet_v2",
            input_size=96,
            scale=float(quant.scale),
            zero_point=int(quant.zero_point),
            categories=tuple("abcdefg"),
        )
        self.direct = to_program(self.model, self.metadata)
        self.exact = with_exact_factors(with_exact_sums(self.direct), self.direct)

    def activations(self, stored: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
        """What torch's convolutions, sums and the linear layer give, in the order of a program's operators."""
        given: list[NDArray[np.uint8]] = []

        def keep(_module: object, _input: object, output: torch.Tensor) -> None:
            values = output.int_repr()
            given.append((values.permute(0, 2, 3, 1) if values.dim() == 4 else values).numpy())

        def added(add: Any, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            output: torch.Tensor = add(a, b)
            keep(None, None, output)
            return output

        for module in self.model.modules():
            if isinstance(module, nnq.Conv2d | nnq.Linear):
                module.register_forward_hook(keep)
            if isinstance(module, nnq.QFunctional):
                wrapped: Any = module
                wrapped.add = partial(added, module.add)
        self.model.quant = torch.nn.Identity()
        picture = torch.from_numpy(stored).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
        scale, zero_point = self.metadata.scale, self.metadata.zero_point
        with torch.inference_mode():
            self.model(torch._make_per_tensor_quantized_tensor(picture, scale, zero_point))  # noqa: SLF001
        return given


def test_a_small_network_equals_torch_in_every_activation() -> None:
    """Protects every convolution beside a sum whose scale was moved: no activation of the network differs."""
    small = Small()
    assert sum(differing_pairs(small.direct, small.direct)) > sum(differing_pairs(small.direct, small.exact))
    assert set(differing_factors(small.direct, small.exact)) <= set(small.exact.outputs), "whose scale may not move"
    moved = sum(a != b for a, b in zip(small.direct.activations(), small.exact.activations(), strict=True))
    assert moved, "else this shows nothing"
    verify(small.exact, small.metadata)
    stored = np.random.default_rng(3).integers(0, 256, (1, 96, 96, 3), np.uint8)
    expected = small.activations(stored)
    numbers = tuple(
        number for number, operator in enumerate(small.exact.operators, 1) if not isinstance(operator, Pad | Mean)
    )
    interpreter = load(to_bytes(small.exact._replace(outputs=numbers)), "a small network", threads=1)
    given = outputs_for(interpreter, (stored ^ SIGNED).view(np.int8))
    for number, output, one in zip(numbers, given, expected, strict=True):
        assert np.array_equal(output.view(np.uint8) ^ SIGNED, one), number


def test_the_proof_says_how_much_is_equal() -> None:
    """Protects the figures that `prepare` prints: pictures, all pairs at all sums, those that differ, and factors."""
    assert str(Proof(12, (0, 1), 0)) == (
        "LiteRT's logits equal torch's on 12 pictures; "
        "of all 131,072 sums of two bytes 1 differs, and of the layers' factors none"
    )
    assert str(Proof(3, (0,), 2)).endswith("of all 65,536 sums of two bytes none differs, and of the layers' factors 2")
    assert "3 differ," in str(Proof(3, (2, 1), 0))


def test_the_picture_that_differed(real_weights: Path, test_data: Path, tmp_path: Path) -> None:
    """Protects the published weights: of all pairs at their ten sums one is left, and a photograph that hit another."""
    (tmp_path / "oxcart.jpg").symlink_to(test_data / "photos" / "690_oxcart.jpg")
    runtimes: tuple[Runtime, ...] = ("litert",)
    prepared = prepare(ModelSettings(weights=str(real_weights)), runtimes=runtimes, check=tmp_path)
    assert prepared.proof is not None
    assert prepared.proof.pictures == 13
    assert len(prepared.proof.differing) * PAIRS == 655_360
    assert sum(prepared.proof.differing) == 1
    assert prepared.proof.factors == 0

"""Packed weights, read without torch."""

import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.runtimes.bundle import read_bundle
from pi_classifier.runtimes.program.constants import Layer, read_constants
from pi_classifier.runtimes.program.refusal import NotPrepared
from tests.runtimes.program.archives import Build, Global, Persistent, Reduce, members, pickled

CONVOLUTION = Global("__torch__.torch.classes.quantized Conv2dPackedParamsBase")
LINEAR = Global("__torch__.torch.classes.quantized LinearPackedParamsBase")
PLAIN, QUANTISED = Global("torch._utils _rebuild_tensor_v2"), Global("torch._utils _rebuild_qtensor")
NO_HOOKS = Reduce(Global("collections OrderedDict"), ())
PER_TENSOR = (Global("torch per_tensor_affine"), 0.5, 0)
SIZES = {"numbers": 22, "conv": 54, "weight": 12, "bias": 16, "scales": 32, "zeros": 32}
"""In bytes: a convolution's numbers and its weights, 2 x 3 x 3 x 3; a linear layer's, 4 x 3, and what goes with it."""


def storage(kind: str, key: str, items: int, device: str = "cpu") -> Persistent:
    """A reference to a storage."""
    return Persistent(("storage", Global(f"torch {kind}Storage"), key, device, items))


def plain(kind: str, key: str, *size: int) -> Reduce:
    """A plain vector."""
    return Reduce(PLAIN, (storage(kind, key, size[0]), 0, size, (1,), False, NO_HOOKS))


def weight(**changes: Any) -> Reduce:
    """A linear layer's weights, 4 x 3, with changes."""
    parts = {
        "storage": storage("QInt8", "weight", 12),
        "offset": 0,
        "size": (4, 3),
        "stride": (3, 1),
        "scheme": PER_TENSOR,
        "grad": False,
        "hooks": NO_HOOKS,
    }
    return Reduce(QUANTISED, tuple({**parts, **changes}.values()))


def linear(weights: object, bias: object = None) -> Build:
    """A linear layer's packed weights."""
    return Build(LINEAR, (weights, bias))


def convolution(*numbers: object) -> Build:
    """A convolution's packed weights, without bias."""
    size, stride = (2, 3, 3, 3), (27, 1, 9, 3)
    weights = Reduce(QUANTISED, (storage("QInt8", "conv", 54), 0, size, stride, PER_TENSOR, False, NO_HOOKS))
    tensors = Reduce(Global("torch.jit._pickle build_tensorlist"), ([*numbers, weights],))
    bias = Reduce(Global("torch.jit._pickle restore_type_tag"), ([None], "List[Optional[Tensor]]"))
    return Build(CONVOLUTION, ("2", tensors, bias))


def read(value: object, *used: str) -> tuple[Layer, ...]:
    """The layers in a pickle of this value, beside storages of these names."""
    return read_constants(pickled(value), {key: SIZES[key] for key in used})


def per_channel(*, axis: int = 0, scales: int = 4, zeros: int = 4) -> tuple[object, ...]:
    """A scale and a zero point for each output."""
    kind = Global("torch per_channel_affine")
    return (kind, plain("Double", "scales", scales), plain("Long", "zeros", zeros), axis)


def test_layers_are_read() -> None:
    """Protects honest files: shapes and the storage of a convolution's numbers, with one scale or many, with bias."""
    layers = read((convolution(plain("Short", "numbers", 11)), linear(weight())), "numbers", "conv", "weight")
    assert layers == (Layer((2, 3, 3, 3), "numbers"), Layer((4, 3)))
    many = linear(weight(scheme=per_channel(), grad=True), plain("Float", "bias", 4))
    assert read((many,), "weight", "bias", "scales", "zeros") == (Layer((4, 3)),)


def test_prepared_layers_are_read(untrained_model_file: Path) -> None:
    """Protects honest files: MobileNetV2 has 52 convolutions and one linear layer, its classifier."""
    files = members(read_bundle(untrained_model_file).program("torchscript"))
    sizes = {name.partition("constants/")[2]: len(data) for name, data in files.items() if "constants/" in name}
    layers = read_constants(files["archive/constants.pkl"], sizes)
    assert [len(layer.weight) for layer in layers] == [4] * 52 + [2]
    assert layers[-1].weight == (1000, 1280)


LIES = {
    "weights larger than their storage": linear(weight(size=(5, 3))),
    "weights smaller than their storage": linear(weight(size=(3, 3))),
    "weights beside their storage": linear(weight(stride=(4, 1))),
    "weights before their storage": linear(weight(stride=(-3, 1))),
    "weights from the middle of their storage": linear(weight(offset=1)),
    "weights of no size": linear(weight(size=(), stride=())),
    "negative sizes": linear(weight(size=(-4, -3))),
    "one stride": linear(weight(stride=(1,))),
    "sizes that are no numbers": linear(weight(size=(4.0, 3), stride=(3, 1))),
    "a storage larger than its member": linear(weight(storage=storage("QInt8", "weight", 13), size=(13, 1))),
    "a storage that is not there": linear(weight(storage=storage("QInt8", "other", 12))),
    "a storage elsewhere": linear(weight(storage=storage("QInt8", "weight", 12, "cuda:0"))),
    "a storage of wider items": linear(weight(storage=storage("Float", "weight", 12))),
    "a storage that is none": linear(weight(storage="weight")),
    "weights that are not quantised": linear(plain("Float", "weight", 12)),
    "fewer scales than outputs": linear(weight(scheme=per_channel(scales=2))),
    "fewer zero points than outputs": linear(weight(scheme=per_channel(zeros=2))),
    "scales along the inputs": linear(weight(scheme=per_channel(axis=1))),
    "no scale": linear(weight(scheme=(Global("torch per_tensor_affine"),))),
    "a bias for fewer outputs": linear(weight(), plain("Float", "bias", 2)),
    "a bias of another type": linear(weight(), plain("Double", "bias", 4)),
    "hooks": linear(weight(hooks=Reduce(Global("os system"), ("true",)))),
    "a function": Reduce(Global("os system"), ("true",)),
    "another class": Build(Global("__torch__ Evil"), (weight(), None)),
    "an object within": linear(weight(), Build(Global("__torch__ Evil"), ())),
    "a convolution of three dimensions": convolution(plain("Short", "numbers", 16)),
    "a convolution without numbers": convolution(),
    "no layer": "text",
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_lies_are_refused(lie: object) -> None:
    """Protects memory: torch would believe these sizes and read what lies behind, or call what is named."""
    with pytest.raises(NotPrepared):
        read_constants(pickled((lie,)), SIZES)


def test_only_a_tuple_of_layers_is_taken() -> None:
    """Protects from other kinds of constants: there is one tuple, and something in it."""
    for value in ((), [linear(weight())], linear(weight()), None):
        with pytest.raises(NotPrepared):
            read(value, "weight")


def test_storage_that_nothing_uses() -> None:
    """Protects from stowaways: a storage that belongs to no layer is refused by its name."""
    with pytest.raises(NotPrepared, match="constants/bias"):
        read((linear(weight()),), "weight", "bias")


GOOD = pickled((linear(weight()),))
MEMO_4_BILLION = b"r" + struct.pack("<I", 2**32 - 1)
DISORDER = {
    "nothing": b"",
    "no end": GOOD[:-1],
    "more behind the end": GOOD + b"N.",
    "two values": GOOD[:-1] + b"N.",
    "a memo of 64 GB": GOOD[:-1] + MEMO_4_BILLION + b".",
    "a memo that was never filled": b"\x80\x02h\x05.",
    "a list that grows after its use": b"\x80\x02]q\x00.",
    "a list filled twice": b"\x80\x02](Ne(Ne.",
    "items without a mark": b"\x80\x02](NNee.",
    "a mark above what is left": b"\x80\x02NN(\x86t.",
    "a call of nothing": b"\x80\x02R.",
    "an object of arguments": GOOD.replace(b")\x81", b"(Nt\x81"),
    "another opcode for names": b"\x80\x04\x8c\x02os\x8c\x06system\x93.",
    "an opcode that calls": b"\x80\x02(S'true'\nios\nsystem\n.",
    "an opcode for extensions": b"\x80\x02\x82\x01.",
    "an escape in a name": b"\x80\x02cos\\d\nsystem\n.",
    "calls within calls": b"\x80\x02" + b"N" + b"NR" * 30_000 + b".",
    "tuples within tuples": b"\x80\x02" + b"(" * 30_000 + b"t" * 30_000 + b".",
}


@pytest.mark.parametrize("content", DISORDER.values(), ids=DISORDER.keys())
def test_disorder_is_refused(content: bytes) -> None:
    """Protects from a pickle as a program: what torch does not write for weights is refused, and nothing is built."""
    with pytest.raises(NotPrepared):
        read_constants(content, SIZES)


@given(st.integers(0, len(GOOD) - 1), st.binary(max_size=6), st.integers(0, 6))
def test_anything_else_is_refused_or_the_same(place: int, inserted: bytes, removed: int) -> None:
    """Protects from tracebacks: whatever stands in a pickle, it is either refused or weights within their storage."""
    content = GOOD[:place] + inserted + GOOD[place + removed :]
    try:
        (layer,) = read_constants(content, {"weight": 12})
    except NotPrepared:
        return
    outputs, *inputs = layer.weight
    assert outputs * inputs[0] == 12

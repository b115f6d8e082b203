"""Packed weights, read without torch."""

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
SIZES = {"Short11": 22, "Short16": 32, "conv": 54, "weight": 12}
SIZES |= {
    f"{kind}{items}": items * size for kind, size in (("Float", 4), ("Double", 8), ("Long", 8)) for items in (2, 4)
}
"""Storages, in bytes: a convolution's weights, 2 x 3 x 3 x 3, a linear layer's, 4 x 3, and vectors of several sizes."""


def storage(kind: str, key: str, items: int, device: str = "cpu") -> Persistent:
    """A reference to a storage."""
    return Persistent(("storage", Global(f"torch {kind}Storage"), key, device, items))


def plain(kind: str, items: int) -> Reduce:
    """A plain vector."""
    return Reduce(PLAIN, (storage(kind, f"{kind}{items}", items), 0, (items,), (1,), False, NO_HOOKS))


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
    return (kind, plain("Double", scales), plain("Long", zeros), axis)


def test_layers_are_read() -> None:
    """Protects honest files: shapes and the storage of a convolution's numbers, with one scale or many, with bias."""
    layers = read((convolution(plain("Short", 11)), linear(weight())), "Short11", "conv", "weight")
    assert layers == (Layer((2, 3, 3, 3), "Short11"), Layer((4, 3)))
    many = linear(weight(scheme=per_channel(), grad=True), plain("Float", 4))
    assert read((many,), "weight", "Float4", "Double4", "Long4") == (Layer((4, 3)),)


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
    "a storage larger than its member": linear(weight(storage=storage("QInt8", "weight", 13), size=(13,), stride=(1,))),
    "a storage that is not there": linear(weight(storage=storage("QInt8", "other", 12))),
    "a storage elsewhere": linear(weight(storage=storage("QInt8", "weight", 12, "cuda:0"))),
    "a storage of wider items": linear(weight(storage=storage("Float", "weight", 12))),
    "a storage that is none": linear(weight(storage="weight")),
    "weights that are not quantised": linear(plain("Float", 4)),
    "fewer scales than outputs": linear(weight(scheme=per_channel(scales=2))),
    "fewer zero points than outputs": linear(weight(scheme=per_channel(zeros=2))),
    "scales along the inputs": linear(weight(scheme=per_channel(axis=1))),
    "no scale": linear(weight(scheme=(Global("torch per_tensor_affine"),))),
    "a bias for fewer outputs": linear(weight(), plain("Float", 2)),
    "a bias of another type": linear(weight(), plain("Double", 4)),
    "hooks": linear(weight(hooks=Reduce(Global("os system"), ("true",)))),
    "a function": Reduce(Global("os system"), ("true",)),
    "another class": Build(Global("__torch__ Evil"), (weight(), None)),
    "an object within": linear(weight(), Build(Global("__torch__ Evil"), ())),
    "a convolution of three dimensions": convolution(plain("Short", 16)),
    "a convolution without numbers": convolution(),
    "no layer": "text",
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_lies_are_refused(lie: object) -> None:
    """Protects memory: torch would believe these sizes and read what lies behind, or call what is named."""
    with pytest.raises(NotPrepared) as refused:
        read_constants(pickled((lie,)), SIZES)
    assert "nothing uses" not in str(refused.value), "refused for what it does not use"


def test_only_a_tuple_of_layers_is_taken() -> None:
    """Protects from other kinds of constants: there is one tuple, and something in it."""
    others: tuple[object, ...] = ((), [], linear(weight()), None)
    for value in others:
        with pytest.raises(NotPrepared, match="no layers"):
            read(value)


def test_storage_that_nothing_uses() -> None:
    """Protects from stowaways: a storage that belongs to no layer is refused by its name."""
    with pytest.raises(NotPrepared, match="constants/Float4"):
        read((linear(weight()),), "weight", "Float4")


GOOD = pickled((linear(weight()),))


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

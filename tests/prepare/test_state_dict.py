"""Weights that are a state dict, and weights that are none."""

import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pi_classifier.config.schema import ModelSettings
from pi_classifier.errors import ModelError
from pi_classifier.prepare.bundle import prepare
from pi_classifier.prepare.quantise import untrained
from pi_classifier.prepare.torchvision_models import ARCHITECTURES
from pi_classifier.runtimes.torchscript import TorchScriptModel


class Malicious:
    """Unpickling this would run code."""

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return (exec, ("raise SystemExit('code of a pickle was run')",))


def bad_weights(kind: str, path: Path, real: Path) -> None:
    """Write a file that is no ImageNet state dict of the quantised model, in one of many ways."""
    if kind == "pickle":
        path.write_bytes(pickle.dumps(Malicious()))
    elif kind == "torch pickle":
        torch.save({"model": Malicious()}, path)
    elif kind == "text":
        path.write_text("not weights", encoding="utf-8")
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "list":
        torch.save([1, 2, 3], path)
    elif kind == "float model":
        torch.save(torch.load(real.with_name("mobilenet_v2_imagenet_float_fp16.pth"), weights_only=True), path)
    elif kind == "cut":
        path.write_bytes(real.read_bytes()[:1_000_000])
    else:
        state = torch.load(real, weights_only=True)
        weight = torch.quantize_per_tensor(torch.zeros(10, 1280), 0.1, 0, torch.qint8)
        state["classifier.1._packed_params._packed_params"] = (weight, torch.zeros(10))
        torch.save(state, path)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("kind", "complaint"),
    [
        ("pickle", "not a plain state dict"),
        ("torch pickle", "not a plain state dict"),
        ("text", "state dict"),
        ("empty", "state dict"),
        ("list", "holds no state dict"),
        ("float model", "weights of another model"),
        ("cut", "cut short"),
        ("other classes", "10 classes where the labels name 1000"),
    ],
)
def test_weights_that_are_none(kind: str, complaint: str, tmp_path: Path, real_weights: Path) -> None:
    """Protects from weights that are no state dict, are cut short, have other classes, or are an arbitrary pickle."""
    path = tmp_path / "weights.pth"
    bad_weights(kind, path, real_weights)
    with pytest.raises(ModelError) as refusal:
        prepare(ModelSettings(weights=str(path)))
    assert complaint in str(refusal.value)
    assert str(path) in str(refusal.value)


def lying_weights(kind: str, state: dict[str, Any]) -> dict[Any, Any]:
    """A state dict of which one entry is not what it should be."""
    packed, bias, weight = "classifier.1._packed_params._packed_params", "features.0.0.bias", "features.0.0.weight"
    nan, shape = float("nan"), state[weight].shape
    lies: dict[str, dict[Any, Any]] = {
        "integer keys": dict(enumerate(state.values())),
        "an integer key": {**state, 7: torch.zeros(1)},
        "an empty tuple": {**state, packed: ()},
        "a tuple of numbers": {**state, packed: (1, 2, 3)},
        "no tuple": {**state, packed: torch.zeros(1000, 1280)},
        "a float matrix": {**state, packed: (torch.zeros(1000, 1280), torch.zeros(1000))},
        "a short bias": {**state, packed: (state[packed][0], torch.zeros(3))},
        "a sparse matrix": {**state, packed: (torch.zeros(1000, 1280).to_sparse(), torch.zeros(1000))},
        "a scale of nothing": {**state, "features.0.0.scale": None},
        "a scale in words": {**state, "features.0.0.scale": "0.1"},
        "two scales": {**state, "features.0.0.scale": torch.tensor([0.1, 0.2])},
        "a complex scale": {**state, "features.0.0.scale": torch.tensor(1 + 2j)},
        "a scale of NaN": {**state, "features.0.0.scale": torch.tensor(nan)},
        "a scale of 0": {**state, "quant.scale": torch.tensor([0.0])},
        "a scale beyond float32": {**state, "features.0.0.scale": 1e300},
        "a zero point of 300": {**state, "features.0.0.zero_point": torch.tensor(300)},
        "a zero point of 2 to the 70th": {**state, "quant.zero_point": 2**70},
        "half a zero point": {**state, "features.0.0.zero_point": torch.tensor(0.5)},
        "a bias of NaN": {**state, bias: torch.full((32,), nan)},
        "a bias that is nowhere": {**state, bias: torch.zeros(32, device="meta")},
        "a weight of another shape": {**state, weight: state[weight].reshape(3, 32, 3, 3)},
        "an unsigned weight": {**state, weight: torch.quantize_per_tensor(torch.zeros(shape), 0.1, 0, torch.quint8)},
        "a weight without scale": {**state, weight: quantised_zeros(shape, scale=nan)},
        "a weight far off zero": {**state, weight: quantised_zeros(shape, zero_point=1000)},
    }
    return lies[kind]


def quantised_zeros(shape: torch.Size, *, scale: float = 0.1, zero_point: int = 0) -> torch.Tensor:
    """A qint8 tensor whose scale and zero point are checked by nobody."""
    empty: torch.Tensor = torch._empty_affine_quantized(  # noqa: SLF001 - the public ways check
        shape, scale=scale, zero_point=zero_point, dtype=torch.qint8
    )
    return empty


@pytest.fixture(scope="module")
def untrained_state() -> dict[str, Any]:
    """The state dict of the model with random weights."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return untrained(ARCHITECTURES["mobilenet_v2"]).state_dict()


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("kind", "complaint"),
    [
        ("integer keys", "holds no state dict"),
        ("an integer key", "holds no state dict"),
        ("an empty tuple", "_packed_params is (), not (qint8 of 1000x1280"),
        ("a tuple of numbers", "is (int, int, int), not (qint8 of 1000x1280"),
        ("no tuple", "is float32 of 1000x1280, not (qint8"),
        ("a float matrix", "is (float32 of 1000x1280"),
        ("a short bias", "float32 of 3)"),
        ("a sparse matrix", "without plain values"),
        ("a scale of nothing", "features.0.0.scale is NoneType"),
        ("a scale in words", "features.0.0.scale is str"),
        ("two scales", "features.0.0.scale is float32 of 2"),
        ("a complex scale", "features.0.0.scale is complex64"),
        ("a scale of NaN", "features.0.0.scale: a scale of nan"),
        ("a scale of 0", "quant.scale: a scale of 0"),
        ("a scale beyond float32", "features.0.0.scale: a scale of"),
        ("a zero point of 300", "a zero point of 300, which should be 0 to 255"),
        ("a zero point of 2 to the 70th", "quant.zero_point is int"),
        ("half a zero point", "features.0.0.zero_point is no whole number"),
        ("a bias of NaN", "features.0.0.bias: not all of it is finite"),
        ("a bias that is nowhere", "without plain values"),
        ("a weight of another shape", "features.0.0.weight is qint8 of 3x32x3x3"),
        ("an unsigned weight", "features.0.0.weight is quint8"),
        ("a weight without scale", "features.0.0.weight: a scale of nan"),
        ("a weight far off zero", "features.0.0.weight: a zero point of 1000"),
    ],
)
def test_weights_that_lie(kind: str, complaint: str, tmp_path: Path, untrained_state: dict[str, Any]) -> None:
    """Protects from wrong labels without a word: an entry of another type, shape or range than any model's is named."""
    path = tmp_path / "weights.pth"
    torch.save(lying_weights(kind, untrained_state), path)
    with pytest.raises(ModelError) as refusal:
        prepare(ModelSettings(weights=str(path)))
    assert str(refusal.value).startswith(f"{path}: ")
    assert complaint in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", ["without versions", "numbers that are no tensors", "other float types"])
def test_weights_of_other_forms(kind: str, tmp_path: Path, real_weights: Path, real_model: TorchScriptModel) -> None:
    """Protects state dicts that were saved in another way: the same numbers give the same logits."""
    state: dict[str, Any] = dict(torch.load(real_weights, weights_only=True))
    if kind == "numbers that are no tensors":
        state["features.0.0.scale"] = state["features.0.0.scale"].item()
        state["quant.zero_point"] = int(state["quant.zero_point"])
    elif kind == "other float types":
        state["features.0.0.bias"] = state["features.0.0.bias"].double()
        state["quant.scale"] = state["quant.scale"].reshape(())
    torch.save(state, tmp_path / "weights.pth")
    model = TorchScriptModel(prepare(ModelSettings(weights=str(tmp_path / "weights.pth"))), threads=1, top_k=1)
    noise = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
    assert np.array_equal(model.new_predictor().infer(noise), real_model.new_predictor().infer(noise))

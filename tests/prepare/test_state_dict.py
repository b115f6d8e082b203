"""Weights that are a state dict, and weights that are none."""

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from pi_classifier.config.schema import ModelSettings
from pi_classifier.errors import ModelError
from pi_classifier.prepare.torchscript import prepare


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

"""The comparison with other runtimes: what it says of made-up figures."""

import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.runtimes.report import EQUAL, comparison, sentences
from tests.conftest import ROOT
from tests.waiting import DEADLINE_SECONDS

WITHOUT_TORCH = "import sys; sys.modules.update(torch=None); from benchmarks.runtimes.run_runtime import main; main()"
NOT_INSTALLED = "not installed (pip install --editable '.[peers]')"


def figures(name: str, milliseconds: float, **others: object) -> dict[str, Any]:
    """As of a contender that takes so long on one idle core, this project taking ten milliseconds."""
    return {
        "name": name,
        "total_ms": milliseconds,
        "mean_ms": milliseconds,
        "cpu_ms": milliseconds,
        "total_of_ours": milliseconds / 10,
        "cpu_of_ours": milliseconds / 10,
        "rss_mb": 100.0,
        **others,
    }


@given(milliseconds=st.floats(0.1, 1000))
def test_the_faster_one_is_named(milliseconds: float) -> None:
    """Protects honesty: the sentence names the faster of the two, whichever that is, and by how much."""
    sentence = comparison(figures("Peer", milliseconds), figures("pi-classifier on LiteRT", 10))
    ratio = milliseconds / 10
    if ratio > EQUAL:
        assert sentence.startswith(f"pi-classifier on LiteRT is {ratio:.2f} times as fast as Peer")
    elif ratio < 1 / EQUAL:
        assert sentence.startswith(f"Peer is {1 / ratio:.2f} times as fast as pi-classifier on LiteRT")
    else:
        assert sentence.startswith("Peer is as fast as pi-classifier on LiteRT")
    assert "10.00 ms" in sentence
    assert f"{milliseconds:.2f} ms" in sentence


def test_a_busy_machine_is_reported() -> None:
    """Protects the reader: where frames waited for the processor, it says so and points at the CPU time."""
    quiet = sentences([figures("pi-classifier", 10), {"name": "Peer", "problem": NOT_INSTALLED}])
    assert not any("busy" in sentence for sentence in quiet)
    assert "3.0 times its CPU time" in sentences([figures("pi-classifier", 10, mean_ms=30.0)])[0]


def test_litert_does_not_carry_torch(both_programs: Path) -> None:
    """Protects the comparison of memory: this project on LiteRT answers where torch is not there."""
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, "pi-classifier-litert", both_programs, "1"],
        input=bytes(224 * 224 * 3), capture_output=True, check=False, timeout=DEADLINE_SECONDS, cwd=ROOT,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr.decode()
    first, answer = map(json.loads, ended.stdout.splitlines())
    assert first["version"].startswith("litert ")
    assert answer["inference_ms"] > 0


def test_exported_biases_are_rounded(tmp_path: Path) -> None:
    """Protects the peer's answers: a bias in its ONNX file is rounded as QNNPACK rounds it, on either side of 0."""
    onnx = pytest.importorskip("onnx")
    from benchmarks.runtimes.onnx_export import export_onnx

    torch.backends.quantized.engine = "qnnpack"
    steps = torch.tensor([0.4, 0.6, 1.5, 2.5, -0.4, -0.6, -7.7])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        layer = torch.ao.nn.quantized.Conv2d(3, len(steps), 1)
        weights = torch.quantize_per_tensor(torch.ones(len(steps), 3, 1, 1), 0.25, 0, torch.qint8)
        layer.set_weight_bias(weights, steps * 0.5 * 0.25)
        layer.scale, layer.zero_point = 0.1, 3
        quantise = torch.ao.nn.quantized.Quantize(0.5, 128, torch.quint8)
        model = torch.nn.Sequential(quantise, layer, torch.ao.nn.quantized.DeQuantize())
    export_onnx(model.eval(), torch.zeros(1, 3, 4, 4), tmp_path / "one.onnx")
    constants = [
        onnx.numpy_helper.to_array(node.attribute[0].t)
        for node in onnx.load(tmp_path / "one.onnx").graph.node
        if node.op_type == "Constant"
    ]
    (biases,) = [one for one in constants if one.dtype == "int32" and one.size == len(steps)]
    assert biases.tolist() == [0, 1, 2, 2, 0, -1, -8]

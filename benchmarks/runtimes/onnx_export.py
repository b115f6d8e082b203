"""A quantised model as ONNX, as right as it can be."""

import warnings
from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import numpy_helper

from benchmarks.shared.photographs import SIZE
from pi_classifier.config.schema import ModelSettings
from pi_classifier.prepare.quantise import quantised
from pi_classifier.prepare.state_dict import default_weights, read_state
from pi_classifier.prepare.torchvision_models import ARCHITECTURES

WITH_BIAS = ("Conv", "Gemm")
"""ONNX's convolution and linear layer; the bias is the third input."""


def export_model(settings: ModelSettings, file: Path) -> None:
    """Write the quantised model of these settings as ONNX, for frames of SIZE."""
    architecture = ARCHITECTURES[settings.name]
    given = settings.weights != "default"
    source = Path(settings.weights) if given else default_weights(architecture, progress=True)
    torch.backends.quantized.engine = settings.engine
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = quantised(architecture, read_state(source)[0], source)
    export_onnx(model, torch.zeros(1, 3, SIZE, SIZE), file)


def export_onnx(model: torch.nn.Module, example: torch.Tensor, file: Path) -> None:
    """Write a quantised model as ONNX, its biases rounded as QNNPACK rounds them.

    torch's exporter cuts off what is behind the point, and 3 % of the answers change.

    Args:
        model: in evaluation mode, with weights of one scale a layer; it takes and gives floats.
        example: of its input.
        file: to write.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, (example,), file, dynamo=False, opset_version=17)
        exported = onnx.load(file)
        _round_biases(exported.graph, model)
    onnx.save(exported, file)


def _round_biases(graph: Any, model: torch.nn.Module) -> None:
    giving = {output: node for node in graph.node for output in node.output}
    for node in graph.node:
        if node.op_type not in WITH_BIAS:
            continue
        # int32 values and their scale, which is that of the input times that of the weights, in a Constant each.
        values, scale, _ = (giving[name] for name in giving[node.input[2]].input)
        # A node is called by its layer: /features/0/0/Conv.
        layer: Any = model.get_submodule(node.name.strip("/").rpartition("/")[0].replace("/", "."))
        step = float(numpy_helper.to_array(scale.attribute[0].t).item())
        rounded = torch.quantize_per_tensor(layer.bias().detach(), step, 0, torch.qint32)
        values.attribute[0].t.CopyFrom(numpy_helper.from_array(rounded.int_repr().numpy()))

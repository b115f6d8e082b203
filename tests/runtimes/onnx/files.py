"""ONNX files for tests, made by ONNX's own library."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pi_classifier.config.schema import ModelSettings
from pi_classifier.contracts.model import Model
from pi_classifier.model import open_model

onnx = pytest.importorskip("onnx")
helper, numpy_helper = onnx.helper, onnx.numpy_helper
FLOAT, INT64, UINT8 = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64, onnx.TensorProto.UINT8
SIZE = 32
"""Pixels of the picture that a small classifier takes."""
LABELS = ("red", "green", "blue", "grey")
PICTURE: tuple[int | str | None, ...] = (1, 3, SIZE, SIZE)


def value(name: str, shape: Sequence[int | str | None] | None, dtype: int = FLOAT) -> Any:
    """An input or an output."""
    return helper.make_tensor_value_info(name, dtype, shape)


def model(nodes: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], **given: Any) -> Any:
    """A model of these operators. `given`: `initializer` of its graph, and what else `make_model` takes."""
    graph = helper.make_graph(nodes, "graph", inputs, outputs, given.pop("initializer", ()))
    return helper.make_model(graph, **{"opset_imports": [helper.make_opsetid("", 17)], "ir_version": 9, **given})


def classifier(
    *,
    picture: Sequence[int | str | None] = PICTURE,
    output: Sequence[int | str | None] | None = (1, len(LABELS)),
    softmax: bool = False,
    metadata: Mapping[str, str] | None = None,
    weights_as_inputs: bool = False,
) -> Any:
    """The mean of each channel, and of all: what is most of it wins. Its weights are four rows of three."""
    rows = np.array([[9, -4, -4], [-4, 9, -4], [-4, -4, 9], [1, 1, 1]], np.float32)
    weights = [numpy_helper.from_array(rows, "rows"), numpy_helper.from_array(np.zeros(4, np.float32), "bias")]
    axes = [2, 3] if picture[1] == 3 else [1, 2]
    last = "logits" if softmax else "output_0"
    nodes = [
        helper.make_node("ReduceMean", ["input_0"], ["means"], axes=axes, keepdims=0),
        helper.make_node("Gemm", ["means", "rows", "bias"], [last], transB=1),
    ]
    if softmax:
        nodes.append(helper.make_node("Softmax", [last], ["output_0"], axis=1))
    inputs = [value("input_0", picture)]
    if weights_as_inputs:
        inputs += [value("rows", rows.shape), value("bias", (4,))]
    made = model(nodes, inputs, [value("output_0", output)], initializer=weights)
    helper.set_model_props(made, dict(metadata or {}))
    return made


def written(made: Any, folder: Path, name: str = "model.onnx") -> Path:
    """The model as a file."""
    path = folder / name
    path.write_bytes(made.SerializeToString())
    return path


def labels_file(folder: Path, labels: Sequence[str] = LABELS) -> Path:
    """A label on each line."""
    path = folder / "labels.txt"
    path.write_text("".join(f"{label}\n" for label in labels), encoding="utf-8")
    return path


def opened(folder: Path, **given: Any) -> Model:
    """A small classifier, opened as the settings would have it. `given`: as `classifier` takes them."""
    settings = ModelSettings(
        weights=str(written(classifier(**given), folder)), labels=str(labels_file(folder)), threads=1, top_k=3
    )
    return open_model(settings, progress=False)

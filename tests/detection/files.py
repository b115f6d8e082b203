"""Detectors for tests: small ONNX files with fixed answers, and the real models where they are."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.runtimes.onnx.files import FLOAT, UINT8, helper, model, numpy_helper, value

SIZE = 64
"""Pixels of the picture that a small detector takes."""
COUNT = 8 * 8 + 4 * 4 + 2 * 2
"""Its cells."""
NAMES = {"names": repr({0: "cat", 1: "dog"})}
ULTRALYTICS = {**NAMES, "task": "detect", "imgsz": "[64, 64]", "stride": "32", "end2end": "False"}
LABELS = ("cat", "dog")


def detector(
    *answers: np.ndarray[tuple[int, ...], np.dtype[Any]],
    picture: Sequence[int | str | None] = (1, 3, SIZE, SIZE),
    taken: int = FLOAT,
    names: Sequence[str] = (),
    metadata: Mapping[str, str] | None = None,
) -> Any:
    """It gives these answers for whatever picture, with shapes that its file does not tell.

    `taken` is the dtype of its input, `names` are those of its outputs.
    """
    outputs = names or [f"output{n}" for n in range(len(answers))]
    constants = [numpy_helper.from_array(answer, f"answer_{n}") for n, answer in enumerate(answers)]
    constants.append(numpy_helper.from_array(np.zeros((), np.float32), "nought"))
    nodes = [
        helper.make_node("Cast", ["images"], ["pixels"], to=FLOAT),
        helper.make_node("ReduceMean", ["pixels"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "nought"], ["nothing"]),
    ]
    for constant, output in zip(constants, outputs, strict=False):
        nothing = f"no_{constant.name}"
        nodes.append(helper.make_node("Cast", ["nothing"], [nothing], to=constant.data_type))
        nodes.append(helper.make_node("Add", [nothing, constant.name], [output]))
    given = [value(output, None, constant.data_type) for constant, output in zip(constants, outputs, strict=False)]
    made = model(nodes, [value("images", picture, taken)], given, initializer=constants)
    helper.set_model_props(made, dict(metadata or {}))
    return made


def raw(count: int = COUNT) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Ultralytics' raw head: one dog in the middle, 20 x 10 pixels."""
    answer = np.zeros((1, 6, count), np.float32)
    answer[0, :, 3] = [32, 32, 20, 10, 0.1, 0.9]
    return answer


def seeing() -> Any:
    """A detector that is the surer of its dog, the brighter a picture is: 0.1 for black, 0.9 for white."""
    answer = raw()
    answer[0, 4:, 3] = [0, 0.1]
    sure = np.zeros_like(answer)
    sure[0, 5, 3] = 0.8
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "sure"], ["surer"]),
        helper.make_node("Add", ["surer", "answer"], ["output0"]),
    ]
    constants = [numpy_helper.from_array(answer, "answer"), numpy_helper.from_array(sure, "sure")]
    made = model(nodes, [value("images", (1, 3, SIZE, SIZE))], [value("output0", answer.shape)], initializer=constants)
    helper.set_model_props(made, ULTRALYTICS)
    return made


def samples() -> list[Any]:
    """A detector of each kind that two labels fit."""
    boxes, rows, count = np.zeros((1, 3, 4), np.float32), np.zeros((1, 3), np.float32), np.array([2], np.float32)
    names = ("detection_scores:0", "num_detections:0", "detection_classes:0", "detection_boxes:0")
    levels = [64, 16, 4]
    nanodet = [np.zeros((1, cells, width), np.float32) for width in (2, 32) for cells in levels]
    return [
        detector(raw(), metadata=ULTRALYTICS),
        detector(np.zeros((1, 300, 6), np.float32), metadata=ULTRALYTICS),
        detector(np.zeros((1, COUNT, 7), np.float32)),
        detector(*nanodet),
        detector(rows, count, rows, boxes, picture=(1, SIZE, SIZE, 3), taken=UINT8, names=names),
        detector(np.array([2, 0]), np.zeros((2, 4), np.float32), np.array([0.9, 0.8], np.float32)),
    ]


def models(test_data: Path) -> Path:
    """The folder of real models, pictures and reference figures."""
    folder = test_data / "detection"
    if not folder.is_dir():
        pytest.skip("no detection/ in the test data")
    return folder


def labels_for(model_file: Path) -> str:
    """The labels file that a real model needs, or none."""
    silent = any(kind in model_file.name for kind in ("yolox", "nanodet"))
    return str(model_file.with_name("coco80.txt")) if silent else ""

"""How well real detectors do on annotated photographs, held against reference figures."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from pi_classifier.contracts.frame import Pixels
from pi_classifier.detection.decoding import Grid
from pi_classifier.detection.limits import Limits
from pi_classifier.detection.nanodet import NanoDet
from pi_classifier.detection.suppression import MOST_CANDIDATES, Candidates, best
from tests.detection.coco import Annotations
from tests.detection.files import labels_for, models
from tests.detection.pictures import Mistakes, found_with, read_pictures
from tests.running import Program

TOLERANCE = 0.005
MODELS = (
    "coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite",
    "object_detection_nanodet_2022nov.onnx",
    "yolo26n_640_fp32.onnx",
    "yolov8n_320_fp32.onnx",
    "yolov8n_320_int8.onnx",
    "yolox_nano_416.onnx",
)


@pytest.fixture(scope="module")
def folder(test_data: Path) -> Path:
    """Models, annotated photographs and reference figures."""
    return models(test_data)


@pytest.fixture(scope="module")
def annotations(folder: Path) -> Annotations:
    """Of COCO."""
    return Annotations(folder / "val" / "instances.json")


@pytest.fixture(scope="module")
def pictures(annotations: Annotations) -> dict[int, Pixels]:
    """BGR, by their ids."""
    return read_pictures(annotations.pictures)


@pytest.fixture(scope="module")
def reference(folder: Path) -> dict[str, Any]:
    """Figures by model."""
    figures: dict[str, Any] = json.loads((folder / "val" / "reference.json").read_bytes())["models"]
    return figures


@pytest.mark.parametrize("name", MODELS)
def test_accuracy(
    name: str, program: Callable[..., Program], folder: Path, annotations: Annotations, reference: dict[str, Any]
) -> None:
    """Protects all of detection: each kind of detector finds by this program what its authors' own code finds."""
    path = folder / "models" / name
    labels = ("--labels", labels_for(path)) if labels_for(path) else ()
    limits = ("--confidence", "0.001", "--iou", "0.65", "--max-detections", "100")
    given = (folder / "val" / "images", "--format", "coco", "--weights", path, *labels, *limits, "--threads", "1")
    running = program("classify", *given)
    result = running.wait()
    assert result.returncode == 0, result.stderr
    scores = annotations.score(json.loads("\n".join(running.lines)))
    figures = reference[path.stem]
    print(name, scores, figures)
    assert scores.map == pytest.approx(figures["mAP50-95"], abs=TOLERANCE)
    assert scores.map50 == pytest.approx(figures["mAP50"], abs=TOLERANCE)
    assert scores.ar100 == pytest.approx(figures["AR100"], abs=TOLERANCE)


def _no_half_cell(decoder: NanoDet) -> NanoDet:
    places, strides = decoder.grid
    return replace(decoder, grid=Grid(places - np.float32(0.5) * (strides - 1) / strides, strides))


def _corners_as_sizes(candidates: Candidates, limits: Limits) -> Candidates:
    few = best(candidates, MOST_CANDIDATES)
    return _kept(few, few.boxes, few.class_ids, limits)


def _across_classes(candidates: Candidates, limits: Limits) -> Candidates:
    few = best(candidates, MOST_CANDIDATES)
    rectangles = np.hstack([few.boxes[:, :2], few.boxes[:, 2:] - few.boxes[:, :2]])
    return _kept(few, rectangles, np.zeros_like(few.class_ids), limits)


def _kept(few: Candidates, rectangles: Any, class_ids: Any, limits: Limits) -> Candidates:
    kept = cv2.dnn.NMSBoxesBatched(rectangles, few.scores, class_ids, -1, limits.iou)  # type: ignore[arg-type]
    return best(few.take(np.asarray(kept, np.int64)), limits.max_detections)


@pytest.mark.parametrize(
    ("stem", "mistakes"),
    [
        ("yolov8n_320_fp32", Mistakes(geometry=lambda geometry: geometry._replace(left=0, top=0))),
        ("object_detection_nanodet_2022nov", Mistakes(decoder=_no_half_cell)),
        ("yolov8n_320_fp32", Mistakes(picture=lambda wanted: wanted._replace(bgr=not wanted.bgr))),
        ("yolox_nano_416", Mistakes(picture=lambda wanted: wanted._replace(bgr=not wanted.bgr))),
        ("yolox_nano_416", Mistakes(picture=lambda wanted: wanted._replace(std=(255, 255, 255)))),
    ],
    ids=["offset", "half a cell", "colours", "colours of yolox", "divided by 255"],
)
def test_a_mistake_shows(
    stem: str,
    mistakes: Mistakes,
    folder: Path,
    annotations: Annotations,
    pictures: dict[int, Pixels],
    reference: dict[str, Any],
) -> None:
    """Protects the test above: each mistake that people make costs more than it lets pass."""
    found = found_with(mistakes, folder / "models" / f"{stem}.onnx", pictures)
    accuracy = annotations.score(annotations.results_of(found)).map
    print(stem, accuracy, reference[stem])
    assert accuracy < reference[stem]["mAP50-95"] - TOLERANCE


@pytest.mark.parametrize("suppress", [_corners_as_sizes, _across_classes], ids=["corners as sizes", "across classes"])
def test_a_mistake_of_suppression_shows(
    suppress: Callable[[Candidates, Limits], Candidates],
    folder: Path,
    annotations: Annotations,
    pictures: dict[int, Pixels],
) -> None:
    """Protects NMS: with the limits that people have, each of its two mistakes costs accuracy."""
    path = folder / "models" / "yolox_nano_416.onnx"
    right, wrong = (
        annotations.score(annotations.results_of(found_with(mistakes, path, pictures, Limits()))).map
        for mistakes in (Mistakes(), Mistakes(suppress=suppress))
    )
    print(right, wrong)
    assert wrong < right - TOLERANCE / 2

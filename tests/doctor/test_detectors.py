"""What `doctor` says of detectors."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pi_classifier.config.schema import Settings
from pi_classifier.detection.published import PUBLISHED
from pi_classifier.doctor import runtimes
from pi_classifier.doctor.detectors import detector
from pi_classifier.doctor.finding import Finding, State
from pi_classifier.doctor.machine import Machine
from pi_classifier.doctor.model_files import Places
from pi_classifier.doctor.packages import Attempt, Packages
from pi_classifier.prepare.store import ModelStore
from tests.detection.files import COUNT, LABELS, ULTRALYTICS, models, raw
from tests.detection.files import detector as made
from tests.runtimes.onnx.files import classifier, helper, labels_file, written

YOLOX = np.zeros((1, COUNT, 7), np.float32)
AS_YOLOX = {"decoder": "yolox"}
"""For files that do not tell their outputs' shapes."""
TOLD = {"decoder": "yolox", "classes": 2, "input_width": 416, "input_height": 416, "camera_width": 640}
TOLD |= {"camera_height": 480}


def judged(folder: Path, *, attempt: Attempt | None = None, **settings: Any) -> list[Finding]:
    """What is found, by a real child process unless it is said what became of it."""
    places = Places(ModelStore(folder), folder / "torch")
    return detector(Settings.model_validate(settings), places, (lambda _: attempt) if attempt else Packages().attempt)


def with_operators(file: Any, *operators: str) -> Any:
    """A detector that has these operators, too, whose answers nobody asks for."""
    for number, operator in enumerate(operators):
        given = ["mean"] if operator == "DynamicQuantizeLinear" else ["mean", "nought"]
        outputs = [f"{part}_{number}" for part in ("q", "scale", "zero")][: 4 - len(given)]
        file.graph.node.append(helper.make_node(operator, given, outputs[: 3 if len(given) == 1 else 1]))
    return file


def test_a_detector(tmp_path: Path) -> None:
    """Protects who has a detector: what it is, as `run` will read it, and what its cameras are best asked for."""
    weights = str(written(made(raw(), metadata=ULTRALYTICS), tmp_path))
    seen = f"{weights}: a detector, decoder ultralytics, 64x64 pixels, 2 classes"
    size = "160x120 suits 64x64 pixels; no other is configured"
    expected = [Finding("weights", State.OK, seen), Finding("camera size", State.OK, size)]
    assert judged(tmp_path, model={"weights": weights, "threads": 1}) == expected


@pytest.mark.parametrize(
    ("operators", "words", "remedy"),
    [
        (["DynamicQuantizeLinear"], ", quantised dynamically", "in float32: several times as fast"),
        (["QuantizeLinear"], ", in int8", "half of its accuracy is lost"),
    ],
)
def test_a_slow_one_and_a_bad_one(operators: Sequence[str], words: str, remedy: str, tmp_path: Path) -> None:
    """Protects from exports that run and disappoint: dynamic int8 is slow, and a YOLOX in int8 wrong."""
    weights = str(written(with_operators(made(YOLOX), *operators), tmp_path))
    model = {"weights": weights, "labels": str(labels_file(tmp_path, LABELS)), "threads": 1}
    finding = judged(tmp_path, model=model, detect=AS_YOLOX)[0]
    assert finding.state == State.WARNING
    assert finding.seen.endswith(f"decoder yolox, 64x64 pixels, 2 classes{words}")
    assert remedy in finding.remedy


def test_another_detector_in_int8_is_well(tmp_path: Path) -> None:
    """Protects from a false alarm: of the models that were tried, int8 spoils YOLOX alone."""
    weights = str(written(with_operators(made(raw(), metadata=ULTRALYTICS), "QuantizeLinear"), tmp_path))
    assert judged(tmp_path, model={"weights": weights, "threads": 1})[0].state == State.OK


def test_no_detector(tmp_path: Path) -> None:
    """Protects classifiers, and files that cannot be read: they are the other check's."""
    assert judged(tmp_path) == []
    assert judged(tmp_path, model={"weights": str(written(classifier(), tmp_path))}) == []
    assert judged(tmp_path, model={"weights": str(tmp_path / "none.onnx")}) == []


@pytest.mark.parametrize(
    ("name", "model", "words"),
    [
        ("model.onnx", {}, "has no labels in it"),
        ("model.onnx", {"labels": "none.txt"}, "none.txt: No such file"),
        ("model.tflite", {}, "has no labels in it"),
    ],
)
def test_one_that_run_would_refuse(name: str, model: dict[str, str], words: str, tmp_path: Path) -> None:
    """Protects the start: what `run` says of a detector that it cannot take is found before."""
    weights = str(written(made(YOLOX), tmp_path, name))
    (finding,) = judged(tmp_path, model={"weights": weights, **model}, detect=AS_YOLOX if name == "model.onnx" else {})
    assert (finding.state, words in finding.seen, bool(finding.remedy)) == (State.PROBLEM, True, True)


def test_a_runtime_that_dies(tmp_path: Path) -> None:
    """Protects the other checks: a library that kills the process costs a child alone, and is told."""
    weights = str(written(made(raw(), metadata=ULTRALYTICS), tmp_path))
    (finding,) = judged(tmp_path, attempt=Attempt("", killed_by="SIGILL"), model={"weights": weights})
    assert (finding.state, "dies of SIGILL" in finding.seen) == (State.PROBLEM, True)


def test_published_weights(tmp_path: Path) -> None:
    """Protects a start without network: weights that are not there yet are told, with where to put them."""
    (finding,) = judged(tmp_path, model={"name": "yolox_nano"})
    place = tmp_path / "yolox_nano.onnx"
    assert finding == Finding(
        "weights",
        State.WARNING,
        f"{place}: not downloaded",
        f"the first start downloads it; without a network copy {PUBLISHED['yolox_nano'].url} there",
    )
    place.write_bytes(b"half a file")
    (finding,) = judged(tmp_path, model={"name": "yolox_nano"})
    assert (finding.state, finding.seen) == (State.WARNING, f"{place}: damaged")


@pytest.mark.parametrize(
    ("camera", "state", "words"),
    [
        ({}, State.OK, "; no other is configured"),
        ({"width": 640, "height": 480}, State.OK, "; door: 640x480 is asked for"),
        ({"width": 1280, "height": 720}, State.OK, "; door: 1280x720 is asked for"),
        ({"width": 320, "height": 240}, State.WARNING, "; door: 320x240 is asked for"),
        ({"width": 320, "height": 240, "source": "rtsp://camera/stream"}, State.OK, "; no other is configured"),
        ({"width": 320, "height": 240, "source": "synthetic:"}, State.OK, "; no other is configured"),
    ],
)
def test_camera_size(camera: dict[str, object], state: State, words: str, tmp_path: Path) -> None:
    """Protects detail: a camera that is asked for less than the input is told beside what suits; others are left."""
    weights = str(written(made(YOLOX), tmp_path))
    told = Attempt(json.dumps(TOLD))
    found = judged(
        tmp_path, attempt=told, model={"weights": weights}, detect=AS_YOLOX, camera=[{"name": "door", **camera}]
    )
    assert (found[1].state, found[1].seen) == (state, f"640x480 suits 416x416 pixels{words}")
    assert ("width = 640 and height = 480" in found[1].remedy) == (state == State.WARNING)


def test_passwords_stay_here(tmp_path: Path) -> None:
    """Protects passwords: a child process, whose arguments everybody may read, is told of the model alone."""
    asked: list[str] = []

    def attempt(statements: str) -> Attempt:
        asked.append(statements)
        return Attempt("", error="enough")

    settings = Settings.model_validate(
        {
            "camera": [{"source": "rtsp://camera/stream", "username": "me", "password": "hunter2"}],
            "model": {"weights": str(written(made(YOLOX), tmp_path))},
            "detect": AS_YOLOX,
        }
    )
    detector(settings, Places(ModelStore(tmp_path), tmp_path), attempt)
    assert "model.onnx" in asked[0]
    assert "hunter2" not in asked[0]


@pytest.mark.parametrize(
    ("model", "name", "remedy"),
    [
        ({"name": "yolox_nano"}, "ONNX Runtime", "onnxruntime>=1.23"),
        ({"weights": "ssd.tflite"}, "LiteRT", "pip install ai-edge-litert"),
    ],
)
def test_the_runtime_of_a_detector(model: dict[str, str], name: str, remedy: str, tmp_path: Path) -> None:
    """Protects an installation: the runtime that a detector needs is missed, and no other."""
    settings = Settings.model_validate({"model": model}).model
    (finding,) = runtimes.runtime(Machine(), Packages(path=(str(tmp_path),)), settings)
    assert (finding.name, finding.state, remedy in finding.remedy) == (name, State.PROBLEM, True)


def test_no_opencv_is_imported() -> None:
    """Protects the diagnosis: what may be broken is not imported by who is to say so."""
    program = "import sys, pi_classifier.doctor.examination; sys.exit(len({'cv2', 'torch'} & {*sys.modules}))"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_real_models(test_data: Path, tmp_path: Path) -> None:
    """Protects what people have: the published kinds are told, and a dynamically quantised one is."""
    folder = models(test_data) / "models"
    found = judged(tmp_path, model={"name": "yolox_nano", "weights": str(folder / "yolox_nano_416.onnx"), "threads": 1})
    assert [one.state for one in found] == [State.OK, State.OK]
    assert "decoder yolox, 416x416 pixels, 80 classes" in found[0].seen
    assert found[1].seen.startswith("640x480 suits 416x416")
    found = judged(tmp_path, model={"weights": str(folder / "yolov8n_320_int8.onnx"), "threads": 1})
    assert "quantised dynamically" in found[0].seen

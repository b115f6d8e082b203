"""A detector on the instruction set of a Raspberry Pi: ONNX Runtime runs there, and finds what it finds here."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.arm.conftest import PROGRAM, TEST_DATA
from tests.arm.userland import Userland
from tests.detection.files import models

COMMAND = f"{PROGRAM}/bin/pi-classifier"
MODELS = {"yolox_nano_416.onnx": ("--labels", "coco80.txt"), "yolov8n_320_int8.onnx": ()}
PICTURES = 2
"""Each takes half a minute under emulation."""
SURE = 0.4
"""Confidence; what is just above the threshold in one place may be just below it in another."""
Found = list[tuple[str, float, list[float]]]


def found_in(lines: str) -> list[Found]:
    """The sure objects of each picture: label, confidence, box."""
    said: list[dict[str, Any]] = [json.loads(line) for line in lines.splitlines()]
    return [
        [(one["label"], one["confidence"], one["box"]) for one in line["detections"] if one["confidence"] > SURE]
        for line in said
    ]


@pytest.mark.parametrize("name", MODELS)
def test_objects_are_those_of_x86(raspberry: Userland, test_data: Path, name: str) -> None:
    """Protects Raspberry Pis from another arithmetic: the same objects, with the same boxes to a pixel."""
    folder = models(test_data)
    pictures = [path.name for path in sorted((folder / "val" / "images").glob("*.jpg"))[:PICTURES]]

    def arguments(data: str) -> list[str]:
        option, *file = MODELS[name] or ("",)
        labels = [option, f"{data}/detection/models/{file[0]}"] if file else []
        weights = ["--weights", f"{data}/detection/models/{name}", *labels, "--threads", "1"]
        return ["classify", "--json", *weights, *(f"{data}/detection/val/images/{one}" for one in pictures)]

    command = [sys.executable, "-m", "pi_classifier", *arguments(str(test_data))]
    here = found_in(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    there = found_in(raspberry.check(COMMAND, *arguments(TEST_DATA)))
    assert sum(map(len, here)) > PICTURES, "there is something to see"
    assert [[label for label, *_ in one] for one in here] == [[label for label, *_ in one] for one in there]
    for found, other_found in zip(here, there, strict=True):
        for (_, sure, box), (_, other_sure, other_box) in zip(found, other_found, strict=True):
            assert sure == pytest.approx(other_sure, abs=0.01)
            assert box == pytest.approx(other_box, abs=1.0)

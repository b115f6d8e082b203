"""`pi-classifier classify` with a detector, as its user runs it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from pi_classifier.contracts.frame import Pixels
from pi_classifier.sinks.colours import colour_of
from tests.detection.files import COUNT, ULTRALYTICS, detector, raw
from tests.running import Program
from tests.runtimes.onnx.files import classifier, labels_file, written
from tests.sources.test_files import write_picture, write_video

Run = Callable[..., Program]
DOG_ID = 1
DOG = {"class_id": DOG_ID, "label": "dog", "confidence": 0.9}


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A detector that sees one dog in the middle of everything."""
    return written(detector(raw(), metadata=ULTRALYTICS), tmp_path)


def output(program: Program, code: int = 0) -> str:
    """What it printed."""
    result = program.wait()
    assert result.returncode == code, result.stderr
    return "\n".join(program.lines)


def test_lines_of_json(program: Run, weights: Path, tmp_path: Path) -> None:
    """Protects scripts: an object a frame, boxes in pixels of the picture that was given; a bad file costs itself."""
    good = write_picture(tmp_path / "a.png")
    lines = output(program("classify", good, tmp_path / "none.png", "--json", "--weights", weights), 1).splitlines()
    first, second = (json.loads(line) for line in lines)
    (found,) = first["detections"]
    box = found.pop("box")
    assert found == DOG
    assert (first["input"], first["frame"], set(second)) == (str(good), 0, {"input", "error"})
    assert 0 <= box[0] < box[2]


def test_cocos_results(program: Run, weights: Path, tmp_path: Path) -> None:
    """Protects who measures: one array, ids of files' numbers, boxes with widths, classes from 1."""
    pictures = [write_picture(tmp_path / f"{name}.png") for name in ("000139", "garden")]
    results: list[dict[str, Any]] = json.loads(
        output(program("classify", *pictures, "--format", "coco", "--weights", weights))
    )
    assert [(one["image_id"], one["category_id"], one["score"]) for one in results] == [
        (139, 2, 0.9),
        ("garden", 2, 0.9),
    ]
    assert all(len(one["bbox"]) == 4 for one in results)


def test_no_results(program: Run, weights: Path, tmp_path: Path) -> None:
    """Protects the array where nothing was found, and the flag that says what is worth telling."""
    picture = write_picture(tmp_path / "a.png")
    given = ("--format", "coco", "--weights", weights, "--confidence", "0.95")
    assert json.loads(output(program("classify", picture, *given))) == []


def test_limits_by_flags(program: Run, tmp_path: Path) -> None:
    """Protects --iou and --max-detections: they reach the detector."""
    answer = np.zeros((1, 6, COUNT), np.float32)
    for column, (x, score) in enumerate([(30, 0.9), (31, 0.8), (50, 0.7)]):
        answer[0, :, column] = [x, 32, 10, 10, 0, score]
    weights, picture = written(detector(answer, metadata=ULTRALYTICS), tmp_path), write_picture(tmp_path / "a.png")

    def found(*flags: str) -> list[float]:
        line = json.loads(output(program("classify", picture, "--json", "--weights", weights, *flags)))
        return [one["confidence"] for one in line["detections"]]

    assert found() == [0.9, 0.7]
    assert found("--iou", "0.95") == [0.9, 0.8, 0.7]
    assert found("--max-detections", "1") == [0.9]


def dogs_on(picture: Pixels) -> int:
    """How many of its pixels have the colour of the box around the dog."""
    far = np.abs(picture.astype(int) - colour_of(DOG_ID)).max(axis=2)
    return int((far < 40).sum())


def test_copies_with_boxes(program: Run, weights: Path, tmp_path: Path) -> None:
    """Protects --output: pictures and videos have copies of their size with the boxes drawn on every frame."""
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    cv2.imwrite(str(inputs / "yard.png"), np.zeros((256, 256, 3), np.uint8))
    write_video(inputs / "drive.mp4", frames=3)
    out = tmp_path / "out"
    output(program("classify", inputs, "--weights", weights, "--output", out))
    assert sorted(path.name for path in out.iterdir()) == ["drive.mp4", "yard.png"]
    picture = cv2.imread(str(out / "yard.png"))
    assert picture is not None
    assert picture.shape == (256, 256, 3)
    assert dogs_on(picture.astype(np.uint8)) > 200
    for name in (inputs, out):
        video = cv2.VideoCapture(str(name / "drive.mp4"))
        dogs = [dogs_on(frame.astype(np.uint8)) for good, frame in (video.read() for _ in range(3)) if good]
        video.release()
        assert len(dogs) == 3
        assert (min(dogs) > 50) == (name == out)


def test_copies_follow_the_rules_of_classes(program: Run, weights: Path, tmp_path: Path) -> None:
    """Protects files that were there: with a detector as well they are replaced with --overwrite alone."""
    picture = write_picture(tmp_path / "a.png")
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.png").write_bytes(b"precious")
    command = ("classify", picture, "--weights", weights, "--output", out)
    refused = program(*command).wait()
    assert (refused.returncode, "a.png: exists already" in refused.stderr) == (73, True)
    assert (out / "a.png").read_bytes() == b"precious"
    output(program(*command, "--overwrite"))
    assert cv2.imread(str(out / "a.png")) is not None


def test_a_table(program: Run, weights: Path, tmp_path: Path) -> None:
    """Protects people: without a format it is a line a frame."""
    picture = write_picture(tmp_path / "a.png")
    assert "90.0% dog (" in output(program("classify", picture, "--weights", weights))


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--json", "--format", "coco"), "are two formats"),
        (("--decoder", "yolox"), "is no yolox"),
        (("--decoder", "ssd"), "is no ssd"),
        (("--decoder", "other"), "is none of auto"),
        (("--confidence", "2"), "detect.confidence"),
    ],
)
def test_options_that_do_not_go(
    flags: tuple[str, ...], words: str, program: Run, weights: Path, tmp_path: Path
) -> None:
    """Protects users: what does not go together is refused in one line, with exit code 78."""
    result = program("classify", write_picture(tmp_path / "a.png"), "--weights", weights, *flags).wait()
    assert (result.returncode, len(result.stderr.splitlines())) == (78, 1)
    assert words in result.stderr


def test_a_classifier_has_no_boxes(program: Run, tmp_path: Path) -> None:
    """Protects against an empty array that means nothing: COCO's results of a classifier are refused."""
    weights = written(classifier(), tmp_path)
    given = ("--format", "coco", "--weights", weights, "--labels", labels_file(tmp_path))
    result = program("classify", write_picture(tmp_path / "a.png"), *given).wait()
    assert result.returncode == 78
    assert "--format coco is for a detector" in result.stderr


def test_prepare_takes_no_detector(program: Run, tmp_path: Path) -> None:
    """Protects users: a .tflite file is not taken for weights that a bundle can be made of."""
    weights = tmp_path / "ssd.tflite"
    weights.write_bytes(b"")
    result = program("prepare", "--weights", weights).wait()
    assert result.returncode == 78
    assert "as a detector alone; give it to 'run' or 'classify'" in result.stderr

"""Detectors' files: opened, asked, refused."""

import io
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pi_classifier.contracts.detection import Detection
from pi_classifier.detection.detector import Detector
from pi_classifier.detection.limits import Limits
from pi_classifier.detection.opening import Wishes, open_detector
from pi_classifier.errors import ConfigError, ModelError, PiClassifierError
from tests.detection.files import COUNT, LABELS, NAMES, SIZE, ULTRALYTICS, detector, models, raw
from tests.runtimes.onnx.files import INT64, UINT8, helper, labels_file, value, written
from tests.runtimes.onnx.files import classifier as a_classifier
from tests.runtimes.onnx.files import model as made_of

YOLOX = np.zeros((1, COUNT, 7), np.float32)


def opened(made: Any, folder: Path, labels: str = "", decoder: str = "", limits: Limits | None = None) -> Detector:
    """A small detector."""
    return open_detector(written(made, folder), Wishes(labels, decoder), limits or Limits(), threads=1)


def refusal(made: Any, folder: Path, labels: str = "") -> str:
    """Why it is not opened, one line."""
    with pytest.raises((ConfigError, ModelError)) as caught:
        opened(made, folder, labels)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


@pytest.mark.parametrize("picture", [(1, 3, SIZE, SIZE), ("batch", 3, "height", "width")])
def test_an_ultralytics_export_needs_no_flag(picture: tuple[Any, ...], tmp_path: Path) -> None:
    """Protects the common case: labels and size from the metadata, boxes in pixels of the picture that was given."""
    found = opened(detector(raw(), picture=picture, metadata=ULTRALYTICS), tmp_path)
    assert (found.metadata.decoder, found.metadata.categories) == ("ultralytics", LABELS)
    assert (found.metadata.input_height, found.metadata.input_width) == (SIZE, SIZE)
    answer = found.new_finder()(np.zeros((480, 640, 3), np.uint8))
    # A tenth of the size, 8 pixels from the top: the middle is the middle, 200 x 100 pixels.
    assert answer == (Detection("dog", 1, float(np.float32(0.9)), (220.0, 190.0, 420.0, 290.0)),)


def test_limits(tmp_path: Path) -> None:
    """Protects the three settings: what is too unsure, too near or too many is not told."""
    answer = np.zeros((1, 6, COUNT), np.float32)
    for column, (x, score) in enumerate([(10, 0.9), (12, 0.8), (40, 0.7), (50, 0.2)]):
        answer[0, :, column] = [x, 32, 10, 10, 0, score]
    made, picture = detector(answer, metadata=ULTRALYTICS), np.zeros((SIZE, SIZE, 3), np.uint8)

    def scores(limits: Limits) -> list[float]:
        found = opened(made, tmp_path, limits=limits).new_finder()(picture)
        return [round(one.confidence, 2) for one in found]

    assert scores(Limits()) == [0.9, 0.7]
    assert scores(Limits(confidence=0.1)) == [0.9, 0.7, 0.2]
    assert scores(Limits(iou=0.9)) == [0.9, 0.8, 0.7]
    assert scores(Limits(max_detections=1)) == [0.9]


def test_labels_and_a_decoder_by_hand(tmp_path: Path) -> None:
    """Protects files that say nothing: labels from a file, and the decoder's name where two would do."""
    labels = str(labels_file(tmp_path, LABELS))
    assert opened(detector(YOLOX), tmp_path, labels).metadata.decoder == "yolox"
    short = np.zeros((1, COUNT, 6), np.float32)
    assert "may be end-to-end and yolox" in refusal(detector(short), tmp_path, labels=labels)
    assert opened(detector(short), tmp_path, labels, "end-to-end").metadata.decoder == "end-to-end"


def test_more_classes_than_labels(tmp_path: Path) -> None:
    """Protects end-to-end models, which do not tell how many classes they have: one without a label has its number."""
    answer = np.zeros((1, 300, 6), np.float32)
    answer[0, 0] = [0, 0, 10, 10, 0.9, 7]
    answer[0, 1] = [0, 0, 10, 10, 0.9, -1]
    found = opened(detector(answer, metadata=ULTRALYTICS), tmp_path).new_finder()(np.zeros((SIZE, SIZE, 3), np.uint8))
    assert [(one.label, one.class_id) for one in found] == [("class 7", 7)]


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: detector(raw()), "has no labels in it"),
        (lambda: detector(raw(), metadata={**ULTRALYTICS, "names": "{0: 'a\\n', 1: '\\x1b[31m'}"}), "has no labels"),
        (lambda: detector(raw(), metadata={**ULTRALYTICS, "names": "__import__('os').system('true')"}), "no labels"),
        (lambda: detector(raw(), metadata={**ULTRALYTICS, "names": "[" * 100_000}), "has no labels in it"),
        (lambda: detector(raw(), metadata={**ULTRALYTICS, "names": "['cat']"}), "1 labels for 2 outputs"),
        (lambda: detector(raw(), metadata={**ULTRALYTICS, "task": "pose"}), "task 'pose'"),
        (lambda: detector(raw(7), metadata=NAMES), "1x6x7 for a picture of 64x64"),
        (lambda: detector(raw(), picture=(1, 3, "h", "w"), metadata=NAMES), "leaves its picture's size open"),
        (lambda: detector(raw(), picture=(1, 3, 8, 8), metadata=ULTRALYTICS), "takes pictures of 8x8 pixels"),
        (lambda: detector(raw(), picture=(1, 1, 64, 64), metadata=ULTRALYTICS), "takes no picture"),
        (lambda: detector(raw(), picture=(4, 3, 64, 64), metadata=ULTRALYTICS), "takes 4 pictures at once"),
        (lambda: detector(YOLOX, metadata={"names": repr({0: "a"})}), "1 labels for 2 outputs"),
        (lambda: detector(YOLOX + 50, metadata=NAMES), "is not as yolox has it"),
        (lambda: detector(YOLOX * np.nan, metadata=NAMES), "gives no numbers"),
        (lambda: detector(raw() * 10, metadata=ULTRALYTICS), "scores up to 9"),
        (lambda: a_classifier(metadata=NAMES, picture=(1, 3, 64, 64)), "is no detector that is known"),
        (
            lambda: made_of(
                [helper.make_node("Shape", ["images"], ["y"])],
                [value("images", [1, 3, 64, 64])],
                [value("y", [4], INT64)],
            ),
            "4 of int64",
        ),
    ],
)
def test_refused_in_one_line(made: Any, words: str, tmp_path: Path) -> None:
    """Protects users: what cannot be used is refused in a line that says what was found."""
    assert words in refusal(made(), tmp_path)


@pytest.mark.parametrize("names", [LABELS, ("BACKGROUND", *LABELS), ("__background__", *LABELS)])
def test_ssd_of_tensorflow(names: tuple[str, ...], tmp_path: Path) -> None:
    """Protects SSD in ONNX: bytes stretched into the input, fractions top first, class 1 is the first label."""
    boxes, classes, scores = np.zeros((1, 3, 4), np.float32), np.zeros((1, 3), np.float32), np.zeros((1, 3), np.float32)
    boxes[0, :2], classes[0], scores[0] = [0.25, 0.5, 0.5, 0.75], [2, 0, 1], [0.9, 0.8, 0.7]
    outputs = {"detection_scores:0": scores, "num_detections:0": np.array([2], np.float32)}
    outputs |= {"detection_classes:0": classes, "detection_boxes:0": boxes}
    shown = (1, SIZE, SIZE, 3)
    made = detector(*outputs.values(), picture=shown, taken=UINT8, names=list(outputs))
    found = opened(made, tmp_path, str(labels_file(tmp_path, names)))
    assert (found.metadata.decoder, found.metadata.categories) == ("ssd", LABELS)
    assert (str(found.new_tensor().dtype), found.new_tensor().shape) == ("uint8", shown)
    answer = found.new_finder()(np.zeros((256, 512, 3), np.uint8))
    assert answer == (Detection("dog", 1, float(np.float32(0.9)), (256.0, 64.0, 384.0, 128.0)),)


def test_ssd_of_torchvision(tmp_path: Path) -> None:
    """Protects torchvision's detectors: boxes in pixels of the input, whole numbers are classes, 1 the first label."""
    boxes = np.array([[16, 16, 32, 48], [0, 0, 9, 9]], np.float32)
    outputs = (np.array([2, 0]), boxes, np.array([0.9, 0.8], np.float32))
    found = opened(detector(*outputs), tmp_path, str(labels_file(tmp_path, ("background", *LABELS))))
    assert (found.metadata.decoder, found.metadata.categories) == ("torchvision", LABELS)
    answer = found.new_finder()(np.zeros((256, 512, 3), np.uint8))
    assert answer == (Detection("dog", 1, float(np.float32(0.9)), (128.0, 64.0, 256.0, 192.0)),)


def test_labels_are_only_text(tmp_path: Path) -> None:
    """Protects the page and the log: markup in a name stays a name, character by character."""
    names = repr({0: "<img src=x onerror=alert(1)>", 1: "[red]dog[/red]"})
    found = opened(detector(raw(), metadata={**ULTRALYTICS, "names": names}), tmp_path)
    assert found.metadata.categories == ("<img src=x onerror=alert(1)>", "[red]dog[/red]")


def test_a_hundred_thousand_boxes(tmp_path: Path) -> None:
    """Protects the loop: a model that is sure of a hundred thousand objects tells of the limit's number, best first."""
    random = np.random.default_rng(1)
    answer = np.concatenate([random.random((4, 100_000)) * 60, random.random((2, 100_000))]).astype(np.float32)[None]
    find = opened(detector(answer, metadata=ULTRALYTICS), tmp_path).new_finder()
    found = find(np.zeros((480, 640, 3), np.uint8))
    assert len(found) <= 100
    assert [one.confidence for one in found] == sorted((one.confidence for one in found), reverse=True)


@pytest.mark.parametrize("ending", [".onnx", ".tflite"])
@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x1c\0\0\0TFL3" + b"\xff" * 100])
def test_no_model_at_all(ending: str, content: bytes, tmp_path: Path) -> None:
    """Protects users: other bytes under a model's name are refused in a line."""
    path = tmp_path / f"model{ending}"
    path.write_bytes(content)
    with pytest.raises(PiClassifierError) as caught:
        open_detector(path, Wishes(str(labels_file(tmp_path))), Limits(), threads=1)
    assert len(str(caught.value).splitlines()) == 1


def with_labels(content: bytes, members: dict[str, bytes]) -> bytes:
    """A model with an archive behind it."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in members.items():
            file.writestr(name, text)
    return content + archive.getvalue()


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({}, "has no labels in it"),
        ({"a.txt": b"cat", "b.txt": b"dog"}, "has no labels in it"),
        ({"labels.txt": b"cat\n\x1b[31m\n"}, "line 2 is no label"),
        ({"labels.txt": b"\xff\xfe"}, "no text in UTF-8"),
        ({"labels.txt": b"cat\n" * (1 << 20)}, "has no labels in it"),
    ],
)
def test_labels_in_a_tflite_file(members: dict[str, bytes], words: str, tmp_path: Path) -> None:
    """Protects memory and terminals: an archive behind a model is read within bounds; what is no list is refused."""
    path = tmp_path / "model.tflite"
    path.write_bytes(with_labels(b"TFL3", members))
    with pytest.raises(PiClassifierError) as caught:
        open_detector(path, Wishes(), Limits(), threads=1)
    assert words in str(caught.value)


def test_an_archive_that_cannot_be_unpacked(tmp_path: Path) -> None:
    """Protects from a traceback: labels that are compressed in some other way, and damaged, are no labels."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_LZMA) as file:
        file.writestr("labels.txt", b"cat\ndog\n")
    content = bytearray(archive.getvalue())
    content[48:58] = bytes(10)
    path = tmp_path / "model.tflite"
    path.write_bytes(b"TFL3" + content)
    with pytest.raises(PiClassifierError, match="has no labels in it"):
        open_detector(path, Wishes(), Limits(), threads=1)


def test_background_before_the_labels_of_an_ssd(test_data: Path, tmp_path: Path) -> None:
    """Protects from labels off by one: TensorFlow's files for these very models begin with the class that is none."""
    (real,) = (models(test_data) / "models").glob("*.tflite")
    own = open_detector(real, Wishes(), Limits(), threads=1).metadata.categories
    given = labels_file(tmp_path, ("???", *own))
    assert open_detector(real, Wishes(str(given)), Limits(), threads=1).metadata.categories == own


@pytest.mark.parametrize("part", [0.2, 0.9, 0.9999])
def test_a_tflite_file_cut_short(part: float, test_data: Path, tmp_path: Path) -> None:
    """Protects the process: what is left of a real SSD is refused in a line, before or by LiteRT."""
    (real,) = (models(test_data) / "models").glob("*.tflite")
    content = real.read_bytes()
    path = tmp_path / "cut.tflite"
    path.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(PiClassifierError) as caught:
        open_detector(path, Wishes(str(labels_file(tmp_path)) if part < 0.99 else ""), Limits(), threads=1)
    assert len(str(caught.value).splitlines()) == 1


def test_torch_is_not_imported(tmp_path: Path) -> None:
    """Protects machines without torch, and the start: a detector is opened and asked without it."""
    path = written(detector(raw(), metadata=ULTRALYTICS), tmp_path)
    program = f"""
import sys
from pathlib import Path
import numpy as np
from pi_classifier.detection.limits import Limits
from pi_classifier.detection.opening import Wishes, open_detector
assert open_detector(Path({str(path)!r}), Wishes(), Limits(), threads=1).new_finder()(np.zeros((9, 9, 3), np.uint8))
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)

"""What a file is as a classifier, and every one that is none."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pi_classifier.errors import ModelError, PiClassifierError
from pi_classifier.runtimes.onnx.classifier import IMAGENET_MEAN, IMAGENET_STD, Classifier, Wishes, classifier
from pi_classifier.runtimes.onnx.model import OnnxModel
from pi_classifier.runtimes.onnx.read import read_onnx
from tests.runtimes.onnx.files import (
    FLOAT,
    INT64,
    LABELS,
    helper,
    labels_file,
    model,
    numpy_helper,
    onnx,
    value,
    written,
)
from tests.runtimes.onnx.files import classifier as made

NAMES = {"names": repr(dict(enumerate(LABELS)))}
ULTRALYTICS = {**NAMES, "task": "classify", "imgsz": "[32, 32]", "stride": "1"}
NODE = helper.make_node("Identity", ["x"], ["y"])
OUT = value("y", [1, 4])


def known(made_model: Any, folder: Path, **wishes: Any) -> Classifier:
    """What stands in a model, read from a file, with the labels that fit unless others are given."""
    file = read_onnx(written(made_model, folder))
    if "labels" not in wishes:
        wishes["labels"] = str(labels_file(folder))
    return classifier(file, Wishes(**wishes))


def loaded(made_model: Any, folder: Path, **wishes: Any) -> OnnxModel:
    """A model, read from a file and tried out."""
    found = known(made_model, folder, **wishes)
    return OnnxModel(read_onnx(folder / "model.onnx"), found, threads=1, top_k=2)


def says(model: OnnxModel, colour: tuple[int, int, int]) -> dict[str, float]:
    """The best labels of a picture of one colour, RGB, with their probabilities."""
    tensor = model.new_tensor()
    size = model.metadata.input_size
    model.new_preprocessor()(np.full((size, size, 3), colour[::-1], np.uint8), tensor)
    predictor = model.new_predictor()
    return {score.label: score.probability for score in predictor.decode(predictor.infer(tensor)).scores}


def test_what_a_course_exports(tmp_path: Path) -> None:
    """Protects the common case: a batch of one, ImageNet's pre-processing, a labels file, colours in their order."""
    model = loaded(made(), tmp_path)
    metadata = model.metadata
    assert (metadata.name, metadata.weights, metadata.engine) == ("model", "model.onnx", "cpu")
    assert (metadata.input_size, metadata.resize_size) == (32, 37)
    assert (metadata.mean, metadata.std, metadata.categories) == (IMAGENET_MEAN, IMAGENET_STD, LABELS)
    assert not metadata.untrained
    assert next(iter(says(model, (255, 0, 0)))) == "red"
    assert next(iter(says(model, (0, 0, 255)))) == "blue"


def test_a_name_of_any_bytes(tmp_path: Path) -> None:
    """Protects the log and the metrics: what a file may be called and cannot be printed stands there as an escape."""
    file = read_onnx(written(made(), tmp_path, "a\nb\udcff.onnx"))
    metadata = classifier(file, Wishes(str(labels_file(tmp_path)))).metadata
    assert (metadata.name, metadata.weights) == ("a\\nb\\udcff", "a\\nb\\udcff.onnx")


def test_what_ultralytics_exports(tmp_path: Path) -> None:
    """Protects such a file: labels and size from inside it, values of 0 to 1, scaled to its size and no further."""
    found = known(made(metadata=ULTRALYTICS, picture=(1, 3, "height", "width"), softmax=True), tmp_path, labels="")
    assert found.metadata.categories == LABELS
    assert (found.metadata.input_size, found.metadata.resize_size) == (32, 32)
    assert (found.metadata.mean, found.metadata.std) == ((0, 0, 0), (1, 1, 1))


def test_the_user_knows_better(tmp_path: Path) -> None:
    """Protects what is configured: a labels file, a mean and a deviation come before those of the file."""
    labels = labels_file(tmp_path, "abcd")
    found = known(made(metadata=ULTRALYTICS), tmp_path, labels=str(labels), mean=(0.5, 0.5, 0.5), std=(0.25, 0.5, 1))
    assert found.metadata.categories == tuple("abcd")
    assert (found.metadata.mean, found.metadata.std) == ((0.5, 0.5, 0.5), (0.25, 0.5, 1))


@pytest.mark.parametrize("batch", [1, "batch", None], ids=str)
@pytest.mark.parametrize("output", [(1, 4), ("batch", 4), (1, None), None], ids=str)
def test_what_a_file_leaves_open(tmp_path: Path, batch: int | str | None, output: tuple[Any, ...] | None) -> None:
    """Protects dynamic exports: the batch may be open, and so may the number of classes be, which a trial tells."""
    picture = (batch, 3, 32, 32)
    assert says(loaded(made(picture=picture, output=output), tmp_path), (0, 255, 0))["green"] > 0.9
    if output in ((1, None), None):
        with pytest.raises(ModelError, match="3 labels for 4 outputs"):
            loaded(made(picture=picture, output=output), tmp_path, labels=str(labels_file(tmp_path, "abc")))


def test_channels_last(tmp_path: Path) -> None:
    """Protects exports of TensorFlow: R, G and B beside each other."""
    model = loaded(made(picture=(1, 32, 32, 3)), tmp_path)
    assert model.new_tensor().shape == (1, 32, 32, 3)
    assert says(model, (0, 0, 255))["blue"] > 0.9


def test_softmax_is_done_once(tmp_path: Path) -> None:
    """Protects probabilities: of a model that gives them they are its own, and equal those of its logits."""
    colour = (140, 120, 110)
    logits, probabilities = loaded(made(), tmp_path), loaded(made(softmax=True), tmp_path)
    expected, found = says(logits, colour), says(probabilities, colour)
    assert expected == pytest.approx(found, rel=1e-5)
    assert list(expected) == list(found)
    assert 0.3 < max(found.values()) < 0.9, "a second softmax would have flattened it"


def test_a_probability_of_nothing(tmp_path: Path) -> None:
    """Protects the log of zero: a class that cannot be is named with a probability of 0, without a warning."""
    model = loaded(made(softmax=True), tmp_path, std=(0.001, 0.001, 0.001))
    assert says(model, (255, 0, 0)) == pytest.approx({"red": 1.0, "green": 0.0}, abs=1e-30)


def test_another_number_of_classes_for_another_picture(tmp_path: Path) -> None:
    """Protects the loop from a traceback: a file whose answer grows with a white picture is refused when it does."""
    constants = {"much": np.array(9, np.float32), "classes": np.zeros((1, 4), np.float32), "flat": np.array([-1])}
    constants |= {"row": np.array([1, -1]), "nought": np.array(0, np.float32)}
    nodes = [
        helper.make_node("Greater", ["input_0", "much"], ["bright"]),
        helper.make_node("Reshape", ["bright", "flat"], ["places"]),
        helper.make_node("NonZero", ["places"], ["found"]),
        helper.make_node("Cast", ["found"], ["floats"], to=FLOAT),
        helper.make_node("Mul", ["floats", "nought"], ["nothing"]),
        helper.make_node("Reshape", ["nothing", "row"], ["more"]),
        helper.make_node("Concat", ["classes", "more"], ["output_0"], axis=1),
    ]
    weights = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    growing = model(nodes, [value("input_0", (1, 3, 16, 16))], [value("output_0", None)], initializer=weights)
    file = read_onnx(written(growing, tmp_path))
    opened = OnnxModel(file, classifier(file, Wishes(str(labels_file(tmp_path)))), threads=1, top_k=1)
    tensor, predictor = opened.new_tensor(), opened.new_predictor()
    assert predictor.infer(tensor).shape == (4,)
    tensor.fill(10)
    with pytest.raises(ModelError, match="772 numbers for one picture, and another number for others; export it with"):
        predictor.infer(tensor)


def test_numbers_without_an_end(tmp_path: Path) -> None:
    """Protects the loop: a picture that makes floats overflow, or no numbers at all, gets an answer like any other."""
    huge = numpy_helper.from_array(np.array([[3e38, -3e38, 3e38, 0]], np.float32), "huge")
    nodes = [
        helper.make_node("ReduceMax", ["x"], ["most"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Mul", ["most", "huge"], ["y"]),
    ]
    # 85 and 255, which a model is tried on, stay below the end; 254 does not.
    overflowing = model(nodes, [value("x", [1, 3, 32, 32])], [OUT], initializer=[huge])
    loaded_model = loaded(overflowing, tmp_path, mean=(1, 1, 1), std=(1, 1, 1))
    tensor = loaded_model.new_tensor()
    predictor = loaded_model.new_predictor()
    for filling in (3.0, np.inf, np.nan):
        tensor.fill(filling)
        result = predictor.decode(predictor.infer(tensor))
        assert len(result.scores) == 2
        assert result.probabilities.sum() == pytest.approx(1)


def identity(shape: list[int | str | None], output: list[int] | None = None, dtype: int = FLOAT) -> Any:
    """A model that gives what it takes."""
    return model([NODE], [value("x", shape, dtype)], [value("y", output or shape, dtype)])


LOOPED = helper.make_graph(
    [helper.make_node("Identity", ["again"], ["go on"])],
    "body",
    [value("count", [], INT64), value("again", [], onnx.TensorProto.BOOL)],
    [value("go on", [], onnx.TensorProto.BOOL)],
)
REFUSED = {
    "several inputs": (model([NODE], [value("x", [1, 3, 32, 32]), value("z", [1])], [OUT]), "it has 2 (x: float32 1x3"),
    "no input": (model([helper.make_node("Constant", [], ["y"], value_float=1.0)], [], [OUT]), "it has 0 (none)"),
    "integers": (model([NODE], [value("x", [1, 3, 32, 32], INT64)], [OUT]), "no picture in float32 (x: int64"),
    "bytes": (model([NODE], [value("x", [1, 3, 32, 32], onnx.TensorProto.UINT8)], [OUT]), "(x: uint8 1x3x32x32)"),
    "half precision": (model([NODE], [value("x", [1, 3, 32, 32], onnx.TensorProto.FLOAT16)], [OUT]), "(x: float16"),
    "a row": (model([NODE], [value("x", [1, 10])], [OUT]), "takes no picture"),
    "grey pictures": (model([NODE], [value("x", [1, 1, 28, 28])], [OUT]), "takes no picture"),
    "any shape": (model([NODE], [value("x", None)], [OUT]), "takes no picture"),
    "a batch of eight": (model([NODE], [value("x", [8, 3, 32, 32])], [value("y", [1, 4])]), "takes 8 pictures at once"),
    "open size": (made(picture=(1, 3, "height", "width")), "leaves its picture's size open"),
    "open width": (made(picture=(1, 3, 32, None)), "leaves its picture's size open"),
    "no square": (made(picture=(1, 3, 32, 64)), "takes pictures of 64x32 pixels"),
    "too large": (made(picture=(1, 3, 100_000, 100_000)), "takes pictures of 100000x100000 pixels"),
    "negative": (made(picture=(1, 3, -5, -5)), "takes pictures of -5x-5 pixels"),
    "size in the metadata": (
        made(picture=(1, 3, "h", "w"), metadata={**ULTRALYTICS, "imgsz": "[99999, 99999]"}),
        "takes pictures of 99999x99999 pixels",
    ),
    "several outputs": (model([NODE], [value("x", [1, 3, 32, 32])], [OUT, value("z", [1, 4])]), "has 2 outputs"),
    "no output": (model([NODE], [value("x", [1, 3, 32, 32])], []), "has 0 outputs"),
    "boxes": (made(output=(1, 84, 2100)), "its output is no row of classes (output_0: float32 1x84x2100)"),
    "no row": (made(output=(4,)), "its output is no row of classes"),
    "a detector": (made(metadata={**ULTRALYTICS, "task": "detect"}), "was made for the task 'detect'"),
    "a loop": (
        model([helper.make_node("Loop", ["", "x"], ["y"], body=LOOPED)], [value("x", [1, 3, 32, 32])], [OUT]),
        "has a loop in it (Loop)",
    ),
    "too few labels": (made(output=(1, 5)), "labels.txt: 4 labels for 5 outputs"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_no_classifier(tmp_path: Path, kind: str) -> None:
    """Protects from a model of another kind: one line says what it is, before anything is run."""
    made_model, words = REFUSED[kind]
    with pytest.raises(ModelError) as caught:
        known(made_model, tmp_path)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 500


def test_no_labels(tmp_path: Path) -> None:
    """Protects from numbers in place of labels: where there are none, the line says how to give them."""
    with pytest.raises(PiClassifierError, match="has no labels in it; name a file with a label a line with --labels"):
        known(made(), tmp_path, labels="")


RUN_AND_REFUSED = {
    "an operator that there is not": (
        model([helper.make_node("Swish9", ["x"], ["y"])], [value("x", [1, 3, 32, 32])], [OUT]),
        "does not load it",
    ),
    "parts that do not fit": (identity([1, 3, 32, 32], [1, 4]), "says two things of what it takes and gives"),
    "another shape than it says": (
        model([helper.make_node("Flatten", ["x"], ["y"])], [value("x", ["batch", 3, 32, 32])], [value("y", None)]),
        "4 labels for 3072 outputs",
    ),
    "no row after all": (
        model([NODE], [value("x", [1, 3, 32, 32])], [value("y", None)]),
        "what it gives is no row of classes in float32",
    ),
    "no numbers": (
        model(
            [
                helper.make_node("Constant", [], ["nan"], value_float=float("nan")),
                helper.make_node("ReduceMean", ["x"], ["means"], axes=[2, 3], keepdims=0),
                helper.make_node("Mul", ["means", "nan"], ["y"]),
            ],
            [value("x", [1, 3, 32, 32])],
            [value("y", [1, 3])],
        ),
        "gives no numbers",
    ),
    "more memory than there is": (
        model(
            [
                helper.make_node("ReduceMean", ["x"], ["means"], axes=[2, 3], keepdims=0),
                helper.make_node("ConstantOfShape", ["shape"], ["zeros"]),
                helper.make_node("ReduceSum", ["zeros"], ["sum"], keepdims=0),
                helper.make_node("Add", ["means", "sum"], ["y"]),
            ],
            [value("x", [1, 3, 32, 32])],
            [value("y", [1, 3])],
            initializer=[numpy_helper.from_array(np.array([1 << 33]), "shape")],
        ),
        "does not ",  # the one release computes constants when it loads a file, the other when it runs it
    ),
}


@pytest.mark.parametrize("kind", RUN_AND_REFUSED)
def test_what_a_trial_shows(tmp_path: Path, kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Protects the start: what only running it tells is one line, too, and ONNX Runtime writes none of its own."""
    made_model, words = RUN_AND_REFUSED[kind]
    labels = labels_file(tmp_path, "abc" if "no numbers" in kind or "memory" in kind else "abcd")
    with pytest.raises(ModelError) as caught:
        loaded(made_model, tmp_path, labels=str(labels))
    assert words in str(caught.value)
    assert len(str(caught.value)) < 600
    assert capfd.readouterr().err == ""


def test_an_error_that_is_no_text(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Protects stdout and the line: what ONNX Runtime says of a name in another encoding is not printed for it."""
    unknown = helper.make_node("Swish9", ["x"], ["y"], name="caffe")
    path = written(model([unknown], [value("x", [1, 3, 32, 32])], [OUT]), tmp_path)
    path.write_bytes(path.read_bytes().replace(b"caffe", b"caf\xe9s"))
    file = read_onnx(path)
    with pytest.raises(ModelError, match="does not load it"):
        OnnxModel(file, classifier(file, Wishes(str(labels_file(tmp_path)))), threads=1, top_k=1)
    assert capfd.readouterr() == ("", "")

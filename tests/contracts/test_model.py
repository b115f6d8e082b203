"""What every model promises: `contracts.model.Model` and `Predictor`, held against each of them, the fake included."""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from pi_classifier.contracts.detection import Detection, Geometry
from pi_classifier.contracts.frame import Pixels
from pi_classifier.contracts.job import Tensor
from pi_classifier.contracts.model import Model, Predictor
from pi_classifier.contracts.prediction import Probabilities, Result, Score
from pi_classifier.prepare.store import DEMO_BUNDLE
from pi_classifier.runtimes.bundle import read_bundle
from pi_classifier.runtimes.litert import LiteRTModel
from pi_classifier.runtimes.torchscript import TorchScriptModel
from tests.fakes import FakeModel
from tests.waiting import DEADLINE_SECONDS

SIZES = [(224, 224), (240, 320), (320, 240), (480, 640), (16, 16), (17, 301), (8192, 16)]
"""Height and width of pictures; the configuration allows 16 to 8192."""

Make = Callable[[pytest.FixtureRequest], Model]
Given = tuple[Tensor, Geometry | None]
"""An input, and what the pre-processor gave with it."""
Said = list[tuple[Probabilities, tuple[Score, ...], tuple[Detection, ...] | None]]
"""Probabilities, scores and objects of some inputs."""
T = TypeVar("T")


def torchscript_untrained(request: pytest.FixtureRequest) -> Model:
    """The default runtime with random weights."""
    file: Path = request.getfixturevalue("untrained_model_file")
    return TorchScriptModel(read_bundle(file), threads=1, top_k=5)


def torchscript_real(request: pytest.FixtureRequest) -> Model:
    """The default runtime with the published weights."""
    model: Model = request.getfixturevalue("real_model")
    return model


def litert_untrained(request: pytest.FixtureRequest) -> Model:
    """The second runtime with random weights."""
    file: Path = request.getfixturevalue("both_programs")
    return LiteRTModel(read_bundle(file, ["litert"]), threads=1, top_k=5)


def onnx_small(request: pytest.FixtureRequest) -> Model:
    """A file from elsewhere, which gives logits."""
    from tests.runtimes.onnx.files import opened

    return opened(request.getfixturevalue("tmp_path"))


def onnx_probabilities(request: pytest.FixtureRequest) -> Model:
    """One that gives probabilities, of pictures with the channels last."""
    from tests.runtimes.onnx.files import opened

    return opened(request.getfixturevalue("tmp_path"), picture=("batch", 224, 224, 3), softmax=True)


def torchscript_demo(_request: pytest.FixtureRequest) -> Model:
    """The demonstration model, which is narrower and takes smaller pictures."""
    return TorchScriptModel(read_bundle(DEMO_BUNDLE, ["torchscript"]), threads=1, top_k=5)


def litert_demo(_request: pytest.FixtureRequest) -> Model:
    """The same on the second runtime."""
    return LiteRTModel(read_bundle(DEMO_BUNDLE, ["litert"]), threads=1, top_k=5)


def fake(_request: pytest.FixtureRequest) -> Model:
    """The tests' stand-in."""
    return FakeModel()


def onnx_detector(request: pytest.FixtureRequest) -> Model:
    """One that finds an object."""
    from pi_classifier.detection.limits import Limits
    from pi_classifier.detection.opening import Wishes, open_detector
    from tests.detection.files import seeing
    from tests.runtimes.onnx.files import written

    file = written(seeing(), request.getfixturevalue("tmp_path"))
    return open_detector(file, Wishes(), Limits(0.05), threads=1)


CLASSIFIERS: list[Make] = [
    torchscript_untrained,
    torchscript_real,
    torchscript_demo,
    litert_untrained,
    litert_demo,
    onnx_small,
    onnx_probabilities,
    fake,
]


@pytest.fixture(params=[*CLASSIFIERS, onnx_detector], ids=lambda make: make.__name__)
def model(request: pytest.FixtureRequest) -> Model:
    """Each model in turn; a new one is one name more."""
    make: Make = request.param
    return make(request)


@pytest.fixture(params=CLASSIFIERS, ids=lambda make: make.__name__)
def classifier(request: pytest.FixtureRequest) -> Model:
    """Each of those that name what a whole picture shows."""
    make: Make = request.param
    return make(request)


def noise(seed: int, size: tuple[int, int] = (480, 640)) -> Pixels:
    """A picture of nothing."""
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)


def filled(model: Model, count: int) -> list[Given]:
    """Inputs, all different."""
    preprocess = model.new_preprocessor()
    inputs = []
    for seed in range(count):
        tensor = model.new_tensor()
        inputs.append((tensor, preprocess(noise(seed), tensor)))
    return inputs


def results(predictor: Predictor, inputs: Sequence[Given]) -> Said:
    """What a predictor says of each input; its lent probabilities are copied."""
    said = []
    for tensor, geometry in inputs:
        result = predictor.decode(predictor.infer(tensor), geometry)
        said.append((result.probabilities.copy(), *result[1:]))
    return said


def assert_equal(one: Said, other: Said) -> None:
    """Bit for bit."""
    assert len(one) == len(other)
    for (probabilities, *said), (others, *also_said) in zip(one, other, strict=True):
        assert np.array_equal(probabilities, others)
        assert said == also_said


def on_two_threads(work: Sequence[Callable[[], T]]) -> list[T]:
    """What each gives, all done at the same time."""
    together = threading.Barrier(len(work))
    done: dict[int, T] = {}

    def run(number: int) -> None:
        together.wait(DEADLINE_SECONDS)
        done[number] = work[number]()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(work))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_SECONDS)
    return [done[number] for number in range(len(work))]


def test_it_says_what_it_is(model: Model) -> None:
    """Protects model_info and build_info: a model knows its labels, and the versions of what runs it."""
    assert model.metadata.name
    assert model.metadata.categories
    assert model.versions
    assert all(isinstance(version, str) and version for version in model.versions.values())


def test_tensors_are_alike_and_apart(model: Model) -> None:
    """Protects the two jobs of a camera: same dtype, same shape, C-contiguous, memory of their own."""
    one, other = model.new_tensor(), model.new_tensor()
    assert one.dtype == other.dtype
    assert one.shape == other.shape
    assert one.size
    assert one.flags.c_contiguous
    assert other.flags.c_contiguous
    assert one.flags.writeable
    assert not np.shares_memory(one, other)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[1]}x{size[0]}")
def test_any_picture_fills_the_tensor(model: Model, size: tuple[int, int]) -> None:
    """Protects cameras that round the size: a picture of any size fills all of the tensor, and stays as it is."""
    pixels = noise(1, size)
    before = pixels.copy()
    one, other = model.new_tensor(), model.new_tensor()
    one.fill(0)
    other.fill(1)
    preprocess = model.new_preprocessor()
    preprocess(pixels, one)
    preprocess(noise(2, size), other)
    preprocess(pixels, other)
    assert np.array_equal(one, other), "nothing is left of what was there before, nor of the picture before"
    assert np.array_equal(pixels, before)
    preprocess(noise(3, size), other)
    assert not np.array_equal(one, other), "the picture is in it"


def test_preprocessors_do_not_disturb_each_other(model: Model) -> None:
    """Protects a second camera: two preprocessors on two threads give what each gives alone."""
    pictures = [[noise(seed, size) for seed in range(20)] for size in ((480, 640), (240, 320))]

    def all_of(of: list[Pixels]) -> list[Tensor]:
        preprocess = model.new_preprocessor()
        out = []
        for pixels in of:
            out.append(model.new_tensor())
            preprocess(pixels, out[-1])
        return out

    expected = [all_of(of) for of in pictures]
    found = on_two_threads([partial(all_of, of) for of in pictures])
    for one, other in zip(expected, found, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_inference_leaves_the_tensor_as_it_is(model: Model) -> None:
    """Protects the capture thread's next frame, and whoever looks at the input twice."""
    predictor = model.new_predictor()
    (given,) = filled(model, 1)
    before = given[0].copy()
    first, second = results(predictor, [given, given])
    assert np.array_equal(given[0], before)
    assert_equal([first], [second])


def test_probabilities_and_scores_agree(classifier: Model) -> None:
    """Protects everybody who reads either: a softmax over all classes, and the best of them in order, ties by id."""
    categories = classifier.metadata.categories
    for probabilities, scores, detections in results(classifier.new_predictor(), filled(classifier, 5)):
        assert detections is None
        assert probabilities.dtype == np.float32
        assert probabilities.shape == (len(categories),)
        assert probabilities.min() >= 0
        assert probabilities.sum(dtype=np.float64) == pytest.approx(1, abs=1e-5)
        assert scores
        assert list(scores) == sorted(scores, key=lambda score: (-score.probability, score.class_id))
        assert scores[0].probability == pytest.approx(float(probabilities.max()), rel=1e-6)
        kth = scores[-1]
        others = np.delete(probabilities, [score.class_id for score in scores])
        assert not others.size or others.max() <= np.float32(kth.probability) * (1 + 1e-6), "none is better"
        for score in scores:
            assert isinstance(score.class_id, int)
            assert isinstance(score.probability, float)
            assert score.label == categories[score.class_id]
            assert score.probability == pytest.approx(float(probabilities[score.class_id]), rel=1e-6)


def test_probabilities_are_lent_and_scores_are_given(model: Model) -> None:
    """Protects memory and who keeps what: the next result overwrites the probabilities, and no score that was given."""
    one, other = filled(model, 2)
    (before, scores, _), (after, *_) = results(model.new_predictor(), [one, other])
    predictor = model.new_predictor()
    first = predictor.decode(predictor.infer(one[0]), one[1])
    assert np.array_equal(first.probabilities, before)
    second = predictor.decode(predictor.infer(other[0]), other[1])
    assert np.shares_memory(first.probabilities, second.probabilities)
    assert np.array_equal(first.probabilities, after)
    assert first.scores == scores


def test_steps_may_be_apart(model: Model) -> None:
    """Protects who times the steps: outputs may be decoded after the next inference of another predictor."""
    one, other = filled(model, 2)
    predictor, second_predictor = model.new_predictor(), model.new_predictor()
    expected = results(model.new_predictor(), [one, other])
    outputs, second_outputs = predictor.infer(one[0]), second_predictor.infer(other[0])
    decoded: list[Result] = [second_predictor.decode(second_outputs, other[1]), predictor.decode(outputs, one[1])]
    found: Said = [(result.probabilities.copy(), *result[1:]) for result in reversed(decoded)]
    assert_equal(found, expected)


def test_predictors_do_not_disturb_each_other(model: Model) -> None:
    """Protects what several threads see: two predictors on two threads give, bit for bit, what each gives alone."""
    inputs = filled(model, 12)
    halves = [inputs[::2], inputs[1::2]]
    expected = [results(model.new_predictor(), half) for half in halves]
    found = on_two_threads([partial(results, model.new_predictor(), half) for half in halves])
    for one, other in zip(expected, found, strict=True):
        assert_equal(one, other)

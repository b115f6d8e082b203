"""Outputs with one object in them, as each kind of detector would write them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pi_classifier.contracts.detection import DetectorMetadata
from pi_classifier.detection.decoding import Decoder, Grid, Outputs, cells, chosen
from pi_classifier.detection.detector import Detector, Loaded
from pi_classifier.detection.geometry import Size, fitted
from pi_classifier.detection.letterbox import InputLayout
from pi_classifier.detection.limits import Limits
from pi_classifier.detection.nanodet import BINS, NanoDet
from pi_classifier.detection.ssd import BYTES, SSD
from pi_classifier.detection.suppression import MOST_CANDIDATES
from pi_classifier.detection.ultralytics import EndToEnd, Raw
from pi_classifier.detection.yolox import YoloX

SIZE = Size(64, 96)
COUNT = cells(SIZE)
CELL = 12 * 8 + 5
"""The first of the second level, its sixth: row 0, column 5, at a stride of 16."""
CLASSES = 3


def the_one(decoder: Decoder, outputs: Outputs) -> tuple[list[float], float, int]:
    """Box, score and class of the only candidate."""
    found = decoder.candidates(outputs, 0.3)
    assert len(found.scores) == 1
    return found.boxes[0].tolist(), float(found.scores[0]), int(found.class_ids[0])


def nothing(*shape: int) -> NDArray[np.float32]:
    """Zeros."""
    return np.zeros(shape, np.float32)


def made(decoder: Decoder | None) -> Decoder:
    """It fits."""
    assert decoder is not None
    return decoder


@given(st.integers(0, 2**32 - 1), st.integers(1, 400), st.integers(1, 9), st.sampled_from([0.0, 0.001, 0.3, 0.99]))
def test_chosen_scores_are_all_that_count(seed: int, count: int, classes: int, confidence: float) -> None:
    """Protects cells that count for several classes: no score of enough confidence is left out, but beyond the most."""
    random = np.random.default_rng(seed)
    scores = random.random((count, classes), np.float32) ** 4
    scores[random.random(scores.shape) < 0.1] = np.nan
    for laid_out in (scores, np.asfortranarray(scores)):
        found = chosen(laid_out, confidence)
        places = list(zip(found.cells.tolist(), found.class_ids.tolist(), strict=True))
        expected = [(cell, class_id) for cell, class_id in np.argwhere(scores >= confidence).tolist()]
        assert found.scores.tolist() == [scores[place] for place in places]
        if len(expected) <= MOST_CANDIDATES:
            assert places == [tuple(place) for place in expected]
        else:
            assert len(set(places)) == MOST_CANDIDATES
            assert min(found.scores) >= np.sort(scores[scores >= confidence])[-MOST_CANDIDATES]


def test_ultralytics_raw() -> None:
    """Protects the raw head: columns, centres and whole sizes in pixels, scores by class."""
    output = nothing(1, 4 + CLASSES, COUNT)
    output[0, :, 7] = [50, 30, 20, 10, 0.1, 0.2, 0.75]
    assert the_one(made(Raw.of([output.shape], SIZE, certain=False)), [output]) == ([40, 25, 60, 35], 0.75, 2)


def test_ultralytics_end_to_end() -> None:
    """Protects the other head: corners, score, class; rows that are not used are no objects."""
    output = nothing(1, 300, 6)
    output[0, 0] = [40, 25, 60, 35, 0.75, 2]
    output[0, 1] = [40, 25, 60, 35, 0.75, np.nan]
    assert the_one(made(EndToEnd.of([output.shape], SIZE, certain=False)), [output]) == ([40, 25, 60, 35], 0.75, 2)


def test_yolox() -> None:
    """Protects YOLOX: offsets and logarithms of sizes in cells, objectness times score."""
    output = nothing(1, COUNT, 5 + CLASSES)
    output[0, CELL] = [0.5, 0.25, np.log(2), np.log(1), 0.5, 0, 0.9, 0.1]
    box, score, class_id = the_one(made(YoloX.of([output.shape], SIZE, certain=False)), [output])
    assert np.allclose(box, [5.5 * 16 - 16, 4 - 8, 5.5 * 16 + 16, 4 + 8], atol=1e-4)
    assert (round(score, 6), class_id) == (0.45, 1)


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.001, 0.3, 0.9]))
def test_yolox_looks_at_every_cell_that_may_count(seed: int, confidence: float) -> None:
    """Protects YOLOX: cells that are passed over for their objectness hold no score of enough confidence."""
    output = np.random.default_rng(seed).random((1, COUNT, 5 + CLASSES), np.float32)
    output[0, :, 5:] *= 1.01  # as in half precision
    found = made(YoloX.of([output.shape], SIZE, certain=False)).candidates([output], confidence)
    scores = output[0, :, 4:5] * output[0, :, 5:]
    assert found.scores.tolist() == scores[scores >= confidence].tolist()


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4, 5], [3, 4, 5, 0, 1, 2], [5, 0, 3, 1, 4, 2]])
def test_nanodet(order: list[int]) -> None:
    """Protects NanoDet: half a cell, the mean of the distributions, and heads in any order, told apart by shape."""
    counts = [8 * 12, 4 * 6, 2 * 3]
    outputs = [nothing(1, count, CLASSES) for count in counts] + [nothing(1, count, 4 * BINS) for count in counts]
    outputs[1][0, 5, 1] = 0.8
    for side, distance in enumerate([1, 2, 3, 4]):
        outputs[4][0, 5, side * BINS + distance] = 100
    outputs = [outputs[index] for index in order]
    decoder = made(NanoDet.of([output.shape for output in outputs], SIZE, certain=False))
    box, score, class_id = the_one(decoder, outputs)
    x, y = 5 * 16 + 7.5, 7.5
    assert np.allclose(box, [x - 16, y - 32, x + 48, y + 64], atol=1e-3)
    assert (round(score, 6), class_id) == (0.8, 1)


def test_ssd() -> None:
    """Protects SSD: sides of boxes in their own order, fractions, how many count, and labels from the first class."""
    boxes, classes, scores = nothing(1, 3, 4), nothing(1, 3), nothing(1, 3)
    boxes[0, 0], classes[0, 0], scores[0] = [0.25, 0.5, 0.5, 1.25], 2, [0.75, 0.2, 0.75]
    outputs = [boxes, classes, scores, np.array([2], np.float32)]
    assert the_one(SSD(SIZE, BYTES), outputs) == ([48, 16, 120, 32], 0.75, 2)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf, 3e38])
@pytest.mark.parametrize(
    ("decoder", "shapes"),
    [
        (Raw.of([(1, 7, COUNT)], SIZE, certain=False), [(1, 7, COUNT)]),
        (EndToEnd(), [(1, 300, 6)]),
        (YoloX.of([(1, COUNT, 8)], SIZE, certain=False), [(1, COUNT, 8)]),
        (
            NanoDet.of([(1, 96, 3), (1, 24, 3), (1, 6, 3), (1, 96, 32), (1, 24, 32), (1, 6, 32)], SIZE, certain=False),
            [(1, 96, 3), (1, 24, 3), (1, 6, 3), (1, 96, 32), (1, 24, 32), (1, 6, 32)],
        ),
        (SSD(SIZE, BYTES), [(1, 10, 4), (1, 10), (1, 10), (1,)]),
    ],
    ids=["ultralytics", "end-to-end", "yolox", "nanodet", "ssd"],
)
def test_numbers_that_are_none(decoder: Decoder, shapes: list[tuple[int, ...]], wrong: float) -> None:
    """Protects the loop: whatever floats a model gives, decoding neither raises nor warns, and boxes stay inside."""
    outputs = [np.full(shape, wrong, np.float32) for shape in shapes]
    metadata = DetectorMetadata("", "", "", "cpu", decoder.name, 64, 96, ("one", "two", "three"))
    loaded = Loaded("onnx", {}, metadata, decoder, InputLayout(SIZE, channels_last=False), lambda: lambda _: outputs)
    predictor = Detector(loaded, Limits(0.3)).new_predictor()
    for found in predictor.decode(outputs, fitted(Size(480, 640), SIZE, "centred")).detections or ():
        left, top, right, bottom = found.box
        assert 0 <= left < right <= 640
        assert 0 <= top < bottom <= 480
        assert 0 <= found.confidence <= 1


def test_cells_of_a_size_that_is_no_multiple() -> None:
    """Protects odd inputs: the last column and row of cells reach over the edge."""
    assert cells(Size(300, 300)) == 38 * 38 + 19 * 19 + 10 * 10
    assert len(Grid.over(Size(300, 300)).places) == cells(Size(300, 300))

"""The values that parts hand one another."""

import time

import numpy as np
import pytest

from pi_classifier.contracts.event import Event, EventKind
from pi_classifier.contracts.frame import Frame
from pi_classifier.contracts.group import Member
from pi_classifier.contracts.job import Job
from pi_classifier.contracts.prediction import Prediction, Result, Score, Timings
from tests.fakes import METADATA, NOTHING, group_of, prediction_of

FROZEN = [
    Frame("front", 0, 0.0, np.zeros((2, 2, 3), np.uint8)),
    Event(EventKind.CAMERA_UP, "front", time.time(), "c0ffee"),
    METADATA,
    Result(np.ones(1, np.float32), (Score(0, "tench", 1.0),)),
    Timings(0, 0, 0, 0, 0, 0),
    prediction_of((0, "tench", 1.0)),
    group_of(prediction_of((0, "tench", 1.0))),
    Member(prediction_of((0, "tench", 1.0)), 0.0),
]


@pytest.mark.parametrize("value", FROZEN, ids=lambda value: type(value).__name__)
def test_what_is_handed_on_does_not_change(value: object) -> None:
    """Protects whoever keeps a value from whoever gets it next; a job alone is filled again and again."""
    for name in type(value).__annotations__:
        with pytest.raises(AttributeError):
            setattr(value, name, None)


def test_job_is_filled_again() -> None:
    """Protects the hot path: a job is one piece of memory for all frames of its turn, with no field to spare."""
    job = Job(np.zeros((2, 2, 3), np.uint8))
    job.sequence, job.captured_at, job.preprocess_seconds = 7, 1.0, 0.5
    assert (job.sequence, job.captured_at, job.preprocess_seconds) == (7, 1.0, 0.5)
    with pytest.raises(AttributeError):
        job.note = "slots"  # type: ignore[attr-defined]


def test_prediction_shows_its_results_scores() -> None:
    """Protects every sink: the scores of a prediction are those of its result, and read by position and by name."""
    scores = (Score(898, "water bottle", 0.6), Score(737, "pop bottle", 0.1))
    result, timings = Result(np.zeros(2, np.float32), scores), Timings(0, 0, 0, 0, 0, 0)
    prediction = Prediction("front", 0, 0.0, result, timings, NOTHING)
    assert prediction.scores is scores
    class_id, label, probability = prediction.scores[0]
    assert (class_id, label, probability) == (scores[0].class_id, scores[0].label, scores[0].probability)
    assert list(scores[0]._asdict()) == ["class_id", "label", "probability"]


def test_skew_is_from_the_first_frame_to_the_last() -> None:
    """Protects the figure: offsets on both sides of the moment count, and one camera alone has none."""
    prediction = prediction_of((0, "tench", 1.0))
    group = group_of(prediction)
    assert group.skew == 0
    members = tuple(Member(prediction, offset) for offset in (0.0, -0.02, 0.03))
    assert group._replace(members=members).skew == pytest.approx(0.05)


def test_metadata_knows_random_weights() -> None:
    """Protects from believing random labels: that is asked of the metadata, and nowhere decided again."""
    assert METADATA.untrained
    assert not METADATA._replace(weights="default").untrained


def test_kinds_of_events_are_words_of_the_journal() -> None:
    """Protects filters on `EVENT=`: a kind reads as it is documented."""
    assert [str(kind) for kind in EventKind] == [
        "camera_down", "camera_up", "started", "stopped", "summary", "totals", "group"
    ]  # fmt: skip

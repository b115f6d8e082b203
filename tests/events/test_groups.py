"""Which groups are told, and to whom."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.contracts.event import Event, EventKind
from pi_classifier.contracts.group import Group
from pi_classifier.contracts.prediction import Prediction
from pi_classifier.contracts.state import State, Steady
from pi_classifier.events.groups import LASTING_SECONDS, GroupEvents
from pi_classifier.sinks.objects import event_object
from tests.fakes import group_of, prediction_of

CAMERAS = ("left", "right", "back")


def shown(camera: str, label: str | None = "cup") -> Prediction:
    """A prediction of a camera that shows something."""
    steady = Steady(State(label, 968 if label else None, 0.9, 0.0))
    return prediction_of((968, "cup", 0.93), camera=camera, sequence=7)._replace(steady=steady)


def moment(at: float, *cameras: str, label: str | None = "cup") -> Group:
    """A group of these cameras; the others are missing."""
    missing = [one for one in CAMERAS if one not in cameras]
    return group_of(*(shown(camera, label) for camera in cameras), missing=missing, at=at)


class Told:
    """What was told of groups, every 0.1 s."""

    def __init__(self) -> None:
        self.each: list[Event] = []
        self.changes: list[Event] = []
        self.events = GroupEvents(each=[self.each.append], changes=[self.changes.append])
        self.now = 0.0

    def offer(self, times: int, *cameras: str, label: str | None = "cup") -> None:
        """So many of the same."""
        for _ in range(times):
            self.now += 0.1
            self.events.offer_group(moment(self.now, *cameras, label=label))


def test_event_says_it_all() -> None:
    """Protects readers of the JSON: name, skew, latency, and of each camera frame, offset and labels."""
    told = Told()
    told.offer(1, "left", "right")
    (event,) = told.each
    assert event.kind == EventKind.GROUP
    line = json.loads(json.dumps(event_object(event)))
    assert "camera" not in line
    assert (line["group"], line["skew_ms"], line["latency_ms"], line["missing"]) == ("table", 10.0, 50.0, ["back"])
    assert line["cameras"]["right"] == {
        "frame": 7, "offset_ms": 10.0, "label": "cup", "probability": 0.93, "state_label": "cup"
    }  # fmt: skip


def test_nothing_in_particular_and_no_scores() -> None:
    """Protects from labels that are not there: a camera that shows nothing has an empty one, or none at all."""
    told = Told()
    prediction = shown("left", None)
    told.events.offer_group(group_of(prediction._replace(result=prediction.result._replace(scores=()))))
    assert told.each[0].members["left"] == {"frame": 7, "offset_ms": 0.0, "state_label": ""}


def test_every_group_is_told_to_who_wants_all() -> None:
    """Protects programs from gaps: `each` takes all of them, changed or not, and an event is the same for both."""
    told = Told()
    told.offer(50, *CAMERAS)
    assert len(told.each) == 50
    assert told.changes == told.each[:1]


def test_changes_are_told_at_most_once_a_second() -> None:
    """Protects an SD card from labels that flicker: one entry a second, and the last one says what is so."""
    told = Told()
    for number in range(100):
        told.offer(1, *CAMERAS, label=f"label {number}")
    times = [event.members["left"]["state_label"] for event in told.changes]
    assert len(times) == pytest.approx(10 / LASTING_SECONDS, abs=1)
    told.offer(20, *CAMERAS, label="last")
    assert told.changes[-1].members["left"]["state_label"] == "last"


def test_one_frame_that_comes_too_late_is_no_news() -> None:
    """Protects an SD card from overload, where now and then a camera has no frame of a moment."""
    told = Told()
    for _ in range(100):
        told.offer(4, *CAMERAS)
        told.offer(1, "left", "right")
    assert len(told.changes) == 1
    assert not told.changes[0].missing


def test_camera_that_stays_away_is_news_and_so_is_its_return() -> None:
    """Protects who reads the journal: it says who is missing, once that has lasted a second, and who is back."""
    told = Told()
    told.offer(20, *CAMERAS)
    told.offer(9, "left", "right")
    assert len(told.changes) == 1
    told.offer(20, "left", "right")
    assert told.changes[-1].missing == ("back",)
    told.offer(20, *CAMERAS)
    assert [event.missing for event in told.changes] == [(), ("back",), ()]


def test_camera_that_never_came_is_missing_from_the_start() -> None:
    """Protects the first entry: at the start a camera has a second to come."""
    told = Told()
    told.offer(9, "left", "right")
    assert told.changes == []
    told.offer(9, "left", "right")
    assert [event.missing for event in told.changes] == [("back",)]


def test_nobody_wants_them_all() -> None:
    """Protects the service: there changes alone are made events."""
    changes: list[Event] = []
    events = GroupEvents(each=[], changes=[changes.append])
    for number in range(50):
        events.offer_group(moment(number / 10, *CAMERAS))
    assert len(changes) == 1


@given(st.lists(st.tuples(st.sets(st.sampled_from(CAMERAS), min_size=1), st.sampled_from(["cup", "tench", None]))))
def test_whatever_happens_changes_are_rare_and_differ(steps: list[tuple[set[str], str | None]]) -> None:
    """Protects an SD card, whatever cameras do: a second between entries, and no entry that repeats the last."""
    told = Told()
    for cameras, label in steps:
        told.offer(3, *[one for one in CAMERAS if one in cameras], label=label)
    moments = [told.each.index(event) / 10 for event in told.changes]
    assert all(later - earlier > LASTING_SECONDS - 0.01 for earlier, later in pairwise(moments))
    said = [{camera: one["state_label"] for camera, one in event.members.items()} for event in told.changes]
    assert all(one != other for one, other in pairwise(said))

"""What is an event, and what is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.contracts.event import Event, EventKind
from pi_classifier.contracts.state import Change
from pi_classifier.errors import (
    CameraAbsent,
    CameraBusy,
    CameraForbidden,
    CameraLost,
    CaptureError,
    CaptureTimeout,
)
from pi_classifier.events.monitor import EventMonitor
from pi_classifier.statistics import CameraStatistics

FAILURES = (CameraAbsent, CameraBusy, CameraForbidden, CameraLost, CaptureTimeout)
DOWN, UP = EventKind.CAMERA_DOWN, EventKind.CAMERA_UP


class Watched:
    """A monitor with a clock that a test turns, one camera, and the events that it published."""

    def __init__(self, *, summary_seconds: float = 0) -> None:
        self.now = 0.0
        self.events: list[Event] = []
        self.statistics = CameraStatistics("front", 0.0)
        self.monitor = EventMonitor(
            [self.events.append],
            summary_seconds=summary_seconds,
            clock=lambda: self.now,
        )

    def see(self) -> None:
        """A frame arrives and is classified."""
        self.statistics.frame_arrived(self.now)
        self.statistics.frame_classified()

    def report(self) -> None:
        """An interval is over."""
        self.monitor.report(self.statistics.end_interval(self.now))

    def of(self, *kinds: EventKind) -> list[Event]:
        """The events of some kinds."""
        return [event for event in self.events if event.kind in kinds]


def failure(kind: type[CaptureError], words: str = "no camera") -> CaptureError:
    """An error of a camera."""
    return kind(words, remedy="look at it")


def test_a_change_is_an_event() -> None:
    """Protects who listens: what began and ended, with its probability, why, when the frame was taken, and an id."""
    watched = Watched()
    watched.now = 10.0
    watched.monitor.changed(Change("front", True, "tench", 0, None, 0.5, 9.75, "probability"))
    watched.monitor.changed(Change("front", False, None, None, "fish", 0.25, 10.0, "camera"))
    started, stopped = watched.events
    assert (started.kind, stopped.kind) == (EventKind.STARTED, EventKind.STOPPED)
    assert started.fields == {"label": "tench", "class_id": 0, "probability": 0.5, "reason": "probability"}
    assert stopped.fields == {"watch": "fish", "probability": 0.25, "reason": "camera"}
    assert stopped.at - started.at == pytest.approx(0.25, abs=0.1)
    assert started.id != stopped.id


def test_summary_comes_once_a_minute() -> None:
    """Protects both the card and the operator: one event a minute, whose numbers are that minute's."""
    watched = Watched(summary_seconds=60)
    for second in range(180):
        watched.now = float(second)
        watched.report()
        watched.see()
        if second == 100:
            watched.statistics.frame_dropped("stale")
            watched.statistics.camera_failed("lost", "unplugged")
    summaries = watched.of(EventKind.SUMMARY)
    assert [event.fields["classified"] for event in summaries] == [60, 60]
    assert summaries[0].fields == {"seconds": 60.0, "classified": 60, "dropped": 0, "errors": 0, "fps": 1.0}
    assert summaries[1].fields == {"seconds": 60.0, "classified": 60, "dropped": 1, "errors": 1, "fps": 1.0}


def test_summaries_can_be_turned_off() -> None:
    """Protects `summary_seconds = 0`: no summary ever, however long it runs."""
    watched = Watched(summary_seconds=0)
    for second in range(0, 100_000, 1000):
        watched.now = float(second)
        watched.report()
    assert watched.of(EventKind.SUMMARY) == []


def test_totals_are_the_whole_runs() -> None:
    """Protects the last entry: every number of the run, with each reason of a drop as a field of its own."""
    watched = Watched()
    watched.see()
    watched.statistics.frame_dropped("stale")
    watched.statistics.frame_dropped("shutdown")
    watched.monitor.finish(watched.statistics.end_interval(2.0), 2.0)
    (totals,) = watched.of(EventKind.TOTALS)
    assert totals.fields == {
        "seconds": 2.0, "captured": 3, "classified": 1, "fps": 0.5,
        "dropped_stale": 1, "dropped_corrupt": 0, "dropped_limited": 0, "dropped_shutdown": 1,
    }  # fmt: skip


def test_failure_is_an_event_once() -> None:
    """Protects the journal of a camera that is disconnected for days: one event, whatever each attempt says."""
    watched = Watched()
    for attempt in range(1000):
        watched.monitor.camera_down("front", failure(CameraLost, f"gone at attempt {attempt}"))
    (down,) = watched.events
    assert (down.kind, down.camera) == (DOWN, "front")
    assert down.fields == {"error": "gone at attempt 0; look at it"}
    watched.monitor.camera_up("front")
    watched.monitor.camera_down("front", failure(CameraLost))
    assert [event.kind for event in watched.events] == [DOWN, UP, DOWN]
    assert watched.events[1].fields == {}


def test_another_failure_is_news() -> None:
    """Protects whoever plugs the camera in and still sees nothing: absent, then forbidden, are two events."""
    watched = Watched()
    for kind in (CameraLost, CameraAbsent, CameraAbsent, CameraForbidden, CaptureTimeout, CameraLost):
        watched.monitor.camera_down("front", failure(kind, kind.__name__))
    assert [str(event.fields["error"]).partition(";")[0] for event in watched.events] == [
        "CameraLost",
        "CameraAbsent",
        "CameraForbidden",
        "CaptureTimeout",
        "CameraLost",
    ]


@given(st.lists(st.tuples(st.sampled_from(["front", "back"]), st.sampled_from([*FAILURES, None])), max_size=60))
def test_cameras_go_and_come_in_any_order(steps: list[tuple[str, type[CaptureError] | None]]) -> None:
    """Protects the rule itself: down when its kind of failure changes, up each time it is back; cameras by themselves.

    None is a return.
    """
    watched = Watched()
    failing: dict[str, type[CaptureError] | None] = {}
    expected: list[tuple[str, EventKind]] = []
    for camera, kind in steps:
        if kind is None:
            watched.monitor.camera_up(camera)
            expected.append((camera, UP))
        else:
            watched.monitor.camera_down(camera, failure(kind))
            if failing.get(camera) is not kind:
                expected.append((camera, DOWN))
        failing[camera] = kind
    assert [(event.camera, event.kind) for event in watched.events] == expected

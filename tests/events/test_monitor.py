"""What is an event, and what is not."""

from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.contracts.event import Event, EventKind
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
from tests.fakes import prediction_of

LABELS = ("tench", "goldfish")
HOLD_SECONDS = 3
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
            label_hold_seconds=HOLD_SECONDS,
            summary_seconds=summary_seconds,
            clock=lambda: self.now,
        )

    def see(self, class_id: int, camera: str = "front") -> None:
        """A frame arrives and is classified."""
        self.statistics.frame_arrived(self.now)
        self.statistics.frame_classified()
        self.monitor.offer(prediction_of((class_id, LABELS[class_id], 0.9), camera=camera))

    def report(self) -> None:
        """An interval is over."""
        self.monitor.report(self.statistics.end_interval(self.now))

    def of(self, *kinds: EventKind) -> list[Event]:
        """The events of some kinds."""
        return [event for event in self.events if event.kind in kinds]


def failure(kind: type[CaptureError], words: str = "no camera") -> CaptureError:
    """An error of a camera."""
    return kind(words, remedy="look at it")


def test_label_is_an_event_when_it_has_held() -> None:
    """Protects the SD card from flicker: a label is an event once, when it was the best for three seconds on end."""
    watched = Watched()
    for second, class_id in enumerate([0, 0, 1, 0, 0, 0, 0, 0, 1, 1, 1, 1]):
        watched.now = float(second)
        watched.see(class_id)
        watched.report()
    first, second_one = watched.of(EventKind.LABEL)
    assert [first.fields["label"], second_one.fields["label"]] == ["tench", "goldfish"]
    assert first.camera == "front"
    assert first.fields["probability"] == 0.9
    assert float(first.fields["fps"]) > 0
    assert set(first.fields) == {"label", "probability", "fps"}


@given(seen=st.lists(st.integers(0, 1), max_size=40))
def test_labels_follow_what_was_seen(seen: list[int]) -> None:
    """Protects the rule itself: a label is an event exactly when it was the best of three seconds and is a new one."""
    watched = Watched()
    expected: list[str] = []
    for second, class_id in enumerate(seen):
        watched.now = float(second)
        watched.see(class_id)
        watched.report()
        held = seen[max(0, second - HOLD_SECONDS) : second + 1]
        if len(held) > HOLD_SECONDS and set(held) == {class_id} and expected[-1:] != [LABELS[class_id]]:
            expected.append(LABELS[class_id])
        assert [event.fields["label"] for event in watched.of(EventKind.LABEL)] == expected


def test_label_is_no_event_while_the_camera_is_disconnected() -> None:
    """Protects from old news: what was seen before the camera was lost does not become an event afterwards."""
    watched = Watched()
    watched.see(0)
    watched.statistics.camera_failed("lost", "unplugged")
    watched.now = 10.0
    watched.report()
    assert watched.of(EventKind.LABEL) == []


def test_cameras_have_labels_of_their_own() -> None:
    """Protects one camera from another: what the one sees is no news of the other, and does not interrupt it."""
    watched = Watched()
    back = CameraStatistics("back", 0.0)
    for second in range(5):
        watched.now = float(second)
        watched.see(0)
        watched.see(1, camera="back")
        back.frame_arrived(watched.now)
        watched.report()
        watched.monitor.report(back.end_interval(watched.now))
    seen = [(event.camera, event.fields["label"]) for event in watched.of(EventKind.LABEL)]
    assert seen == [("front", "tench"), ("back", "goldfish")]


def test_nothing_seen_is_no_event() -> None:
    """Protects models that may name nothing: a prediction without a class changes nothing."""
    watched = Watched()
    for second in range(8):
        watched.now = float(second)
        watched.see(0)
        watched.monitor.offer(prediction_of())
        watched.report()
    assert [event.fields["label"] for event in watched.of(EventKind.LABEL)] == ["tench"]


def test_summary_comes_once_a_minute() -> None:
    """Protects both the card and the operator: one event a minute, whose numbers are that minute's."""
    watched = Watched(summary_seconds=60)
    for second in range(180):
        watched.now = float(second)
        watched.report()
        watched.see(0)
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
    watched.see(0)
    watched.statistics.frame_dropped("stale")
    watched.statistics.frame_dropped("shutdown")
    watched.monitor.finish(watched.statistics.end_interval(2.0), 2.0)
    (totals,) = watched.of(EventKind.TOTALS)
    assert totals.fields == {
        "seconds": 2.0, "captured": 3, "classified": 1, "fps": 0.5,
        "dropped_stale": 1, "dropped_corrupt": 0, "dropped_shutdown": 1,
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

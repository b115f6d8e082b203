"""When a detector's watches start and stop."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.config.schema import SteadinessSettings
from pi_classifier.contracts.detection import Detection
from pi_classifier.contracts.prediction import Result
from pi_classifier.contracts.state import Change, Steady
from pi_classifier.errors import CameraLost
from pi_classifier.inference.presence import ObjectWatch, Presence

ANYBODY = ObjectWatch("anybody", frozenset({"person", "dog"}))
AT_THE_DOOR = ObjectWatch("at the door", frozenset({"person"}), "doorstep")
LOST = CameraLost("/dev/video0: No such device", remedy="check its plug and power")
SECOND = 30
"""Frames."""


class Watched:
    """One camera with two watches, another with one, and what changed."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.now = 0.0
        self.presence = Presence(
            SteadinessSettings(),
            watches={"yard": [ANYBODY, AT_THE_DOOR], "hall": [ANYBODY]},
            on_change=self.changes.append,
            clock=lambda: self.now,
        )

    def see(self, *found: tuple[str, float, tuple[str, ...]], camera: str = "yard", frames: int = 1) -> Steady:
        """So many frames with these objects: label, confidence, zones."""
        for _ in range(frames):
            self.now += 1 / SECOND
            best = sorted(found, key=lambda one: -one[1])
            detections = tuple(Detection(label, 0, sure, (0, 0, 9, 9), zones) for label, sure, zones in best)
            steady = self.presence.update(camera, self.now, Result(np.zeros(0, np.float32), (), detections))
        return steady

    @property
    def told(self) -> list[tuple[str | None, bool, str]]:
        """Watch, whether it started, zone."""
        return [(one.watch, one.started, one.zone) for one in self.changes]


def test_a_watch_starts_and_stops_with_its_objects() -> None:
    """Protects "a person is there": it starts with an object of one of its labels and stops when that has gone."""
    watched = Watched()
    assert watched.see(("person", 0.9, ()), frames=SECOND).watches[0].active
    assert not watched.see(("car", 0.9, ()), frames=2 * SECOND).watches[0].active
    assert watched.told == [("anybody", True, ""), ("anybody", False, "")]


def test_a_zone_is_looked_at_alone() -> None:
    """Protects the doorstep: who passes by on the pavement is no visitor, and the zone is told."""
    watched = Watched()
    watched.see(("person", 0.9, ("pavement",)), frames=2 * SECOND)
    assert watched.told == [("anybody", True, "")]
    watched.see(("person", 0.9, ("pavement", "doorstep")), frames=2 * SECOND)
    assert watched.told == [("anybody", True, ""), ("at the door", True, "doorstep")]


def test_the_best_object_counts() -> None:
    """Protects from sums: three doubtful dogs are no sure one, and one that is sure is enough."""
    watched = Watched()
    watched.see(*[("dog", 0.35, ())] * 3, frames=2 * SECOND)
    assert watched.told == []
    watched.see(("dog", 0.35, ()), ("person", 0.8, ()), frames=SECOND)
    assert watched.told == [("anybody", True, "")]


def test_a_lost_camera_shows_nobody() -> None:
    """Protects from ghosts: with the camera what it showed ends, and of a detector there is no state but watches."""
    watched = Watched()
    assert watched.see(("person", 0.9, ()), frames=SECOND).state is None
    watched.presence.camera_down("yard", LOST)
    assert watched.told == [("anybody", True, ""), ("anybody", False, "")]
    assert watched.changes[-1].reason == "camera"
    assert [one.active for one in watched.presence.now()["yard"].watches] == [False, False]


def test_cameras_are_apart() -> None:
    """Protects the hall from the yard: each camera has its own watches, and its own objects."""
    watched = Watched()
    watched.see(("person", 0.9, ("doorstep",)), frames=SECOND)
    steady = watched.see(camera="hall", frames=SECOND)
    assert [(one.name, one.active) for one in steady.watches] == [("anybody", False)]
    assert {one.camera for one in watched.changes} == {"yard"}


@given(st.lists(st.tuples(st.integers(1, 40), st.floats(0, 1), st.booleans()), max_size=40))
def test_starts_and_stops_take_turns(rows: list[tuple[int, float, bool]]) -> None:
    """Protects whoever counts: of each watch starts and stops take turns, whatever comes, and losses in between."""
    watched = Watched()
    for frames, sure, lost in rows:
        watched.see(("person", sure, ("doorstep",)), frames=frames)
        if lost:
            watched.presence.camera_down("yard", LOST)
    for watch in (ANYBODY, AT_THE_DOOR):
        told = [one.started for one in watched.changes if one.watch == watch.name]
        assert told == [number % 2 == 0 for number in range(len(told))]

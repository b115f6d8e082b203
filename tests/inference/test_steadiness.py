"""Labels that hold still: the rule, by its numbers, and what can be relied on whatever a camera shows."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.config.schema import SteadinessSettings
from pi_classifier.contracts.prediction import Probabilities, Result
from pi_classifier.contracts.state import Change, State, Steady
from pi_classifier.errors import CameraLost
from pi_classifier.inference.steadiness import MOST, LabelSteadiness

LABELS = ("tench", "goldfish", "wall")
LOST = CameraLost("gone", remedy="plug it in")
RULE = SteadinessSettings()


def state_of(steady: Steady) -> State:
    """What a classifier always has."""
    assert steady.state
    return steady.state


class Watched:
    """One camera, a watch on the two fish, and what changed."""

    def __init__(self, rule: SteadinessSettings = RULE, nothing: int | None = None) -> None:
        self.changes: list[Change] = []
        self.now = 0.0
        self.steadiness = LabelSteadiness(
            rule, cameras=["front", "back"], categories=LABELS, watches={"fish": [0, 1]},
            on_change=self.changes.append, nothing=nothing, clock=lambda: self.now,
        )  # fmt: skip

    def see(self, *probabilities: float, seconds: float = 1 / 30) -> Steady:
        """The next frame, so long after the last."""
        self.now += seconds
        return self.steadiness.update("front", self.now, Result(np.array(probabilities, np.float32), ()))

    def of(self, watch: str | None) -> list[tuple[bool, str | None]]:
        """What started and stopped: of a watch, or of the labels."""
        return [(change.started, change.label) for change in self.changes if change.watch == watch]


def test_background_is_nothing() -> None:
    """Protects from alarms at an empty scene: the class that stands for it ends what was there, and never starts."""
    watched = Watched(nothing=2)
    for _ in range(90):
        watched.see(1, 0, 0)
    for _ in range(90):
        steady = watched.see(0, 0, 1)
    assert [started for started, _ in watched.of(None)] == [True, False]
    assert state_of(steady).label is None


def test_state_starts_at_enter_and_stops_below_leave() -> None:
    """Protects the rule's two thresholds: what is between them changes nothing, in either direction."""
    watched = Watched()
    for _ in range(300):
        steady = watched.see(0.45, 0.0, 0.0)
    assert state_of(steady).label is None
    for _ in range(300):
        steady = watched.see(0.55, 0.0, 0.0)
    assert (state_of(steady).label, state_of(steady).class_id) == ("tench", 0)
    assert state_of(steady).probability == pytest.approx(0.55, abs=0.01)
    for _ in range(300):
        steady = watched.see(0.35, 0.0, 0.0)
    assert state_of(steady).label == "tench"
    for _ in range(300):
        steady = watched.see(0.25, 0.0, 0.0)
    assert state_of(steady).label is None
    assert watched.of(None) == [(True, "tench"), (False, "tench")]


def test_nothing_takes_the_place_of_what_is_still_there() -> None:
    """Protects from flicker between two classes: the one that was first stays until it has fallen itself."""
    watched = Watched()
    for number in range(600):
        watched.see(*((0.8, 0.2, 0.0) if number // 2 % 2 else (0.2, 0.8, 0.0)))
    assert len(watched.of(None)) == 1


def test_no_frame_decides_alone() -> None:
    """Protects from a flash: one frame, however sure and however long after the last, starts nothing."""
    watched = Watched()
    for _ in range(20):
        assert state_of(watched.see(1.0, 0.0, 0.0, seconds=10)).label is None
        watched.steadiness.camera_down("front", LOST)
    assert watched.changes == []


@pytest.mark.parametrize("fps", [5, 10, 15, 30, 60])
def test_delay_is_in_seconds(fps: int) -> None:
    """Protects slow cameras and fast ones alike: a sure label starts when the mean reaches `enter`, at any rate."""
    watched = Watched()
    watched.see(0.0, 0.0, 1.0, seconds=1 / fps)
    for _ in range(3 * fps):
        watched.see(0.0, 0.0, 0.0, seconds=1 / fps)
    before = watched.now
    while state_of(watched.see(1.0, 0.0, 0.0, seconds=1 / fps)).label is None:
        assert watched.now - before < 3
    assert watched.now - before == pytest.approx(-RULE.tau * math.log(1 - RULE.enter), abs=2 / fps)


def test_a_change_is_followed_by_none_for_a_while() -> None:
    """Protects from a state that ends as soon as it began: `hold` seconds pass between two changes of a label."""
    watched = Watched(SteadinessSettings(hold=5.0))
    for _ in range(30 * 60):
        sure = 1.0 if watched.now % 4 < 2 else 0.0
        watched.see(sure, 0.0, 1 - sure)
    moments = [change.at for change in watched.changes if change.watch is None]
    started = {later: earlier for earlier, later in itertools.pairwise(moments) if later != earlier}
    assert started
    assert all(later - earlier >= 5.0 - 1e-6 for later, earlier in started.items())


def test_watch_sums_its_classes() -> None:
    """Protects a thing with several names: two classes that are each too weak are together what is watched for."""
    watched = Watched()
    for _ in range(100):
        steady = watched.see(0.35, 0.35, 0.3)
    assert state_of(steady).label is None
    (fish,) = steady.watches
    assert (fish.name, fish.active) == ("fish", True)
    assert fish.probability == pytest.approx(0.7, abs=0.01)
    for _ in range(100):
        steady = watched.see(0.1, 0.1, 0.8)
    assert not steady.watches[0].active
    assert watched.of("fish") == [(True, None), (False, None)]


def test_loss_of_the_camera_ends_everything() -> None:
    """Protects from what nobody can know: a lost camera shows nothing, and what it showed ended by its loss."""
    watched = Watched()
    for _ in range(100):
        watched.see(1.0, 0.0, 0.0)
    watched.now += 2.5
    for _ in range(3):
        watched.steadiness.camera_down("front", LOST)
    stopped = [change for change in watched.changes if not change.started]
    assert [(change.label, change.watch, change.reason) for change in stopped] == [
        ("tench", None, "camera"), (None, "fish", "camera"),
    ]  # fmt: skip
    assert {change.at for change in stopped} == {watched.now}
    shown = watched.steadiness.now()
    assert set(shown) == {"front"}, "the other camera has shown nothing yet"
    assert state_of(shown["front"]).label is None
    assert not shown["front"].watches[0].active
    watched.steadiness.camera_up("front")
    assert state_of(watched.see(1.0, 0.0, 0.0, seconds=60)).label is None, "it begins anew"


def test_cameras_do_not_mix() -> None:
    """Protects one camera from another."""
    watched = Watched()
    for number in range(100):
        watched.see(1.0, 0.0, 0.0)
        back = watched.steadiness.update("back", number / 30, Result(np.array([0, 0, 1], np.float32), ()))
    assert state_of(back).label == "wall"
    assert state_of(watched.steadiness.now()["front"]).label == "tench"


FRAMES = st.tuples(
    st.lists(st.floats(0, 1, width=32), min_size=3, max_size=3),
    st.one_of(st.floats(0, 2), st.floats(-1, 100)),
    st.integers(0, 20),
)


@given(frames=st.lists(FRAMES, max_size=80), tau=st.floats(0.01, 5), hold=st.sampled_from([0.0, 0.5, 3.0]),
       enter=st.floats(0.05, 1), leave=st.floats(0, 1))  # fmt: skip
def test_starts_and_stops_take_turns(
    frames: Sequence[tuple[list[float], float, int]], tau: float, hold: float, enter: float, leave: float
) -> None:
    """Protects who counts on events: whatever is shown, at any rate, with clocks that jump and cameras that go.

    Starts and stops of labels take turns, and name the same label; so do those of the watch. What `update` and `now`
    tell is what the changes add up to. Probabilities stay within 0 and 1.
    """
    watched = Watched(SteadinessSettings(tau=tau, hold=hold, enter=enter, leave=min(leave, enter)))
    for weights, seconds, chance in frames:
        if chance == 0:
            watched.steadiness.camera_down("front", LOST)
        total = sum(weights) or 1.0
        steady = watched.see(*(weight / total for weight in weights), seconds=seconds)
        labels, fish = watched.of(None), watched.of("fish")
        assert [started for started, _ in labels] == [number % 2 == 0 for number in range(len(labels))]
        assert all(one[1] == other[1] for one, other in zip(labels[::2], labels[1::2], strict=False))
        assert [started for started, _ in fish] == [number % 2 == 0 for number in range(len(fish))]
        assert state_of(steady).label == (labels[-1][1] if len(labels) % 2 else None)
        assert steady.watches[0].active == bool(len(fish) % 2)
        assert steady == watched.steadiness.now()["front"]
        assert 0 <= state_of(steady).probability <= 1 + 1e-6
        assert 0 <= steady.watches[0].probability <= 1


def test_probabilities_are_not_kept() -> None:
    """Protects a predictor that writes its next result over the last: nothing is read again."""
    watched = Watched()
    lent: Probabilities = np.array([1.0, 0.0, 0.0], np.float32)
    watched.steadiness.update("front", 0.0, Result(lent, ()))
    lent[:] = 0
    assert watched.see(1.0, 0.0, 0.0, seconds=1.0).watches[0].probability == pytest.approx(MOST + MOST * (1 - MOST))

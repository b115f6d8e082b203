"""Cameras in step: the rule by its numbers, what can be relied on whatever cameras do, and how good it is."""

import itertools
import weakref
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.contracts.group import Group
from pi_classifier.errors import CameraLost
from pi_classifier.inference.synchroniser import LATEST_INTERVALS, SILENT_INTERVALS, SLACK_SECONDS, Synchroniser
from tests.fakes import CollectingGroupSink, prediction_of

LOST = CameraLost("gone", remedy="plug it in")
INTERVAL = 0.1
"""Of the cameras in the tests of the rule."""


class Table:
    """A group of three cameras, at a time that the test tells."""

    def __init__(self, *cameras: str) -> None:
        self.now = 0.0
        self.sink = CollectingGroupSink()
        self.synchroniser = Synchroniser(
            {"table": cameras or ("left", "right", "back")}, sinks=[self.sink], clock=lambda: self.now
        )
        self._numbers = itertools.count()

    @property
    def groups(self) -> list[Group]:
        """All so far."""
        return self.sink.groups

    def see(self, camera: str, captured_at: float, *, now: float | None = None) -> None:
        """A frame was classified, at once if nothing else is said."""
        self.now = captured_at if now is None else now
        prediction = prediction_of((0, "tench", 1.0), camera=camera, sequence=next(self._numbers))
        self.synchroniser.offer(prediction._replace(captured_at=captured_at))

    def see_all(self, first: int, last: int, **offsets: float) -> None:
        """Each of these cameras gives these frames, a `INTERVAL` apart, so far off the beat."""
        for number in range(first, last):
            for camera, offset in sorted(offsets.items(), key=lambda one: one[1]):
                self.see(camera, number * INTERVAL + offset)

    def check_at(self, now: float) -> None:
        """A turn of the loop."""
        self.now = now
        self.synchroniser.check()


def members(group: Group) -> dict[str, float]:
    """The offsets, in milliseconds."""
    return {one.prediction.camera: round(1000 * one.offset, 3) for one in group.members}


def test_nearest_frames_are_brought_together() -> None:
    """Protects what it is for: of each camera the frame nearest to the moment, with its offset."""
    table = Table()
    table.see_all(0, 10, left=0.0, right=0.03, back=0.04)
    group = table.groups[-1]
    assert not group.missing
    assert group.name == "table"
    offsets = members(group)
    assert list(offsets) == ["left", "right", "back"]
    assert max(offsets.values()) - min(offsets.values()) == pytest.approx(1000 * group.skew)
    assert group.skew == pytest.approx(0.04)
    assert [one.number for one in table.groups] == list(range(len(table.groups)))
    assert group.interval == pytest.approx(INTERVAL)


def test_slowest_camera_sets_the_pace() -> None:
    """Protects the fast from being waited on for what they gave long ago: one group for each frame of the slowest."""
    table = Table("fast", "slow")
    for number in range(300):
        table.see("fast", number / 30)
        if number % 6 == 3:
            table.see("slow", number / 30 + 0.001)
    late = [group for group in table.groups if group.at > 1]  # until then it is not known who is slow
    assert np.diff([group.at for group in late]) == pytest.approx([0.2] * (len(late) - 1))
    assert all(members(group) == {"fast": -1.0, "slow": 0.0} for group in late)


def test_group_waits_for_a_camera_that_is_late_and_no_longer() -> None:
    """Protects from both: a frame that is on its way is waited for, until three intervals have passed."""
    table = Table("left", "right")
    table.see_all(0, 11, left=0.0, right=0.01)
    told = len(table.groups)
    table.see("left", 1.1)
    table.see("right", 1.09, now=1.2)  # captured before the moment: a nearer one may come
    table.see("left", 1.2)
    table.see("left", 1.3)
    deadline = 1.1 + LATEST_INTERVALS * INTERVAL
    table.check_at(deadline - 0.001)
    assert len(table.groups) == told
    table.check_at(deadline + 0.001)
    assert [members(group) for group in table.groups[told:]] == [{"left": 0.0, "right": -10.0}]


def test_silent_camera_is_missing() -> None:
    """Protects from waiting for one that hangs without a word: after two and a half intervals it is not awaited."""
    table = Table("left", "right")
    table.see_all(0, 10, left=0.0, right=0.01)
    told = len(table.groups)
    for number in range(10, 20):
        table.see("left", number * INTERVAL)
        silence = table.now - 0.91
        assert (len(table.groups) > told) == (silence > SILENT_INTERVALS * INTERVAL)
    assert [one.missing for one in table.groups[told:]] == [("right",)] * (len(table.groups) - told)
    assert table.groups[-1].latency == 0
    table.see_all(20, 23, left=0.0, right=0.01)
    assert not table.groups[-1].missing


def test_lost_camera_is_missing_at_once_and_delays_nobody() -> None:
    """Protects the others from one that is unplugged: the next group is told without it, as soon as they are there."""
    table = Table()
    table.see_all(0, 10, left=0.0, right=0.01, back=0.02)
    table.synchroniser.camera_down("back", LOST)
    told = len(table.groups)
    table.see_all(10, 20, left=0.0, right=0.01)
    alone = table.groups[told + 1 :]
    assert len(alone) == 9
    assert {one.missing for one in alone} == {("back",)}
    assert max(one.latency for one in alone) <= 0.01 + 1e-9
    table.synchroniser.camera_up("back")
    table.see_all(20, 23, left=0.0, right=0.01, back=0.02)
    assert not table.groups[-1].missing


def test_loss_of_the_last_that_was_awaited_is_noticed_without_a_frame() -> None:
    """Protects from waiting for the next frame of the others: a turn of the loop is enough."""
    table = Table("left", "right")
    table.see_all(0, 10, left=0.0, right=0.01)
    told = len(table.groups)
    table.see("left", 1.0)
    table.check_at(1.001)
    assert len(table.groups) == told
    table.synchroniser.camera_down("right", LOST)
    table.check_at(1.002)
    assert table.groups[-1].missing == ("right",)


def test_pace_goes_to_another_when_the_slowest_is_lost() -> None:
    """Protects the group from going with one camera: the slowest of those that are left sets the pace from then on."""
    table = Table("left", "right", "slow")
    for number in range(100):
        table.see("left", number * INTERVAL)
        table.see("right", number * INTERVAL + 0.01)
        if number % 5 == 0:
            table.see("slow", number * INTERVAL + 0.02)
    before = len(table.groups)
    table.synchroniser.camera_down("slow", LOST)
    table.see_all(100, 120, left=0.0, right=0.01)
    after = table.groups[before:]
    assert len(after) >= 19
    assert all(one.missing == ("slow",) for one in after[1:])


def test_one_camera_changes_its_pace() -> None:
    """Protects from a camera whose light goes out: it exposes longer, is silent for a moment, and sets the pace."""
    table = Table("left", "dark")
    table.see_all(0, 100, left=0.0, dark=0.01)
    for number in range(100, 200):
        table.see("left", number * INTERVAL)
        if number % 4 == 0:
            table.see("dark", number * INTERVAL + 0.01)
    assert [one.interval for one in table.groups[-3:]] == pytest.approx([4 * INTERVAL] * 3)
    assert not any(one.missing for one in table.groups[-3:])


def test_cameras_of_no_group_are_nobodys() -> None:
    """Protects a mixed configuration: what belongs to no group is passed over, frames and losses alike."""
    table = Table("left", "right")
    table.see("door", 0.0)
    table.synchroniser.camera_down("door", LOST)
    table.synchroniser.camera_up("door")
    table.check_at(1.0)
    assert table.groups == []


def test_groups_do_not_wait_for_one_another() -> None:
    """Protects one group from another's trouble: each has its cameras and its pace."""
    sink = CollectingGroupSink()
    now = 0.0
    synchroniser = Synchroniser({"a": ("a1", "a2"), "b": ("b1", "b2")}, sinks=[sink], clock=lambda: now)
    for number in range(20):
        for camera in ("a1", "a2", "b1") if number > 10 else ("a1", "a2", "b1", "b2"):
            now = number * INTERVAL
            synchroniser.offer(prediction_of(camera=camera, sequence=number)._replace(captured_at=now))
    assert {one.name for one in sink.groups if not one.missing} == {"a", "b"}
    assert {one.missing for one in sink.groups if one.name == "a" and one.at > 1} == {()}
    assert [one.missing for one in sink.groups if one.name == "b"][-1] == ("b2",)


# Whatever cameras do


class Happening(NamedTuple):
    """One thing, in the order of time."""

    at: float
    camera: str
    captured_at: float | None
    """Of a frame that was classified; None: the camera was lost."""


CHECK_SECONDS = 0.05
SECONDS = 4.0


@st.composite
def days(draw: st.DrawFn) -> list[Happening]:
    """Some cameras, each with a rate, jitter, a delay, and perhaps a time in which it is away, said or unsaid."""
    happenings = []
    for number in range(draw(st.integers(1, 4))):
        camera, fps = f"camera{number}", draw(st.sampled_from([2, 5, 10, 15, 30]))
        noise = np.random.default_rng(draw(st.integers(0, 2**16)))
        delay, jitter = draw(st.floats(0, 0.3)), draw(st.floats(0, 0.3))
        phase = draw(st.floats(0, 1))
        gone, length = draw(st.floats(0, SECONDS)), draw(st.sampled_from([0, 0.5, 2.0]))
        if length and draw(st.booleans()):
            happenings.append(Happening(gone, camera, None))
        ready = 0.0
        for frame in range(int(SECONDS * fps)):
            captured_at = (frame + phase + jitter * noise.random()) / fps
            ready = max(ready, captured_at + delay * noise.random())
            if not gone <= ready < gone + length and noise.random() > 0.02:
                happenings.append(Happening(ready, camera, captured_at))
    return sorted(happenings)


def groups_of(happenings: Iterable[Happening], cameras: Sequence[str]) -> list[tuple[Group, float]]:
    """All that are told, each with its moment; the loop turns at least every `CHECK_SECONDS`."""
    table = Table(*cameras)
    told: list[tuple[Group, float]] = []
    for happening in happenings:
        turns = [*np.arange(table.now + CHECK_SECONDS, happening.at, CHECK_SECONDS)]
        for now in turns:
            table.check_at(now)
            told += [(group, now) for group in table.groups[len(told) :]]
        table.now = happening.at
        if happening.captured_at is None:
            table.synchroniser.camera_down(happening.camera, LOST)
            table.synchroniser.check()
        else:
            table.see(happening.camera, happening.captured_at, now=happening.at)
        told += [(group, happening.at) for group in table.groups[len(told) :]]
    return told


def name_all(happenings: Iterable[Happening]) -> list[str]:
    """The cameras."""
    return sorted({one.camera for one in happenings})


@given(days())
def test_whatever_cameras_do(happenings: list[Happening]) -> None:
    """Protects every reader of groups: no frame twice, moments in order, offsets in bounds, everybody in or missing."""
    cameras = name_all(happenings)
    told = [group for group, _ in groups_of(happenings, cameras)]
    frames = [one.prediction.sequence for group in told for one in group.members]
    assert len(frames) == len(set(frames))
    assert [group.number for group in told] == list(range(len(told)))
    assert all(first.at < second.at for first, second in itertools.pairwise(told))
    for group in told:
        assert all(abs(one.offset) <= group.interval / 2 + SLACK_SECONDS for one in group.members)
        assert all(one.prediction.captured_at == pytest.approx(group.at + one.offset) for one in group.members)
        assert 0 in [one.offset for one in group.members]
        assert sorted([*group.missing, *(one.prediction.camera for one in group.members)]) == cameras
        assert group.missing == tuple(name for name in cameras if name in group.missing)


@given(days())
def test_nobody_waits_longer_than_three_intervals(happenings: list[Happening]) -> None:
    """Protects who waits for a group: three intervals of the slowest camera are the most, and a turn of the loop."""
    arrivals = {(one.camera, one.captured_at): one.at for one in happenings}
    told = groups_of(happenings, name_all(happenings))
    seen = [(one.camera, one.captured_at) for one in happenings if one.captured_at is not None]
    captured = {name: [at for camera, at in seen if camera == name] for name in name_all(happenings)}
    # An interval is an average, which changes while a group is waited for: no longer than the longest gap.
    slowest = max((b - a for times in captured.values() for a, b in itertools.pairwise(times)), default=0.0)
    for group, now in told:
        assert group.latency == pytest.approx(now - group.at, abs=1e-9)
        # One that is classified too late itself is told at once.
        arrival = max(arrivals[one.prediction.camera, group.at] for one in group.members if one.offset == 0)
        assert now <= max(arrival, group.at + LATEST_INTERVALS * slowest) + CHECK_SECONDS + 1e-6


@given(days(), st.integers(0, 3))
def test_one_that_is_away_changes_nothing_for_the_others(happenings: list[Happening], number: int) -> None:
    """Protects the others from a camera that never comes: the same groups at the same moments, and it is missing."""
    absent = f"camera{number}"
    others = [one for one in happenings if one.camera != absent]
    cameras = name_all(others)
    without = groups_of(others, cameras)
    beside = groups_of(others, [*cameras, absent])
    assert [(*one._replace(missing=()), now) for one, now in without] == [
        (*one._replace(missing=()), now) for one, now in beside
    ]
    assert all(one.missing[-1:] == (absent,) for one, _ in beside)


def test_memory_is_bounded() -> None:
    """Protects the memory, for frames carry pictures: however slow one camera is, only a few of another wait for it."""
    now = 0.0
    synchroniser = Synchroniser({"table": ("slow", "fast")}, sinks=[], clock=lambda: now)
    pictures = []
    most = 0
    for number in range(2000):
        now = number / 100
        for camera in ("fast", "slow") if number % 200 == 0 else ("fast",):
            picture = np.zeros((1, 1, 3), np.uint8)
            pictures.append(weakref.ref(picture))
            prediction = prediction_of(camera=camera, sequence=number)
            synchroniser.offer(prediction._replace(captured_at=now, picture=picture))
            del picture, prediction
        most = max(most, sum(one() is not None for one in pictures))
    assert 2 < most <= 64


# How good it is


def classified(seed: int, *, capacity: float) -> list[Happening]:
    """Four cameras at 15 fps that know nothing of one another, and one model that takes the newest frame in turn.

    Args:
        seed: of phases, jitter, and the small differences of their clocks.
        capacity: inferences a second.
    """
    noise = np.random.default_rng(seed)
    arrivals = []
    for camera in range(4):
        fps, phase = 15 * (1 + noise.uniform(-1e-4, 1e-4)), noise.random() / 15
        arrivals += [(phase + frame / fps + noise.normal(0, 0.001), camera) for frame in range(15 * 60)]
    arrivals.sort()
    happenings, newest, turn, free = [], dict[int, float](), 0, 0.0
    for position, (at, camera) in enumerate(arrivals):
        newest[camera] = at
        following = arrivals[position + 1][0] if position + 1 < len(arrivals) else float("inf")
        free = max(free, at)
        while newest and free < following:
            turn = min(newest, key=lambda one: (one - turn - 1) % 4)
            captured_at = newest.pop(turn)
            free += 1 / capacity
            happenings.append(Happening(free, f"camera{turn}", captured_at))
    return happenings


def simulated(capacity: float) -> list[Group]:
    """The groups of eight such minutes, without the first seconds, in which the cameras' rates are not known."""
    return [
        group
        for seed in range(8)
        for group, _ in groups_of(classified(seed, capacity=capacity), [f"camera{one}" for one in range(4)])
        if group.at > 1
    ]


def test_four_unsynchronised_cameras() -> None:
    """Protects what is promised: where the model keeps up, nearly all groups are complete, close and soon."""
    groups = simulated(100)
    assert len(groups) > 8 * 15 * 58
    assert np.mean([not group.missing for group in groups]) >= 0.99
    skews, latencies = [group.skew for group in groups], [group.latency for group in groups]
    assert np.percentile(skews, 50) < 0.045
    assert np.percentile(skews, 95) < 1 / 15
    assert np.percentile(latencies, 50) < 0.100
    assert np.percentile(latencies, 95) < 0.120


def test_overload_costs_groups_and_little_else() -> None:
    """Protects a small machine: at a quarter of what would be needed most groups are complete all the same."""
    groups = simulated(15)
    assert len(groups) > 8 * 3 * 58
    assert np.mean([not group.missing for group in groups]) >= 0.7

"""Cameras in step: of the frames that were classified, those of one moment brought together.

The slowest camera that is present sets the pace: each of its frames is a moment `c`, and `T` is its interval between
classified frames. To the moment belongs, of every camera, the frame that was captured nearest to it, if that is within
T/2 and a little; no frame is used twice. The group is complete as soon as every camera that is present has had a frame
at or after `c` classified, for then no nearer one can come. At `c` + 3 T, at the latest, it is told without what is
late. A camera that is lost, or silent for 2.5 T, is not present: nobody waits for it.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from pi_classifier.contracts.group import Group, GroupSink, Member
from pi_classifier.contracts.prediction import Prediction
from pi_classifier.errors import CaptureError

PACE_FRAMES = 64
"""A camera's interval is measured over so many of its newest frames."""
LATEST_INTERVALS = 3.0
SILENT_INTERVALS = 2.5
SLACK_SECONDS = 0.004
"""The little: the jitter of a camera's clock and bus."""
SLOWER = 1.01
"""Who sets the pace goes on to do so beside others that are as slow but for this: to change it costs a moment."""
MOST_WAITING = 32
"""Frames of one camera that wait for their moment, at most: enough for one that is ten times as fast as the slowest."""


class Synchroniser:
    """All groups. A `Sink` and a `CameraObserver`; predictions and `check` come from the inference loop."""

    def __init__(
        self,
        groups: Mapping[str, Sequence[str]],
        *,
        sinks: Sequence[GroupSink],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with no frames.

        Args:
            groups: the names of each group's cameras, by its own.
            sinks: are offered every group.
            clock: as `captured_at` counts seconds.
        """
        self._sinks = tuple(sinks)
        self._clock = clock
        self._matchers = [_Matcher(name, cameras) for name, cameras in groups.items()]
        self._by_camera = {camera: matcher for matcher in self._matchers for camera in matcher.tracks}

    def offer(self, prediction: Prediction) -> None:
        """Take a prediction, and tell each group that is complete with it."""
        if matcher := self._by_camera.get(prediction.camera):
            now = self._clock()
            matcher.add(prediction, now)
            self._tell(matcher, now)

    def check(self) -> None:
        """Tell each group that has waited long enough; to be called at every turn of the loop."""
        now = self._clock()
        for matcher in self._matchers:
            self._tell(matcher, now)

    def camera_down(self, camera: str, error: CaptureError) -> None:  # noqa: ARG002 - whatever it is
        """Wait for it no longer, until there is a frame that was captured later."""
        if matcher := self._by_camera.get(camera):
            matcher.tracks[camera].lost_at = self._clock()

    def camera_up(self, camera: str) -> None:
        """Its frames will tell."""

    def _tell(self, matcher: "_Matcher", now: float) -> None:
        for group in matcher.complete(now):
            for sink in self._sinks:
                sink.offer_group(group)


@dataclass(slots=True, eq=False)
class _Track:
    """The frames of one camera."""

    times: deque[float] = field(default_factory=lambda: deque(maxlen=PACE_FRAMES))
    """When its newest frames were captured, as long as it kept its pace."""
    waiting: deque[Prediction] = field(default_factory=lambda: deque(maxlen=MOST_WAITING))
    """Those that belong to no group yet, oldest first."""
    arrived: float = -inf
    """When the newest was classified."""
    lost_at: float = -inf
    """Written by its capture thread, in one assignment."""

    @property
    def newest(self) -> float:
        """When its newest frame was captured."""
        return self.times[-1] if self.times else -inf

    @property
    def interval(self) -> float:
        """Seconds between its frames; 0 while that is not known."""
        return (self.times[-1] - self.times[0]) / (len(self.times) - 1) if len(self.times) > 1 else 0.0

    def is_present(self, now: float, interval: float) -> bool:
        return self.lost_at < self.newest and now - self.arrived <= SILENT_INTERVALS * interval

    def add(self, prediction: Prediction, now: float, *, later_than: float) -> None:
        """`later_than`: what was captured before belongs to no group any more."""
        at, interval = prediction.captured_at, self.interval
        if at <= self.newest:
            self.waiting.clear()  # a driver's clock was set anew
        if at <= self.newest or at - self.newest > SILENT_INTERVALS * interval > 0:
            self.times.clear()  # a pause is no interval
        self.times.append(at)
        self.arrived = now
        if at > later_than:
            self.waiting.append(prediction)

    def take(self, at: float, within: float) -> Member | None:
        """The frame nearest to a moment, if it is near enough; it, and all up to that moment, wait no longer."""
        nearest = min(self.waiting, key=lambda one: abs(one.captured_at - at), default=None)
        if nearest is not None and abs(nearest.captured_at - at) > within:
            nearest = None
        done = at if nearest is None else max(at, nearest.captured_at)
        while self.waiting and self.waiting[0].captured_at <= done:
            self.waiting.popleft()
        return nearest and Member(nearest, nearest.captured_at - at)


class _Matcher:
    """Finds the groups of one name."""

    def __init__(self, name: str, cameras: Sequence[str]) -> None:
        self._name = name
        self.tracks = {camera: _Track() for camera in cameras}
        self._pivot: _Track | None = None
        """Who sets the pace."""
        self._at = -inf
        """The moment of the last group."""
        self._number = 0

    def add(self, prediction: Prediction, now: float) -> None:
        self.tracks[prediction.camera].add(prediction, now, later_than=self._at)

    def complete(self, now: float) -> Iterator[Group]:
        """Each group that needs to wait no longer."""
        while group := self._next(now):
            yield group

    def _next(self, now: float) -> Group | None:
        self._pivot = pivot = self._slowest(now)
        if pivot is None or not pivot.waiting:
            return None
        interval = pivot.interval
        overdue = now - LATEST_INTERVALS * interval
        while len(pivot.waiting) > 1 and pivot.waiting[1].captured_at <= overdue:
            pivot.waiting.popleft()  # of several that are late the newest alone is news
        at = pivot.waiting[0].captured_at
        if at > overdue and any(one.newest < at and one.is_present(now, interval) for one in self.tracks.values()):
            return None
        return self._taken(at, interval, now)

    def _slowest(self, now: float) -> _Track | None:
        present = [one for one in self.tracks.values() if one.interval and one.is_present(now, one.interval)]
        slowest = max(present, key=lambda one: one.interval, default=None)
        if slowest and self._pivot in present and slowest.interval <= SLOWER * self._pivot.interval:
            return self._pivot
        return slowest

    def _taken(self, at: float, interval: float, now: float) -> Group:
        found = {name: track.take(at, interval / 2 + SLACK_SECONDS) for name, track in self.tracks.items()}
        members = tuple([member for member in found.values() if member])
        missing = tuple([camera for camera, member in found.items() if not member])
        number, self._number, self._at = self._number, self._number + 1, at
        return Group(self._name, number, at, interval, max(0.0, now - at), members, missing)

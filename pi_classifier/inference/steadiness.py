"""Labels that hold still: from the probabilities of each frame to what a camera shows, and since when.

The probabilities are smoothed exponentially, in seconds, whatever the frame rate: `mean += a * (p - mean)` with
`a = 1 - exp(-dt / tau)`, but never so much that a single frame decides. A class becomes the state when its mean reaches
`enter` and ends when it falls below `leave`. Another cannot take its place before, so that two which alternate do not
flicker; and a change is followed by no other for `hold` seconds. A watch, which sums classes, obeys the same rule.
"""

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pi_classifier.config.schema import SteadinessSettings
from pi_classifier.contracts.prediction import Probabilities, Result
from pi_classifier.contracts.state import Change, Reason, State, Steady, WatchState
from pi_classifier.errors import CaptureError

MOST = 0.45
"""The most that one frame weighs: less than what `enter` is by default, so that no frame starts a state by itself."""


class Steadiness:
    """What all cameras show. A `CameraObserver`; frames come from the inference loop, losses from capture threads."""

    def __init__(self, views: Mapping[str, "View"], clock: Callable[[], float]) -> None:
        """`views`: of each camera, by its name. `clock`: as `captured_at` counts seconds."""
        self._views = views
        self._clock = clock
        self._lock = threading.Lock()

    def update(self, camera: str, captured_at: float, result: Result) -> Steady:
        """Take the result for a frame, and say what its camera shows now.

        Args:
            camera: its name.
            captured_at: of the frame, in seconds.
            result: not kept.
        """
        with self._lock:
            return self._views[camera].update(captured_at, result)

    def now(self) -> dict[str, Steady]:
        """What each camera shows, by its name; those that have sent no frame yet are left out. From any thread."""
        with self._lock:
            return {camera: view.steady() for camera, view in self._views.items() if view.seen}

    def camera_down(self, camera: str, error: CaptureError) -> None:  # noqa: ARG002 - whatever it is
        """What the camera showed has ended: nobody knows what is there now."""
        with self._lock:
            self._views[camera].lose(self._clock())

    def camera_up(self, camera: str) -> None:
        """Its frames will tell."""


class LabelSteadiness(Steadiness):
    """What all cameras show, of which a classifier tells."""

    def __init__(
        self,
        settings: SteadinessSettings,
        *,
        cameras: Sequence[str],
        categories: Sequence[str],
        watches: Mapping[str, Sequence[int]],
        on_change: Callable[[Change], None],
        nothing: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with nothing on every camera.

        Args:
            settings: the rule's numbers.
            cameras: their names.
            categories: the model's labels, by class id.
            watches: the class ids that each watch sums, by its name.
            on_change: called with every change, in order; it must not block.
            nothing: the class that stands for an empty scene, if there is one: it never becomes what a camera shows.
            clock: as `captured_at` counts seconds.
        """
        ids = {name: np.array(ids, np.intp) for name, ids in watches.items()}
        views = {camera: _ClassView(camera, settings, categories, ids, on_change, nothing) for camera in cameras}
        super().__init__(views, clock)


class View:
    """What one camera shows, as far as its watches tell, of the numbers that each frame gives for several things."""

    def __init__(
        self,
        camera: str,
        settings: SteadinessSettings,
        things: int,
        watches: Sequence["Watch"],
        on_change: Callable[[Change], None],
    ) -> None:
        """`things`: how many numbers there are; the other arguments as of `LabelSteadiness`."""
        self._camera = camera
        self._rule = settings
        self._on_change = on_change
        self._mean = np.zeros(things, np.float32)
        self._step = np.empty_like(self._mean)
        self._at: float | None = None
        """Of the last frame since the camera came."""
        self._watches = watches
        self.seen = False
        """Whether there has been a frame."""

    def update(self, at: float, result: Result) -> Steady:
        """Take the result of a frame that was captured `at`."""
        raise NotImplementedError

    def steady(self) -> Steady:
        """As it stands."""
        return Steady(None, self._watch_states())

    def lose(self, at: float) -> None:
        """All of it ends with the camera."""
        if self._at is None:
            return
        self._at = None
        for watch in self._watches:
            if watch.active:
                self._change_watch(watch, at, "camera")
            watch.probability = 0.0
        # It begins anew with whatever comes next.
        self._mean[:] = 0

    def _watch_states(self) -> tuple[WatchState, ...]:
        return tuple([WatchState(one.name, one.active, one.probability, one.since) for one in self._watches])

    def _begin(self, at: float) -> None:
        """The first frame has come."""
        for watch in self._watches:
            watch.since = at

    def _smooth(self, at: float, numbers: Probabilities) -> None:
        if self._at is None:
            weight = MOST
            self._begin(at)
        else:
            # Frames that come in the same moment, or in the wrong order, weigh nothing.
            weight = min(MOST, -math.expm1(min(0.0, self._at - at) / self._rule.tau))
        self._at, self.seen = at, True
        np.subtract(numbers, self._mean, out=self._step)
        self._step *= weight
        self._mean += self._step

    def _judge(self, watch: "Watch", at: float) -> None:
        watch.probability = min(1.0, float(self._mean[watch.ids].sum()))
        if at - watch.since < self._rule.hold:
            return
        if watch.probability < self._rule.leave if watch.active else watch.probability >= self._rule.enter:
            self._change_watch(watch, at, "probability")

    def _change_watch(self, watch: "Watch", at: float, reason: Reason) -> None:
        watch.active, watch.since = not watch.active, at
        change = Change(self._camera, watch.active, None, None, watch.name, watch.probability, at, reason, watch.zone)
        self._on_change(change)


class _ClassView(View):
    """Of a classifier's probabilities: one class as well, which is the camera's state."""

    def __init__(
        self,
        camera: str,
        settings: SteadinessSettings,
        categories: Sequence[str],
        watches: Mapping[str, NDArray[np.intp]],
        on_change: Callable[[Change], None],
        nothing: int | None,
    ) -> None:
        super().__init__(
            camera, settings, len(categories), [Watch(name, ids) for name, ids in watches.items()], on_change
        )
        self._nothing = nothing
        self._categories = categories
        self._class: int | None = None
        self._since = 0.0

    def update(self, at: float, result: Result) -> Steady:
        self._smooth(at, result.probabilities)
        if at - self._since >= self._rule.hold:
            self._choose(at)
        for watch in self._watches:
            self._judge(watch, at)
        return self.steady()

    def steady(self) -> Steady:
        watches = self._watch_states()
        if self._class is None:
            return Steady(State(None, None, 0.0, self._since), watches)
        probability = float(self._mean[self._class])
        return Steady(State(self._categories[self._class], self._class, probability, self._since), watches)

    def lose(self, at: float) -> None:
        if self._at is not None and self._class is not None:
            self._change_class(None, at, "camera")
        super().lose(at)

    def _begin(self, at: float) -> None:
        self._since = at
        super()._begin(at)

    def _choose(self, at: float) -> None:
        if self._class is not None:
            if self._mean[self._class] >= self._rule.leave:
                return
            self._change_class(None, at, "probability")
        best = int(self._mean.argmax())
        if best != self._nothing and self._mean[best] >= self._rule.enter:
            self._change_class(best, at, "probability")

    def _change_class(self, new: int | None, at: float, reason: Reason) -> None:
        changing = self._class if new is None else new
        if changing is None:
            return
        self._class, self._since = new, at
        probability, label = float(self._mean[changing]), self._categories[changing]
        self._on_change(Change(self._camera, new is not None, label, changing, None, probability, at, reason))


@dataclass(slots=True, eq=False)
class Watch:
    """One watch of one camera."""

    name: str
    ids: NDArray[np.intp]
    """Which of the numbers it sums."""
    zone: str = ""
    """That it looks at; empty for the whole picture."""
    active: bool = False
    probability: float = 0.0
    since: float = 0.0

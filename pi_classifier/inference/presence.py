"""Of a detector what holds still: for each watch, whether there is an object of one of its labels, where it looks.

A frame's number for a watch is the confidence of its best object, 0 where there is none. It is smoothed and judged as a
classifier's watches are.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from pi_classifier.config.schema import SteadinessSettings
from pi_classifier.contracts.detection import Detection
from pi_classifier.contracts.prediction import Result
from pi_classifier.contracts.state import Change, Steady
from pi_classifier.inference.steadiness import Steadiness, View, Watch


class ObjectWatch(NamedTuple):
    """What is looked for."""

    name: str
    labels: frozenset[str]
    zone: str = ""
    """Name of the camera's zone that the object has to be in; empty for anywhere."""

    def sees(self, found: Detection) -> bool:
        """Whether an object is one of those."""
        return found.label in self.labels and (not self.zone or self.zone in found.zones)


class Presence(Steadiness):
    """What all cameras show, of which a detector tells."""

    def __init__(
        self,
        settings: SteadinessSettings,
        *,
        watches: Mapping[str, Sequence[ObjectWatch]],
        on_change: Callable[[Change], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with nothing on every camera.

        Args:
            settings: the rule's numbers.
            watches: of each camera, by its name.
            on_change: called with every change, in order; it must not block.
            clock: as `captured_at` counts seconds.
        """
        views = {camera: _ObjectView(camera, settings, its, on_change) for camera, its in watches.items()}
        super().__init__(views, clock)


class _ObjectView(View):
    def __init__(
        self,
        camera: str,
        settings: SteadinessSettings,
        watches: Sequence[ObjectWatch],
        on_change: Callable[[Change], None],
    ) -> None:
        rules = [Watch(one.name, np.array([number]), one.zone) for number, one in enumerate(watches)]
        super().__init__(camera, settings, len(watches), rules, on_change)
        self._looked_for = watches
        self._best = np.zeros(len(watches), np.float32)

    def update(self, at: float, result: Result) -> Steady:
        detections = result.detections or ()
        for number, watch in enumerate(self._looked_for):
            # They come best first.
            self._best[number] = next((found.confidence for found in detections if watch.sees(found)), 0.0)
        self._smooth(at, self._best)
        for rule in self._watches:
            self._judge(rule, at)
        return self.steady()

"""Rules that make of each frame's probabilities what is shown: other programs', as their sources have them, and ours.

Each is made for one camera and told every frame, in order; what it shows is a class id, or None for nothing.
"""

import math
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pi_classifier.config.schema import SteadinessSettings
from pi_classifier.contracts.prediction import Probabilities, Result
from pi_classifier.inference.steadiness import LabelSteadiness


class Rule(Protocol):
    """What one camera shows."""

    def __call__(self, captured_at: float, probabilities: Probabilities, /) -> int | None:
        """Take a frame's probabilities, which are kept by nobody, and say what is shown now."""


class RawTop1:
    """The best class of each frame."""

    def __call__(self, _: float, probabilities: Probabilities) -> int | None:
        """The lowest class id of those that are best."""
        return int(probabilities.argmax())


class Unbroken:
    """The class that was last the best for three seconds without a break."""

    SECONDS = 3.0

    def __init__(self) -> None:
        self._best: int | None = None
        self._since = 0.0
        self._shown: int | None = None

    def __call__(self, captured_at: float, probabilities: Probabilities) -> int | None:
        """It stays until another has held out as long."""
        best = int(probabilities.argmax())
        if best != self._best:
            self._best, self._since = best, captured_at
        if captured_at - self._since >= self.SECONDS:
            self._shown = best
        return self._shown


class Frigate:
    """Frigate's state classification, on a picture that always moves; it knows no nothing.

    Source: `CustomStateClassificationProcessor` in frigate/data_processing/real_time/custom_classification.py, with its
    default threshold. A verdict that is not sure enough neither counts nor breaks the row.
    """

    THRESHOLD = 0.8
    IN_A_ROW = 3
    INTERVAL = 1.0
    """Seconds from one verdict to the next, at least."""
    PENDING_INTERVAL = 0.5
    """The same while a change waits for its row to be full."""

    def __init__(self) -> None:
        self._judged_at = -math.inf
        self._shown: int | None = None
        self._pending: int | None = None
        self._count = 0

    def __call__(self, captured_at: float, probabilities: Probabilities) -> int | None:
        """Most frames go by unseen."""
        interval = self.INTERVAL if self._pending is None else self.PENDING_INTERVAL
        if captured_at > self._judged_at + interval:
            self._judged_at = captured_at
            best = int(probabilities.argmax())
            if round(float(probabilities[best]), 2) >= self.THRESHOLD:
                self._verify(best)
        return self._shown

    def _verify(self, best: int) -> None:
        if best == self._shown:
            self._pending, self._count = None, 0
            return
        self._count = self._count + 1 if best == self._pending else 1
        self._pending = best
        if self._count >= self.IN_A_ROW:
            self._shown, self._pending, self._count = best, None, 0


class JetsonSmoothing:
    """jetson-inference's smoothed classification: the best class of an exponential mean, by weight a frame.

    Source: `imageNet::applySmoothing` in c/imageNet.cpp, and the threshold in its header. It is off by default; here it
    goes over 15 frames.
    """

    WEIGHT = 1 / 15
    THRESHOLD = 0.01

    def __init__(self) -> None:
        self._mean: NDArray[np.float32] | None = None

    def __call__(self, _: float, probabilities: Probabilities) -> int | None:
        """The first frame counts whole."""
        if self._mean is None:
            self._mean = probabilities.copy()
        else:
            self._mean += np.float32(self.WEIGHT) * (probabilities - self._mean)
        best = int(self._mean.argmax())
        return best if self._mean[best] >= self.THRESHOLD else None


class RpicamClassify:
    """rpicam-apps' classification: a class enters above one threshold and stays above a lower one, frame by frame.

    Source: `getTopResults` in post_processing_stages/object_classify_tf_stage.cpp, with the defaults of its parameters.
    Of the three classes that it lists, the first is shown.
    """

    ENTER = 0.2
    STAY = 0.1
    LISTED = 3

    def __init__(self) -> None:
        self._listed: list[int] = []

    def __call__(self, _: float, probabilities: Probabilities) -> int | None:
        """The best of those that have entered, or have been listed and stay."""
        likely = np.flatnonzero(probabilities >= self.STAY).tolist()
        kept = [one for one in likely if probabilities[one] >= self.ENTER or one in self._listed]
        self._listed = sorted(kept, key=lambda one: -probabilities[one])[: self.LISTED]
        return self._listed[0] if self._listed else None


class Imx500Filter:
    """The temporal filter of rpicam-apps' IMX500 stages, with classes in the place of boxes.

    Source: `filterOutputObjects` in post_processing_stages/imx500/imx500_object_detection.cpp, with the defaults of its
    parameters. What is new is hidden for two frames, unless nothing else is known; what is gone is kept for five. Of
    several that it keeps, the one that was seen last is shown.
    """

    THRESHOLD = 0.5
    VISIBLE = 5
    HIDDEN = 2

    def __init__(self) -> None:
        self._hidden: dict[int, int] = {}
        """Frames until each known class is shown; the one that was seen last is the last."""
        self._visible: dict[int, int] = {}
        """Frames for which each is kept unseen."""

    def __call__(self, _: float, probabilities: Probabilities) -> int | None:
        """At a threshold of one half a frame has one class or none, and both of two that tie exactly."""
        seen = np.flatnonzero(probabilities >= self.THRESHOLD).tolist()
        new = self.HIDDEN if self._hidden else 0
        for one in seen:
            self._hidden[one] = max(0, self._hidden.pop(one) - 1) if one in self._hidden else new
            self._visible[one] = self.VISIBLE
        for one in [known for known in self._hidden if known not in seen]:
            self._visible[one] = 0 if self._hidden[one] else self._visible[one] - 1
            if not self._visible[one]:
                del self._hidden[one], self._visible[one]
        return next((one for one in reversed(self._hidden) if not self._hidden[one]), None)


class PiClassifier:
    """This project's, `pi_classifier.inference.steadiness`, as it is configured by default."""

    def __init__(self, classes: int) -> None:
        """`classes`: how many the model tells apart."""
        self._steadiness = LabelSteadiness(
            SteadinessSettings(),
            cameras=("film",),
            categories=[str(class_id) for class_id in range(classes)],
            watches={},
            on_change=lambda _: None,
        )

    def __call__(self, captured_at: float, probabilities: Probabilities) -> int | None:
        """As the pipeline asks it."""
        state = self._steadiness.update("film", captured_at, Result(probabilities, ())).state
        return state and state.class_id


OURS = "pi-classifier"
RAW = "raw top-1"
RULES: dict[str, Callable[[int], Rule]] = {
    RAW: lambda _: RawTop1(),
    "three unbroken seconds": lambda _: Unbroken(),
    "Frigate, state classification": lambda _: Frigate(),
    "jetson-inference, smoothed": lambda _: JetsonSmoothing(),
    "rpicam-apps, classification": lambda _: RpicamClassify(),
    "rpicam-apps, IMX500 filter": lambda _: Imx500Filter(),
    OURS: PiClassifier,
}
"""By name; each is made for a number of classes."""

"""What is counted of what a rule showed, beside what was to be seen."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean
from typing import NamedTuple

import numpy as np


class Scene(NamedTuple):
    """A stretch of a film that shows one thing."""

    begin: float
    """Seconds from the film's begin."""
    end: float
    class_id: int | None
    """What it shows; None for a wall."""


class Shown(NamedTuple):
    """What a rule showed with one frame."""

    at: float
    class_id: int | None


class Stretch(NamedTuple):
    """A label that was shown, from the frame that began it to the one that showed something else."""

    begin: float
    end: float
    class_id: int | None


def stretches(shown: Sequence[Shown], seconds: float) -> list[Stretch]:
    """Without gaps, each of another class than the one before. `seconds`: when the last one ends."""
    firsts = [shown[0], *(now for before, now in pairwise(shown) if before.class_id != now.class_id)]
    ends = [*(first.at for first in firsts[1:]), seconds]
    return [Stretch(first.at, end, first.class_id) for first, end in zip(firsts, ends, strict=True)]


def changes_a_minute(shown: Sequence[Shown], seconds: float) -> float:
    """How often something else is shown; before the first frame nothing is."""
    all_stretches = stretches(shown, seconds)
    changes = len(all_stretches) - (all_stretches[0].class_id is None)
    return 60 * changes / seconds


def nameable(raw: Sequence[Shown], scenes: Sequence[Scene]) -> list[Scene]:
    """The photographs that the model names rightly: by the best class of more than half of their frames."""
    named = []
    for scene in scenes:
        right = [one.class_id == scene.class_id for one in raw if scene.begin <= one.at < scene.end]
        if scene.class_id is not None and 2 * sum(right) > len(right):
            named.append(scene)
    return named


def delays(shown: Sequence[Shown], scenes: Sequence[Scene]) -> list[float]:
    """Seconds from a photograph's appearance to its name, of those that are named while they are there."""
    found = (
        next((one.at - scene.begin for one in shown if _right(one, scene)), None) for scene in scenes
    )  # fmt: skip
    return [delay for delay in found if delay is not None]


def _right(shown: Shown, scene: Scene) -> bool:
    return scene.begin <= shown.at < scene.end and shown.class_id == scene.class_id


def false_starts(shown: Sequence[Shown], scenes: Sequence[Scene], seconds: float) -> int:
    """Labels that came and went without being true at any moment."""
    return sum(
        stretch.class_id is not None
        and not any(
            scene.class_id == stretch.class_id and scene.begin < stretch.end and stretch.begin < scene.end
            for scene in scenes
        )
        for stretch in stretches(shown, seconds)
    )


class Showing(NamedTuple):
    """A film, and what a rule showed with it."""

    shown: Sequence[Shown]
    """With every frame that it was given."""
    scenes: Sequence[Scene]
    to_name: Sequence[Scene]
    """Those that are `nameable`."""
    seconds: float


def on_films(showings: Sequence[Showing]) -> dict[str, float]:
    """The figures of one rule at one rate, over films that last equally long."""
    waits = [wait for one in showings for wait in delays(one.shown, one.to_name)]
    figures = {
        "changes_a_minute": fmean(changes_a_minute(one.shown, one.seconds) for one in showings),
        "named": len(waits),
        "false_starts": sum(false_starts(one.shown, one.scenes, one.seconds) for one in showings),
    }
    if waits:
        figures |= {f"delay_p{share}_s": float(np.percentile(waits, share)) for share in (50, 90)}
    return figures


def spread(rates: Sequence[float]) -> float:
    """How far the largest lies above the least, as a share of the least."""
    return max(rates) / min(rates) - 1 if min(rates) else float("inf") if max(rates) else 0.0

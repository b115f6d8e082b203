"""Tells of groups: of every one to who wants all, and to who writes them down where what it says has changed."""

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf

from pi_classifier.contracts.event import Event, EventKind
from pi_classifier.contracts.group import Group, Member
from pi_classifier.contracts.prediction import Prediction

LASTING_SECONDS = 1.0
"""A change is told at most so often, and a camera counts as missing when it has been for so long: one frame that came
too late is no news."""
LASTING_INTERVALS = 3.0
"""The same for a camera that gives less than a frame in that time."""
Publish = Callable[[Event], None]


class GroupEvents:
    """Makes events of groups. A `GroupSink`."""

    def __init__(self, *, each: Sequence[Publish], changes: Sequence[Publish]) -> None:
        """Tell from now on.

        Args:
            each: take every group.
            changes: take those that say something else than the last that they took.
        """
        self._each = tuple(each)
        self._changes = tuple(changes)
        self._told: dict[str, _Told] = {}

    def offer_group(self, group: Group) -> None:
        """Tell it to whom it is news."""
        told = self._told.setdefault(group.name, _Told(group.at))
        news = told.is_news(group)
        takers = self._each + (self._changes if news else ())
        if takers:
            event = _event(group)
            for publish in takers:
                publish(event)


@dataclass(slots=True, eq=False)
class _Told:
    """What was told of one group."""

    since: float
    """The moment of the first."""
    last_seen: dict[str, float] = field(default_factory=dict)
    """When each camera was last a member."""
    said: list[tuple[str, str | None]] = field(default_factory=list)
    """The members, and what holds still of each."""
    at: float = -inf

    def is_news(self, group: Group) -> bool:
        self.last_seen |= {one.prediction.camera: group.at for one in group.members}
        if group.at - self.at < LASTING_SECONDS:
            return False
        lasting = max(LASTING_SECONDS, LASTING_INTERVALS * group.interval)
        gone = [one for one in group.missing if group.at - self.last_seen.get(one, self.since) >= lasting]
        says = [(one.prediction.camera, _held(one.prediction)) for one in group.members]
        if len(gone) < len(group.missing) or says == self.said:
            return False
        self.said, self.at = says, group.at
        return True


def _event(group: Group) -> Event:
    fields: dict[str, str | float] = {
        "group": group.name,
        "skew_ms": round(1000 * group.skew, 3),
        "latency_ms": round(1000 * group.latency, 3),
    }
    members = {one.prediction.camera: _member_fields(one) for one in group.members}
    return Event(EventKind.GROUP, "", time.time() - group.latency, uuid.uuid4().hex, fields, members, group.missing)


def _member_fields(member: Member) -> dict[str, str | float]:
    prediction = member.prediction
    fields: dict[str, str | float] = {"frame": prediction.sequence, "offset_ms": round(1000 * member.offset, 3)}
    if prediction.scores:
        best = prediction.scores[0]
        fields |= {"label": best.label, "probability": round(best.probability, 6)}
    return fields | {"state_label": _held(prediction) or ""}


def _held(prediction: Prediction) -> str | None:
    """What holds still: a label; of a detector the watches that are active."""
    state, watches = prediction.steady
    return state.label if state else ", ".join(one.name for one in watches if one.active)

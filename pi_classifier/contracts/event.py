"""What happened that is worth keeping, and who keeps it."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple, Protocol

from pi_classifier.contracts.component import Component
from pi_classifier.errors import CaptureError


class EventKind(StrEnum):
    """What happened, with the fields of such an event."""

    CAMERA_DOWN = "camera_down"
    """`error`: what is wrong with the camera and its remedy, in one line."""
    CAMERA_UP = "camera_up"
    """It delivers frames again."""
    STARTED = "started"
    """`label` and `class_id`, or `watch` and, if it has one, its `zone`; `probability`, `reason`: the camera shows it,
    and did not before."""
    STOPPED = "stopped"
    """The same of what it no longer shows. `reason` is `probability`, or `camera` where that was lost."""
    SUMMARY = "summary"
    """`seconds`, `classified`, `dropped`, `errors`, `fps`: the numbers since the last one."""
    TOTALS = "totals"
    """`seconds`, `captured`, `classified`, `dropped_REASON` for each reason, `fps`: the numbers of the whole run."""
    GROUP = "group"
    """`group`: its name; `skew_ms`, `latency_ms`: cameras were brought together. It has members."""


CAMERA_EVENTS = frozenset({EventKind.CAMERA_DOWN, EventKind.CAMERA_UP})
STATE_EVENTS = frozenset({EventKind.STARTED, EventKind.STOPPED})


class Event(NamedTuple):
    """One thing that happened with one camera, or with a group of them."""

    kind: EventKind
    camera: str
    """Empty where it is a group's."""
    at: float
    """Seconds since 1970."""
    id: str
    """This event's alone, wherever and how often it is told."""
    fields: Mapping[str, str | float] = MappingProxyType({})
    members: Mapping[str, Mapping[str, str | float]] = MappingProxyType({})
    """Of a group, by camera: `frame`, its number; `offset_ms`; the `label` that is best in it, with its `probability`;
    `state_label`, what holds still, empty for nothing."""
    missing: tuple[str, ...] = ()
    """The group's other cameras."""


class Listener(Protocol):
    """Who receives events. Called on a thread of its own, so it may block; events that came meanwhile wait."""

    def notify(self, event: Event, /) -> None:
        """Take one event; events come in the order in which they happened."""


class EventQueue(Component, Protocol):
    """Where events wait for who does something with them, which may take its time. A `Component`."""

    name: str
    """Of who gets them, in logs."""

    def publish(self, event: Event, /) -> None:
        """Take one event; events come in the order in which they happened.

        It neither blocks nor raises, and may be called from any thread.
        """


class CameraObserver(Protocol):
    """Who learns at once, on the capture thread, that a camera went or came back. Neither blocks nor raises."""

    def camera_down(self, camera: str, error: CaptureError, /) -> None:
        """An attempt at the camera failed; called again at each further one."""

    def camera_up(self, camera: str, /) -> None:
        """It delivers frames after it was down."""

"""What a camera shows, as far as it holds still."""

from typing import Literal, NamedTuple

Reason = Literal["probability", "camera"]
"""Of a change: by what the frames show, or because the camera was lost."""


class State(NamedTuple):
    """The one class that a camera shows, or none."""

    label: str | None
    """As in the model's `categories`; None for nothing in particular."""
    class_id: int | None
    """Index into `categories`; None for nothing."""
    probability: float
    """Of that class, smoothed over time, 0 to 1; 0 for nothing."""
    since: float
    """`captured_at` of the frame from which on it is so."""


class WatchState(NamedTuple):
    """Whether a camera shows one of several classes, whichever of them."""

    name: str
    active: bool
    probability: float
    """Of all its classes together, smoothed over time, 0 to 1."""
    since: float
    """As in `State`."""


class Steady(NamedTuple):
    """All that holds still of one camera."""

    state: State | None
    """None of a detector, which may see many things at once: of those its watches tell."""
    watches: tuple[WatchState, ...] = ()


class Change(NamedTuple):
    """A state of one camera that began or ended."""

    camera: str
    started: bool
    """Else it stopped. For each label and each watch of a camera the two take turns, and so they do for its labels."""
    label: str | None
    """The class; None for a watch."""
    class_id: int | None
    watch: str | None
    """Its name; None for a class."""
    probability: float
    """As in the state, at the change."""
    at: float
    """`captured_at` of the frame that made the change; the moment where it was the loss of the camera."""
    reason: Reason
    """Why."""
    zone: str = ""
    """That the watch looks at; empty for the whole picture."""

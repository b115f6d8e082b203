"""What several cameras show at one moment, and who receives it."""

from typing import NamedTuple, Protocol

from pi_classifier.contracts.prediction import Prediction


class Member(NamedTuple):
    """One camera's part of a group."""

    prediction: Prediction
    """Its `result.probabilities` are no longer of this frame; the rest is."""
    offset: float
    """Seconds from the group's moment to the capture of this frame; below 0 where it was captured before."""


class Group(NamedTuple):
    """Frames of several cameras that belong together: of each the one that was captured nearest to one moment."""

    name: str
    number: int
    """Counts the groups of this name from 0."""
    at: float
    """The moment: `captured_at` of the slowest camera's frame, seconds of `time.monotonic()`."""
    interval: float
    """Seconds between that camera's frames that are classified."""
    latency: float
    """Seconds from the moment until the group was complete, or was waited for no longer."""
    members: tuple[Member, ...]
    """In the order of the configuration; at least one."""
    missing: tuple[str, ...]
    """The cameras that have no frame of this moment."""

    @property
    def skew(self) -> float:
        """Seconds from the first of its frames to the last."""
        offsets = [member.offset for member in self.members]
        return max(offsets) - min(offsets)


class GroupSink(Protocol):
    """Who receives every group."""

    def offer_group(self, group: Group, /) -> None:
        """Take note of a group; those of one name come in the order of their moments.

        Neither blocks nor raises: it is called in the inference loop. The group may be kept.
        """

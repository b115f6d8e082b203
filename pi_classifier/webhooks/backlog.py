"""Events that wait for one receiver, and what became of the others. No input, no output, no clock, no thread."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pi_classifier.contracts.delivery import WebhookFigures
from pi_classifier.contracts.event import Event
from pi_classifier.webhooks.schedule import RETRY_SECONDS, pause_after

CAPACITY = 1000
"""Events that wait at most."""


@dataclass(slots=True)
class _Waiting:
    event: Event
    due: float
    """From when on it may be sent."""
    attempts: int = 0
    """That have failed."""


class Backlog:
    """Each event has a schedule of its own, so one that the receiver does not take holds up no other.

    Events that are taken at once are in order. All times are seconds of one clock.
    """

    def __init__(
        self, chance: Callable[[], float], *, capacity: int = CAPACITY, pauses: Sequence[float] = RETRY_SECONDS
    ) -> None:
        """Nothing waits.

        Args:
            chance: gives numbers from 0 to 1, for the pauses.
            capacity: events that wait at most; of more, the oldest are lost, but not the one that is on its way.
            pauses: between attempts, in seconds, each at least.
        """
        self._chance = chance
        self._capacity = capacity
        self._pauses = tuple(pauses)
        self._waiting: dict[str, _Waiting] = {}
        """By the event's id, the oldest first."""
        self._on_its_way: str | None = None
        self._paused_until = float("-inf")
        self.is_gone = False
        """Whether the receiver wants nothing more."""
        self._delivered = self._failed = self._lost = self._failed_attempts = 0
        self._up = True

    def add(self, event: Event, now: float) -> bool:
        """An event is to be sent. False: there was no room, and the oldest that waited is lost."""
        if self.is_gone:
            self._failed += 1
            return True
        self._waiting[event.id] = _Waiting(event, now)
        if len(self._waiting) <= self._capacity:
            return True
        del self._waiting[next(one for one in self._waiting if one != self._on_its_way)]
        self._lost += 1
        return False

    def take(self, now: float) -> Event | None:
        """What to send now, if something is due; `accepted` or `refused` has to follow."""
        if now < self._paused_until or not self._waiting:
            return None
        # The first of those that have been due for longest.
        event_id, first = min(self._waiting.items(), key=lambda item: item[1].due)
        if first.due > now:
            return None
        self._on_its_way = event_id
        return first.event

    @property
    def next_due(self) -> float | None:
        """When `take` gives something; None: not before an event is added."""
        if not self._waiting:
            return None
        return max(self._paused_until, min(one.due for one in self._waiting.values()))

    def accepted(self) -> None:
        """The receiver has taken what was on its way."""
        del self._waiting[self._taken()]
        self._delivered += 1
        self._up = True

    def refused(self, now: float, pause: float = 0.0) -> bool:
        """It has not. Returns whether it is tried again.

        Args:
            now: when.
            pause: seconds for which the receiver wants to be left alone.
        """
        self._up = False
        self._failed_attempts += 1
        self._paused_until = max(self._paused_until, now + pause)
        event_id = self._taken()
        waiting = self._waiting[event_id]
        waiting.attempts += 1
        seconds = pause_after(waiting.attempts, self._chance(), self._pauses)
        if seconds is None:
            del self._waiting[event_id]
            self._failed += 1
            return False
        waiting.due = now + max(seconds, pause)
        return True

    def gone(self) -> None:
        """The receiver wants nothing more: not what was on its way, what waits, or what is to come."""
        self._up = False
        self._failed_attempts += 1
        self._taken()
        self.is_gone = True
        self._failed += len(self._waiting)
        self._waiting.clear()

    def figures(self) -> WebhookFigures:
        """As they stand."""
        return WebhookFigures(
            len(self._waiting), self._delivered, self._failed, self._lost, self._failed_attempts, self._up
        )

    def _taken(self) -> str:
        """What was on its way, which it is no more."""
        event_id, self._on_its_way = self._on_its_way, None
        assert event_id is not None, "nothing was taken"  # noqa: S101 - a fault of who calls
        return event_id

"""When events are sent, and what becomes of them."""

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pi_classifier.contracts.delivery import WebhookFigures
from pi_classifier.webhooks.backlog import Backlog
from pi_classifier.webhooks.schedule import LONGEST_PAUSE_SECONDS, RETRY_SECONDS, pause_after, requested_pause
from tests.webhooks.receiving import numbered

NOW = 1767225600.0


def backlog(capacity: int = 1000) -> Backlog:
    """One whose pauses are as short as they may be."""
    return Backlog(lambda: 0.0, capacity=capacity)


@given(chance=st.floats(0, 1))
def test_pauses(chance: float) -> None:
    """Protects receivers from a crowd, and events from waiting long: 5 s, 5 min, 30 min, 2 h, a fifth more at most."""
    pauses = [pause_after(attempts, chance) for attempts in range(1, 7)]
    assert pauses[4:] == [None, None]
    for pause, least in zip(pauses, (5, 300, 1800, 7200), strict=False):
        assert pause is not None
        assert least <= pause <= 1.2 * least


@given(text=st.one_of(st.none(), st.text(max_size=40), st.text("0123456789:, GMT-+FriNov", max_size=40)))
def test_no_header_is_too_strange(text: str | None) -> None:
    """Protects the thread from what a server may send: whatever it is, a bounded number of seconds comes of it."""
    assert 0 <= requested_pause(text, NOW) <= LONGEST_PAUSE_SECONDS


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("000000000005", 5.0),
        ("-5", 0.0),
        ("9" * 5000, LONGEST_PAUSE_SECONDS),
        (format_datetime(datetime.fromtimestamp(NOW + 90, UTC), usegmt=True), 90.0),
        (format_datetime(datetime.fromtimestamp(NOW - 90, UTC), usegmt=True), 0.0),
        ("Fri, 31 Dec 9999 23:59:59 -2359", LONGEST_PAUSE_SECONDS),
        ("soon", 0.0),
        (None, 0.0),
    ],
)
def test_retry_after(text: str | None, seconds: float) -> None:
    """Protects a receiver that asks to be left alone: in seconds or by a date; nonsense and the past say nothing."""
    assert requested_pause(text, NOW) == seconds


def test_events_that_are_taken_come_in_order() -> None:
    """Protects the story that a receiver is told: what it takes at once comes as it happened."""
    waiting = backlog()
    assert waiting.take(0.0) is None
    assert waiting.next_due is None
    for number in range(5):
        waiting.add(numbered(number), now=0.0)
    seen = []
    for _ in range(5):
        event = waiting.take(0.0)
        assert event
        seen.append(event.id)
        waiting.accepted()
    assert seen == [numbered(number).id for number in range(5)]
    assert waiting.figures() == WebhookFigures(0, 5, 0, 0, 0, up=True)


def test_event_that_is_not_taken_is_tried_five_times_and_holds_up_no_other() -> None:
    """Protects the others from one that a receiver cannot stand: they go on while it waits, and its end is counted."""
    waiting = backlog()
    waiting.add(numbered(0), now=0.0)
    now = 0.0
    for attempt, pause in enumerate(RETRY_SECONDS, 1):
        assert waiting.take(now) == numbered(0)
        assert waiting.refused(now)
        assert waiting.take(now) is None
        assert waiting.next_due == now + pause
        waiting.add(numbered(attempt), now)
        assert waiting.take(now) == numbered(attempt)
        waiting.accepted()
        now += pause
    assert waiting.take(now) == numbered(0)
    assert not waiting.refused(now)
    assert waiting.figures() == WebhookFigures(0, 4, 1, 0, 5, up=False)


def test_receiver_that_wants_to_be_left_alone_is() -> None:
    """Protects a receiver under load: until its time is over nothing is sent, be it new or to be sent again."""
    waiting = backlog()
    waiting.add(numbered(0), now=0.0)
    waiting.take(0.0)
    waiting.refused(0.0, pause=60.0)
    waiting.add(numbered(1), now=1.0)
    assert waiting.take(59.9) is None
    assert waiting.next_due == 60.0
    assert waiting.take(60.0) == numbered(1)
    waiting.accepted()
    assert waiting.take(60.0) == numbered(0)


def test_of_too_many_the_oldest_are_lost_but_not_the_one_on_its_way() -> None:
    """Protects memory: no more than the capacity wait, and an answer that is awaited finds its event."""
    waiting = backlog(3)
    waiting.add(numbered(0), now=0.0)
    waiting.take(0.0)
    for number in range(1, 6):
        waiting.add(numbered(number), now=0.0)
    assert waiting.figures() == WebhookFigures(3, 0, 0, 3, 0, up=True)
    waiting.accepted()
    assert waiting.take(0.0) == numbered(4)


def test_receiver_that_is_gone_gets_nothing_more() -> None:
    """Protects who has taken a hook away: nothing waits for it, and what comes is counted as failed."""
    waiting = backlog()
    waiting.add(numbered(0), now=0.0)
    waiting.add(numbered(1), now=0.0)
    waiting.take(0.0)
    waiting.gone()
    waiting.add(numbered(2), now=0.0)
    assert waiting.is_gone
    assert waiting.take(99999.0) is None
    assert waiting.next_due is None
    assert waiting.figures() == WebhookFigures(0, 0, 3, 0, 1, up=False)


class AnyFate(RuleBasedStateMachine):
    """Events come and are taken, refused and given up in any order and at any pace."""

    CAPACITY = 4

    def __init__(self) -> None:
        super().__init__()
        self.chance = 0.0
        self.backlog = Backlog(lambda: self.chance, capacity=self.CAPACITY)
        self.now = 0.0
        self.published = 0
        self.on_its_way = False
        self.attempts: dict[str, list[float]] = {}
        self.paused_until = 0.0

    @rule(seconds=st.floats(0, 10000), chance=st.floats(0, 1))
    def wait(self, seconds: float, chance: float) -> None:
        """Time passes."""
        self.now += seconds
        self.chance = chance

    @rule()
    def publish(self) -> None:
        """One more event."""
        self.backlog.add(numbered(self.published), self.now)
        self.published += 1

    @precondition(lambda self: not self.on_its_way)
    @rule()
    def take(self) -> None:
        """What is due is sent, and nothing before its time."""
        due = self.backlog.next_due
        event = self.backlog.take(self.now)
        assert (event is not None) == (due is not None and due <= self.now)
        if event is None:
            return
        self.on_its_way = True
        assert self.now >= self.paused_until
        attempts = self.attempts.setdefault(event.id, [])
        if attempts:
            assert self.now - attempts[-1] >= RETRY_SECONDS[len(attempts) - 1]
        attempts.append(self.now)
        assert len(attempts) <= 5

    @precondition(lambda self: self.on_its_way)
    @rule()
    def accept(self) -> None:
        """The receiver takes it."""
        self.backlog.accepted()
        self.on_its_way = False
        assert self.backlog.figures().up

    @precondition(lambda self: self.on_its_way)
    @rule(pause=st.sampled_from([0.0, 0.0, 10.0, 5000.0]))
    def refuse(self, pause: float) -> None:
        """It does not."""
        self.backlog.refused(self.now, pause)
        self.paused_until = max(self.paused_until, self.now + pause)
        self.on_its_way = False
        assert not self.backlog.figures().up

    @invariant()
    def all_are_accounted_for(self) -> None:
        """No event is counted twice or forgotten, and no more wait than may."""
        figures = self.backlog.figures()
        assert figures.waiting <= self.CAPACITY
        assert figures.waiting + figures.delivered + figures.failed + figures.lost == self.published


TestAnyFate = AnyFate.TestCase
TestAnyFate.__doc__ = "Protects every event's account, the schedule and the bound, whatever a receiver answers."

"""The mailbox between two threads."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.mailbox import Mailbox


@given(st.lists(st.booleans(), max_size=200))
def test_newest_wins_and_every_overwritten_value_is_told(steps: list[bool]) -> None:
    """Protects the drop count: what is published is taken or reported as overwritten, never both, never neither."""
    mailbox: Mailbox[list[int]] = Mailbox([-1], [-1], [-1])
    published = taken = stale = 0
    for publish in steps:
        if publish:
            mailbox.back[0] = published
            published += 1
            stale += mailbox.publish()
        elif (slot := mailbox.take()) is not None:
            taken += 1
            assert slot[0] == published - 1
    waiting = mailbox.take() is not None
    assert published == taken + stale + waiting


def test_the_readers_slot_is_not_written_while_it_reads() -> None:
    """Protects frames from tearing: a slot changes hands only when the reader takes the next."""
    mailbox: Mailbox[list[int]] = Mailbox([0, 0], [0, 0], [0, 0])
    rounds = 20_000

    def write() -> None:
        for number in range(1, rounds + 1):
            mailbox.back[0] = number
            mailbox.back[1] = number
            mailbox.publish()

    writer = threading.Thread(target=write)
    writer.start()
    last = 0
    while last < rounds:
        slot = mailbox.take()
        if slot is not None:
            first, second = slot[0], slot[1]
            assert first == second
            assert first > last
            last = first
    writer.join()


def test_empty_until_published() -> None:
    """Protects the start: nothing is taken before the first frame, and nothing twice."""
    mailbox = Mailbox("a", "b", "c")
    assert mailbox.take() is None
    mailbox.publish()
    assert mailbox.take() == "a"
    assert mailbox.take() is None

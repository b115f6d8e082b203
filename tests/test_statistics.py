"""The books of one camera."""

from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.statistics import CameraStatistics

EVENTS = st.sampled_from(["arrived", "classified", "stale", "corrupt", "lost", "timeout", "ended"])


@given(st.lists(EVENTS, max_size=300))
def test_books_balance_at_every_moment(events: list[str]) -> None:
    """Protects the promise of the metrics: captured = classified + dropped, and counters never fall."""
    account = CameraStatistics("front", now=0.0)
    before = account.snapshot()
    for moment, event in enumerate(events):
        if event == "arrived":
            account.arrived(float(moment))
        elif event == "classified":
            account.classified()
        elif event in ("stale", "corrupt"):
            account.dropped(event)
        elif event in ("lost", "timeout"):
            account.lost(event, "unplugged", float(moment))
        else:
            account.ended()
        books = account.snapshot()
        assert books.captured == books.classified + sum(books.dropped.values())
        assert books.captured >= before.captured
        assert books.reconnects >= before.reconnects
        before = books
    assert before.captured == sum(event in ("classified", "stale", "corrupt") for event in events)
    assert sum(before.errors.values()) == sum(event in ("lost", "timeout") for event in events)


def test_rate_is_that_of_the_closed_interval() -> None:
    """Protects the fps from averaging over more than the last interval, or from going stale when frames stop."""
    account = CameraStatistics("front", now=100.0)
    for _ in range(36):
        account.classified()
    assert account.close_interval(101.0).fps == 36.0
    for _ in range(9):
        account.classified()
    assert account.close_interval(101.5).fps == 18.0
    assert account.close_interval(103.0).fps == 0.0


def test_reconnects_count_returns_not_the_first_arrival() -> None:
    """Protects camera_reconnects_total: absent at boot is no reconnect, coming back is one."""
    account = CameraStatistics("front", now=0.0)
    account.lost("lost", "not plugged in", 0.5)
    account.arrived(1.0)
    assert account.snapshot().reconnects == 0
    account.lost("lost", "unplugged", 1.5)
    assert not account.snapshot().up
    assert account.snapshot().trouble == "unplugged"
    account.arrived(2.0)
    account.arrived(3.0)
    books = account.snapshot()
    assert (books.reconnects, books.up, books.trouble, books.last_frame_at) == (1, True, "", 3.0)

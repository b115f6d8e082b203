"""The statistics of one camera."""

from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.statistics import CameraStatistics, totals_line

STEPS = st.sampled_from(["arrived", "classified", "stale", "corrupt", "limited", "lost", "timeout", "ended"])


@given(st.lists(STEPS, max_size=300))
def test_counts_balance_at_every_moment(steps: list[str]) -> None:
    """Protects the promise of the metrics: captured = classified + dropped, and counters never fall."""
    statistics = CameraStatistics("front", now=0.0)
    before = statistics.snapshot()
    for moment, step in enumerate(steps):
        if step == "arrived":
            statistics.frame_arrived(float(moment))
        elif step == "classified":
            statistics.frame_classified()
        elif step in ("stale", "corrupt", "limited"):
            statistics.frame_dropped(step)
        elif step in ("lost", "timeout"):
            statistics.camera_failed(step, "unplugged")
        else:
            statistics.source_ended()
        snapshot = statistics.snapshot()
        assert snapshot.captured == snapshot.classified + sum(snapshot.dropped.values())
        assert snapshot.captured >= before.captured
        assert snapshot.reconnects >= before.reconnects
        assert not (snapshot.up and snapshot.error)
        before = snapshot
    assert before.captured == sum(step in ("classified", "stale", "corrupt", "limited") for step in steps)
    assert sum(before.errors.values()) == sum(step in ("lost", "timeout") for step in steps)


def test_rate_is_that_of_the_interval_that_ended() -> None:
    """Protects the fps from averaging over more than the last interval, or from going stale when frames stop."""
    statistics = CameraStatistics("front", now=100.0)
    for _ in range(36):
        statistics.frame_classified()
    assert statistics.end_interval(101.0).fps == 36.0
    for _ in range(9):
        statistics.frame_classified()
    assert statistics.end_interval(101.5).fps == 18.0
    assert statistics.end_interval(103.0).fps == 0.0


def test_reconnects_count_returns_not_the_first_arrival() -> None:
    """Protects camera_reconnects_total: absent at boot is no reconnect, coming back is one."""
    statistics = CameraStatistics("front", now=0.0)
    statistics.camera_failed("lost", "not plugged in")
    statistics.frame_arrived(1.0)
    assert statistics.snapshot().reconnects == 0
    statistics.camera_failed("lost", "unplugged")
    assert not statistics.snapshot().up
    assert statistics.snapshot().error == "unplugged"
    statistics.frame_arrived(2.0)
    statistics.frame_arrived(3.0)
    snapshot = statistics.snapshot()
    assert (snapshot.reconnects, snapshot.up, snapshot.error, snapshot.last_frame_at) == (1, True, "", 3.0)


def test_return_is_news_once() -> None:
    """Protects the events from a return that was none: true for the first frame after a failure, and no other."""
    statistics = CameraStatistics("front", now=0.0)
    assert not statistics.frame_arrived(1.0)
    statistics.camera_failed("lost", "unplugged")
    assert statistics.frame_arrived(2.0)
    assert not statistics.frame_arrived(3.0)


def test_snapshot_stays_as_it_was() -> None:
    """Protects reporters, which keep snapshots to compare: one does not change with what comes after it."""
    statistics = CameraStatistics("front", now=0.0)
    before = statistics.snapshot()
    statistics.frame_dropped("stale")
    statistics.camera_failed("timeout", "silent")
    assert before.dropped == {"stale": 0, "corrupt": 0, "limited": 0}
    assert before.errors == {"timeout": 0, "lost": 0, "frozen": 0}


def test_totals_name_the_reasons_there_were() -> None:
    """Protects the last line: reasons without a frame are left out, and a run of no time has no rate."""
    line = totals_line("front", captured=37, classified=36, dropped={"stale": 1, "corrupt": 0}, seconds=2.0)
    assert line == "front done: 37 captured = 36 classified + 1 dropped (1 stale) in 2.0 s, 18.0 fps"
    line = totals_line("front", captured=0, classified=0, dropped={}, seconds=0.0)
    assert line == "front done: 0 captured = 0 classified + 0 dropped in 0.0 s, 0.0 fps"

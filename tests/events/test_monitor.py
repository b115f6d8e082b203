"""What becomes a journal entry, and what does not."""

import logging

import pytest

from pi_classifier.statistics import CameraStatistics
from pi_classifier.contracts.prediction import Classification, Prediction, Timings
from pi_classifier.sinks.events import EventLog

LABELS = ("tench", "goldfish")


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """The time, seconds."""
        return self.now


def see(log: EventLog, account: CameraStatistics, class_id: int) -> None:
    """A frame arrives and is classified."""
    account.arrived(0.0)
    account.classified()
    best = Classification(class_id, LABELS[class_id], 0.9)
    log.offer(Prediction("front", 0, 0.0, (best,), Timings(0, 0, 0, 0, 0, 0)))


def events(caplog: pytest.LogCaptureFixture, kind: str) -> list[logging.LogRecord]:
    """The entries of one kind."""
    return [record for record in caplog.records if getattr(record, "EVENT", "") == kind]


def event_log(clock: Clock, *, summary_seconds: float = 0, untrained: bool = False) -> EventLog:
    """An event log that holds labels for three seconds."""
    return EventLog(hold_seconds=3, summary_seconds=summary_seconds, untrained=untrained, clock=clock)


def test_label_is_told_when_it_has_held(caplog: pytest.LogCaptureFixture) -> None:
    """Protects the SD card from flicker: a label is told once, when it was the best for three seconds on end."""
    caplog.set_level(logging.INFO)
    clock, account = Clock(), CameraStatistics("front", 0.0)
    log = event_log(clock)
    for second, class_id in enumerate([0, 0, 1, 0, 0, 0, 0, 0, 1, 1, 1, 1]):
        clock.now = float(second)
        see(log, account, class_id)
        log.report(account.close_interval(float(second)))
    told = events(caplog, "label")
    assert [record.LABEL for record in told] == ["tench", "goldfish"]  # type: ignore[attr-defined]
    assert told[0].CAMERA == "front"  # type: ignore[attr-defined]
    assert float(told[0].FPS) > 0  # type: ignore[attr-defined]
    assert told[0].PROBABILITY == "0.9000"  # type: ignore[attr-defined]
    assert "front sees tench, 90.0%" in told[0].getMessage()


def test_summary_comes_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """Protects both the card and the operator: one entry a minute, whose numbers are that minute's."""
    caplog.set_level(logging.INFO)
    clock, account = Clock(), CameraStatistics("front", 0.0)
    log = event_log(clock, summary_seconds=60)
    for second in range(180):
        clock.now = float(second)
        log.report(account.close_interval(float(second)))
        see(log, account, 0)
    told = events(caplog, "summary")
    assert len(told) == 2
    assert "front in 60 s: 60 classified, 0 dropped, 1.0 fps, 0 errors" in told[1].getMessage()


def test_label_is_not_told_while_the_camera_is_away(caplog: pytest.LogCaptureFixture) -> None:
    """Protects from old news: what was seen before the camera was lost does not become an entry afterwards."""
    caplog.set_level(logging.INFO)
    clock, account = Clock(), CameraStatistics("front", 0.0)
    log = event_log(clock)
    see(log, account, 0)
    account.lost("lost", "unplugged", 0.5)
    clock.now = 10.0
    log.report(account.close_interval(10.0))
    assert events(caplog, "label") == []


def test_untrained_weights_are_told_in_every_entry(caplog: pytest.LogCaptureFixture) -> None:
    """Protects from believing random labels in the journal too."""
    caplog.set_level(logging.INFO)
    clock, account = Clock(), CameraStatistics("front", 0.0)
    log = event_log(clock, summary_seconds=1, untrained=True)
    for second in range(6):
        clock.now = float(second)
        see(log, account, 0)
        log.report(account.close_interval(float(second)))
    log.close(account.snapshot(), 6.0)
    assert len(caplog.records) > 5
    assert all("UNTRAINED" in record.getMessage() for record in caplog.records)

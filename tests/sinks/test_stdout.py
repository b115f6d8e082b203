"""The line a second."""

import io
import json
import os
from pathlib import Path

import pytest

from pi_classifier.contracts.event import Event, EventKind
from pi_classifier.contracts.prediction import Timings
from pi_classifier.contracts.state import State, Steady, WatchState
from pi_classifier.sinks.lines import duration
from pi_classifier.sinks.stdout import StdoutSink
from pi_classifier.statistics import CameraStatistics
from tests.fakes import prediction_of

PREDICTION = prediction_of(
    (898, "water bottle", 0.621),
    (737, "pop bottle", 0.09),
    (440, "beer bottle", 0.042),
    sequence=41,
    timings=Timings(0.001, 0.0005, 0.02, 0.0001, 0.0001, 0.0255),
)._replace(
    captured_at=100.0,
    steady=Steady(
        State("water bottle", 898, 0.58, 87.5),
        (WatchState("bottle", True, 0.7, 25.0), WatchState("cup", False, 0.1, 2.0)),
    ),
)


def sink(stream: io.TextIOBase, log_format: str = "text", *, untrained: bool = False) -> tuple[StdoutSink, list[str]]:
    """A sink, and the list that grows when it says that its reader is gone."""
    closed: list[str] = []
    log = StdoutSink(
        stream=stream,  # type: ignore[arg-type]
        log_format=log_format,  # type: ignore[arg-type]
        untrained=untrained,
        on_closed=lambda: closed.append("closed"),
    )
    return log, closed


def second(frames: int = 36) -> CameraStatistics:
    """Statistics of one second of frames."""
    statistics = CameraStatistics("front", 0.0)
    for _ in range(frames):
        statistics.frame_arrived(0.5)
        statistics.frame_classified()
    statistics.frame_dropped("stale")
    return statistics


def test_text_line_reads_as_documented() -> None:
    """Protects people's eyes and their grep: camera, rate, what holds still, then labels, best first."""
    stream = io.StringIO()
    log, _ = sink(stream)
    log.offer(PREDICTION)
    log.report(second().end_interval(1.0))
    assert stream.getvalue() == (
        "front 36.0 fps | water bottle for 12 s, bottle for 1 min | "
        "62.1% water bottle, 9.0% pop bottle, 4.2% beer bottle\n"
    )


def test_json_line_has_the_documented_keys() -> None:
    """Protects programs that read the log: exactly these keys, in base units."""
    stream = io.StringIO()
    log, _ = sink(stream, "json")
    log.offer(PREDICTION)
    log.report(second().end_interval(1.0))
    assert json.loads(stream.getvalue()) == {
        "camera": "front",
        "fps": 36.0,
        "frame": 41,
        "frame_age_seconds": 0.0255,
        "state": {"label": "water bottle", "class_id": 898, "probability": 0.58, "seconds": 12.5},
        "watches": [
            {"name": "bottle", "active": True, "probability": 0.7, "seconds": 75.0},
            {"name": "cup", "active": False, "probability": 0.1, "seconds": 98.0},
        ],
        "predictions": [score._asdict() for score in PREDICTION.scores],
    }


def test_prediction_is_shown_once() -> None:
    """Protects from old news: without a new frame the line says so, and why, instead of repeating the last label."""
    stream = io.StringIO()
    log, _ = sink(stream)
    statistics = second()
    log.offer(PREDICTION)
    log.report(statistics.end_interval(1.0))
    log.report(statistics.end_interval(2.0))
    statistics.camera_failed("lost", "/dev/video0: No such device; check its plug and power")
    log.report(statistics.end_interval(3.0))
    assert stream.getvalue().splitlines()[1:] == [
        "front 0.0 fps | no new frame",
        "front 0.0 fps | camera disconnected: /dev/video0: No such device; check its plug and power",
    ]


def test_json_names_the_error_too() -> None:
    """Protects programs from taking silence for health."""
    stream = io.StringIO()
    log, _ = sink(stream, "json")
    statistics = second()
    statistics.camera_failed("timeout", "silent")
    log.report(statistics.end_interval(1.0))
    line = json.loads(stream.getvalue())
    assert (line["error"], line["frame"], line["predictions"]) == ("silent", None, [])


def test_untrained_weights_are_named_in_every_line() -> None:
    """Protects from believing random labels: text and JSON say so each time."""
    for log_format in ("text", "json"):
        stream = io.StringIO()
        log, _ = sink(stream, log_format, untrained=True)
        log.offer(PREDICTION)
        log.report(second().end_interval(1.0))
        log.report(second().end_interval(1.0))
        assert all("untrained" in line.lower() for line in stream.getvalue().splitlines())


def test_totals() -> None:
    """Protects the last line: the counts, balanced, with the reasons of the drops."""
    stream = io.StringIO()
    log, _ = sink(stream)
    log.finish(second().snapshot(), 2.0)
    assert stream.getvalue() == ("front done: 37 captured = 36 classified + 1 dropped (1 stale) in 2.0 s, 18.0 fps\n")
    stream = io.StringIO()
    log, _ = sink(stream, "json")
    log.finish(second().snapshot(), 2.0)
    assert json.loads(stream.getvalue()) == {
        "camera": "front", "captured": 37, "classified": 36, "dropped": {"stale": 1}, "seconds": 2.0, "fps": 18.0,
    }  # fmt: skip


def test_reader_that_leaves_ends_the_run() -> None:
    """Protects `run | head`: a closed pipe asks for the end, without a traceback."""
    reading, writing = os.pipe()
    os.close(reading)
    with io.TextIOWrapper(open(writing, "wb", buffering=0), write_through=True) as stream:  # noqa: PTH123
        log, closed = sink(stream)
        log.report(second().end_interval(1.0))
        assert closed == ["closed"]


def test_full_disk_takes_the_line_not_the_daemon() -> None:
    """Protects the daemon from a full disk behind its log: a line is lost, nothing else."""
    full = Path("/dev/full")
    with full.open("wb", buffering=0) as raw, io.TextIOWrapper(raw, write_through=True) as stream:
        log, closed = sink(stream)
        log.report(second().end_interval(1.0))
        assert closed == []


def test_event_is_a_line_of_its_own() -> None:
    """Protects programs that read the log: an event is one JSON object, its time in UTC, and totals come but once."""
    stream = io.StringIO()
    log, _ = sink(stream, "json")
    what: dict[str, str | float] = {"watch": "bottle", "probability": 0.12345678, "reason": "camera"}
    log.notify(Event(EventKind.STOPPED, "front", 1767225600.25, "c0ffee", what))
    log.notify(Event(EventKind.TOTALS, "front", 1767225600.25, "c0ffee", {}))
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line) == {
        "event": "stopped", "id": "c0ffee", "time": "2026-01-01T00:00:00.250Z", "camera": "front", "watch": "bottle",
        "probability": 0.123457, "reason": "camera",
    }  # fmt: skip


def test_groups_are_lines_of_json() -> None:
    """Protects programs that follow groups: one object a line, with what each camera shows and who is missing."""
    stream = io.StringIO()
    log, _ = sink(stream, "json")
    left: dict[str, str | float] = {
        "frame": 7,
        "offset_ms": -3.2,
        "label": "cup",
        "probability": 0.93,
        "state_label": "cup",
    }
    what: dict[str, str | float] = {"group": "table", "skew_ms": 3.2, "latency_ms": 86.0}
    log.notify(Event(EventKind.GROUP, "", 1767225600.25, "c0ffee", what, {"left": left}, ("back",)))
    assert json.loads(stream.getvalue()) == {
        "event": "group", "id": "c0ffee", "time": "2026-01-01T00:00:00.250Z", "group": "table", "skew_ms": 3.2,
        "latency_ms": 86.0, "cameras": {"left": left}, "missing": ["back"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-0.001, "0 s"), (59.9, "59 s"), (60, "1 min"), (3599, "59 min"), (7200, "2 h"), (86_400 * 3.5, "3 d")],
)
def test_duration_in_the_largest_unit(seconds: float, text: str) -> None:
    """Protects people's eyes: how long is said in one short number."""
    assert duration(seconds) == text

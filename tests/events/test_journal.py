"""How an event reads, and which fields its entry has."""

import logging

import pytest

from pi_classifier.contracts.event import CAMERA_EVENTS, Event, EventKind
from pi_classifier.events.journal import Journal, message

EVENTS = {
    EventKind.CAMERA_DOWN: Event(
        EventKind.CAMERA_DOWN, "front", 0.0, "c0ffee", {"error": "/dev/video0: no such camera; plug it in"}
    ),
    EventKind.CAMERA_UP: Event(EventKind.CAMERA_UP, "front", 0.0, "c0ffee"),
    EventKind.STARTED: Event(
        EventKind.STARTED,
        "front",
        0.0,
        "c0ffee",
        {"label": "water bottle", "class_id": 898, "probability": 0.62148, "reason": "probability"},
    ),
    EventKind.STOPPED: Event(
        EventKind.STOPPED, "front", 0.0, "c0ffee", {"watch": "bottle", "probability": 0.29, "reason": "camera"}
    ),
    EventKind.SUMMARY: Event(
        EventKind.SUMMARY,
        "front",
        0.0,
        "c0ffee",
        {"seconds": 60.2, "classified": 2150, "dropped": 7, "errors": 1, "fps": 35.712},
    ),
    EventKind.TOTALS: Event(
        EventKind.TOTALS,
        "front",
        0.0,
        "c0ffee",
        {
            "seconds": 2.0,
            "captured": 37,
            "classified": 36,
            "fps": 18.0,
            "dropped_stale": 1,
            "dropped_corrupt": 0,
        },
    ),
    EventKind.GROUP: Event(
        EventKind.GROUP,
        "",
        0.0,
        "c0ffee",
        {"group": "table", "skew_ms": 33.16, "latency_ms": 86.0},
        {
            "left": {"frame": 7, "offset_ms": 0.0, "label": "cup", "probability": 0.4, "state_label": "cup"},
            "right": {"frame": 9, "offset_ms": -33.16, "label": "cup", "probability": 0.2, "state_label": ""},
        },
        ("back", "side"),
    ),
}
"""One of each kind."""
MESSAGES = {
    EventKind.CAMERA_DOWN: "/dev/video0: no such camera; plug it in; retrying",
    EventKind.CAMERA_UP: "front is back",
    EventKind.STARTED: "front sees water bottle, 62.1%",
    EventKind.STOPPED: "front: bottle stopped: the camera is lost",
    EventKind.SUMMARY: "front in 60 s: 2150 classified, 7 dropped, 35.7 fps, 1 errors",
    EventKind.TOTALS: "front done: 37 captured = 36 classified + 1 dropped (1 stale) in 2.0 s, 18.0 fps",
    EventKind.GROUP: "table in step within 33 ms: left cup, right nothing, without back, side",
}
FIELDS: dict[EventKind, dict[str, str]] = {
    EventKind.CAMERA_DOWN: {},
    EventKind.CAMERA_UP: {},
    EventKind.GROUP: {
        "GROUP": "table",
        "SKEW_MS": "33.2",
        "MISSING": "back side",
        "LABELS": '{"left": "cup", "right": ""}',
    },
    EventKind.STARTED: {"LABEL": "water bottle", "PROBABILITY": "0.6215", "REASON": "probability"},
    EventKind.STOPPED: {"WATCH": "bottle", "PROBABILITY": "0.2900", "REASON": "camera"},
    EventKind.SUMMARY: {"FPS": "35.71"},
    EventKind.TOTALS: {"FPS": "18.00"},
}


def written(caplog: pytest.LogCaptureFixture, journal: Journal, kind: EventKind) -> list[logging.LogRecord]:
    """What the journal makes of an event."""
    caplog.set_level(logging.INFO)
    caplog.clear()
    journal.notify(EVENTS[kind])
    return list(caplog.records)


@pytest.mark.parametrize("kind", EventKind)
def test_entry_reads_as_documented(caplog: pytest.LogCaptureFixture, kind: EventKind) -> None:
    """Protects people's eyes and `journalctl -o json`: one line, and exactly the documented fields, as text."""
    (record,) = written(caplog, Journal(untrained=False), kind)
    assert record.getMessage() == MESSAGES[kind]
    fields = {name: value for name, value in vars(record).items() if name.isupper()}
    of = {} if kind == EventKind.GROUP else {"CAMERA": "front"}
    assert fields == {"EVENT": str(kind), "EVENT_ID": "c0ffee", **of, **FIELDS[kind]}
    assert record.levelno == (logging.WARNING if kind == EventKind.CAMERA_DOWN else logging.INFO)


def test_the_zone_of_a_watch_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """Protects who looks for a place: the zone stands in the line and in the entry's fields."""
    caplog.set_level(logging.INFO)
    what: dict[str, str | float] = {
        "watch": "anybody",
        "zone": "doorstep",
        "probability": 0.51,
        "reason": "probability",
    }
    Journal(untrained=False).notify(Event(EventKind.STARTED, "yard", 0.0, "c0ffee", what))
    (record,) = caplog.records
    assert record.getMessage() == "yard: anybody in doorstep started, 51.0%"
    assert vars(record)["ZONE"] == "doorstep"


@pytest.mark.parametrize("kind", EventKind)
def test_untrained_weights_are_named_in_every_entry_on_what_was_seen(
    caplog: pytest.LogCaptureFixture, kind: EventKind
) -> None:
    """Protects from believing random labels in the journal too; a camera is as disconnected with any weights."""
    (record,) = written(caplog, Journal(untrained=True), kind)
    assert ("UNTRAINED" in record.getMessage()) == (kind not in CAMERA_EVENTS)


@pytest.mark.parametrize("kind", EventKind)
def test_only_the_kinds_that_were_asked_for(caplog: pytest.LogCaptureFixture, kind: EventKind) -> None:
    """Protects a terminal that shows predictions from reading them twice: there cameras alone are written."""
    assert len(written(caplog, Journal(kinds=CAMERA_EVENTS, untrained=False), kind)) == (kind in CAMERA_EVENTS)


def test_every_word_of_an_entry_is_text(caplog: pytest.LogCaptureFixture) -> None:
    """Protects the journal handler, which takes text alone, from a label that is none."""
    caplog.set_level(logging.INFO)
    what: dict[str, str | float] = {"label": 7, "probability": 1, "reason": "probability"}
    strange = Event(EventKind.STARTED, "front", 0.0, "c0ffee", what)
    Journal(untrained=False).notify(strange)
    (record,) = caplog.records
    assert {type(value) for name, value in vars(record).items() if name.isupper()} == {str}
    assert record.getMessage() == "front sees 7, 100.0%"


@pytest.mark.parametrize(
    ("kind", "what", "reason", "text"),
    [
        (EventKind.STOPPED, {"label": "tench"}, "probability", "front no longer sees tench"),
        (EventKind.STOPPED, {"label": "tench"}, "camera", "front no longer sees tench: the camera is lost"),
        (EventKind.STARTED, {"watch": "fish"}, "probability", "front: fish started, 50.0%"),
        (EventKind.STOPPED, {"watch": "fish"}, "probability", "front: fish stopped"),
    ],
)
def test_what_began_and_ended(kind: EventKind, what: dict[str, str | float], reason: str, text: str) -> None:
    """Protects people's eyes: labels and watches, and whether it was the camera that ended them."""
    assert message(Event(kind, "front", 0.0, "c0ffee", {**what, "probability": 0.5, "reason": reason})) == text

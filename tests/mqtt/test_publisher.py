"""What the daemon tells, as it goes to a broker."""

import json
import time
from typing import Any

import numpy as np
import pytest

from pi_classifier.contracts.detection import Detection
from pi_classifier.contracts.event import Event, EventKind
from pi_classifier.contracts.job import PictureDemand
from pi_classifier.contracts.state import State, Steady, WatchState
from pi_classifier.mqtt.outbox import Message, Outbox
from pi_classifier.mqtt.publisher import Watched
from pi_classifier.statistics import CameraStatistics
from tests.fakes import prediction_of
from tests.mqtt.parts import publisher_of

BOTTLE = State("water bottle", 898, 0.81, 0.0)
NOTHING = State(None, None, 0.0, 0.0)


class Told:
    """A publisher for one camera, `front`, whose broker takes everything."""

    def __init__(self, *, snapshots: bool = False, detects: bool = False, capacity: int = 1000) -> None:
        self.demand = PictureDemand()
        self.outbox = Outbox(capacity)
        cameras = {"front": Watched(["bottle"], self.demand if snapshots else None)}
        self.publisher = publisher_of(self.outbox, cameras, detects=detects)
        self.begun = self.sent()

    def sent(self) -> dict[str, Any]:
        """The messages since the last call, by topic below the node's."""
        messages: list[Message] = []
        while message := self.outbox.next():
            messages.append(message)
            if message.qos:
                self.outbox.acknowledged()
        return {one.topic.removeprefix("pi-classifier/garden/"): _read(one.payload) for one in messages}

    def see(self, state: State | None, *, active: bool = False, **fields: Any) -> None:
        """A frame that shows this."""
        prediction = prediction_of((898, "water bottle", 0.9))
        steady = Steady(state, (WatchState("bottle", active, 0.8, 0.0),))
        self.publisher.offer(prediction._replace(steady=steady, captured_at=time.monotonic(), **fields))

    def happen(self, kind: EventKind, **fields: str | float) -> Event:
        """An event of the camera."""
        event = Event(kind, "front", 1.5, "id1", fields)
        self.publisher.publish(event)
        return event


def _read(payload: bytes) -> Any:
    return json.loads(payload) if payload.startswith(b"{") else payload


def test_beginning() -> None:
    """Protects who looks before there is a frame: the daemon is there, and its camera is not until a frame comes."""
    told = Told()
    assert told.begun == {
        "homeassistant/device/garden/front/config": {},
        "availability": b"online",
        "front/availability": b"offline",
    }
    told.see(NOTHING)
    first = told.sent()
    assert first["front/availability"] == b"online"
    assert first["front/state"]["label"] is None
    told.see(NOTHING)
    assert told.sent() == {}


def test_state_and_event_of_a_label() -> None:
    """Protects consumers: an event carries its id and what began, and the state is that of the frame that began it."""
    told = Told()
    told.see(NOTHING)
    told.sent()
    told.happen(EventKind.STARTED, label="water bottle", class_id=898, probability=0.81, reason="probability")
    told.see(BOTTLE, active=True)
    sent = told.sent()
    assert sent["front/event"] == {
        "event_type": "started", "id": "id1", "time": "1970-01-01T00:00:01.500Z", "camera": "front",
        "label": "water bottle", "class_id": 898, "probability": 0.81, "reason": "probability",
    }  # fmt: skip
    state = sent["front/state"]
    assert (state["label"], state["class_id"], state["probability"]) == ("water bottle", 898, 0.81)
    assert state["watch"] == {"bottle": True}
    assert state["since"].endswith("Z")


def test_watch_in_a_zone_and_detections() -> None:
    """Protects who watches a place: the event names watch and zone, and the state has the objects with their boxes."""
    told = Told(detects=True)
    told.happen(EventKind.STARTED, watch="bottle", zone="door", probability=0.7, reason="probability")
    found = prediction_of((0, "person", 0.9)).result._replace(
        detections=(Detection("person", 0, 0.9, (1.0, 2.0, 30.0, 40.0), ("door",)),)
    )
    told.see(None, active=True, result=found)
    sent = told.sent()
    assert sent["front/event"]["watch"] == "bottle"
    assert sent["front/event"]["zone"] == "door"
    assert sent["front/state"]["label"] is None
    assert sent["front/state"]["detections"] == [
        {"class_id": 0, "label": "person", "confidence": 0.9, "box": [1.0, 2.0, 30.0, 40.0], "zones": ["door"]}
    ]


def test_lost_camera() -> None:
    """Protects what is shown: with its camera what was seen is gone, and a frame from before does not bring it back."""
    told = Told()
    told.see(BOTTLE, active=True)
    before = prediction_of((898, "water bottle", 0.9))._replace(
        steady=Steady(BOTTLE, (WatchState("bottle", True, 0.8, 0.0),)), captured_at=time.monotonic()
    )
    told.happen(EventKind.STARTED, label="water bottle", class_id=898, probability=0.8, reason="probability")
    told.happen(EventKind.STOPPED, label="water bottle", class_id=898, probability=0.8, reason="camera")
    told.happen(EventKind.CAMERA_DOWN, error="gone; plug it in")
    told.publisher.offer(before)
    sent = told.sent()
    assert sent["front/availability"] == b"offline"
    assert sent["front/state"] == {
        "label": None, "class_id": None, "probability": 0.0, "since": "1970-01-01T00:00:01.500Z",
        "watch": {"bottle": False},
    }  # fmt: skip
    told.happen(EventKind.CAMERA_UP)
    told.see(NOTHING)
    assert told.sent()["front/availability"] == b"online"


def test_end_of_a_film() -> None:
    """Protects who looks afterwards: what is over is not there any more."""
    told = Told()
    told.see(BOTTLE)
    told.sent()
    told.happen(EventKind.TOTALS, seconds=1, captured=1, classified=1, fps=1)
    assert told.sent() == {"front/availability": b"offline"}


def test_snapshot_only_where_it_is_wanted() -> None:
    """Protects privacy: no picture is asked of a camera unless that is switched on, and then one for each beginning."""
    pixels = np.full((24, 32, 3), 200, np.uint8)
    for snapshots in (False, True):
        told = Told(snapshots=snapshots)
        told.see(NOTHING)
        told.sent()
        told.happen(EventKind.STARTED, label="water bottle", class_id=898, probability=0.81, reason="probability")
        assert (told.demand.until > time.monotonic()) == snapshots
        told.see(BOTTLE, picture=pixels)
        told.see(BOTTLE, picture=pixels)
        sent = told.sent()
        assert ("front/snapshot" in sent) == snapshots
        if snapshots:
            assert sent["front/snapshot"].startswith(b"\xff\xd8")
            assert told.sent() == {}


def test_status_now_and_then() -> None:
    """Protects the broker: rates are told every ten seconds, however short the log's interval is."""
    told = Told()
    statistics = CameraStatistics("front", 0.0)
    for _ in range(5):
        told.publisher.report(statistics.snapshot())
    assert told.sent() == {"front/status": {"fps": 0.0, "captured": 0, "classified": 0, "dropped": 0, "up": False}}


def test_overflow_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """Protects who reads the log: that events are lost is said, and not for each of them."""
    told = Told(capacity=2)
    for _ in range(5):
        told.happen(EventKind.STARTED, label="water bottle", class_id=898, probability=0.81, reason="probability")
    assert [record.getMessage() for record in caplog.records] == [
        "MQTT: the broker has been away for too many events; the oldest are lost"
    ]
    assert told.outbox.figures().lost == 3


def test_summaries_stay_here() -> None:
    """Protects consumers from numbers that nobody asked for: a summary is the journal's."""
    told = Told()
    told.happen(EventKind.SUMMARY, seconds=60, classified=1, dropped=0, errors=0, fps=1)
    assert told.sent() == {}

"""What the daemon tells, into the outbox."""

import logging
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from pi_classifier.contracts.event import CAMERA_EVENTS, STATE_EVENTS, Event, EventKind
from pi_classifier.contracts.job import PictureDemand
from pi_classifier.contracts.prediction import Prediction
from pi_classifier.mqtt.connection import Connection
from pi_classifier.mqtt.outbox import Outbox
from pi_classifier.mqtt.payloads import event_payload, jpeg, nothing_payload, state_payload, status_payload
from pi_classifier.mqtt.topics import OFFLINE, ONLINE, Topics
from pi_classifier.statistics import Snapshot

STATUS_SECONDS = 10.0
"""How often a camera's status is told."""
PICTURE_SECONDS = 2.0
"""So long a camera hands over pictures when one is wanted: the next frame's."""

logger = logging.getLogger(__name__)


class Watched(NamedTuple):
    """What is known of a camera before it sends anything."""

    watches: list[str]
    """Their names."""
    demand: PictureDemand | None
    """Of its pictures; None where none are sent."""


class MqttPublisher:
    """Tells a broker of all cameras. An `EventQueue`, a `Sink` and a `Reporter`."""

    name = "mqtt"

    def __init__(
        self,
        outbox: Outbox,
        connection: Connection,
        topics: Topics,
        *,
        cameras: Mapping[str, Watched],
        detects: bool,
        discovery: Sequence[tuple[str, bytes]],
    ) -> None:
        """Tell from now on.

        Args:
            outbox: takes it.
            connection: empties that.
            topics: of this daemon.
            cameras: by name.
            detects: whether the model is a detector.
            discovery: topics and messages for Home Assistant; none where it is not told.
        """
        self._outbox = outbox
        self._connection = connection
        self._topics = topics
        self._cameras = cameras
        self._detects = detects
        self._changed = set(cameras)
        """Those whose next frame tells something new."""
        self._pictured: set[str] = set()
        """Those of which a picture is wanted."""
        self._lost_at: dict[str, float] = {}
        """When a camera was lost, in seconds of `time.monotonic()`: a frame from before that says nothing any more."""
        self._status_due = dict.fromkeys(cameras, 0.0)
        for topic, payload in discovery:
            outbox.keep(topic, payload)
        outbox.keep(topics.availability, ONLINE)
        for camera in cameras:
            outbox.keep(topics.camera_availability(camera), OFFLINE)

    def start(self) -> None:
        """Begin to connect."""
        self._connection.start()

    def stop(self) -> None:
        """Say that this is the end, and send what waits, as far as that is quick."""
        self._outbox.keep(self._topics.availability, OFFLINE)
        self._connection.stop()

    def healthy(self, now: float) -> bool:
        """Whether its thread lives."""
        return self._connection.healthy(now)

    def publish(self, event: Event) -> None:
        """Take an event; neither blocks nor raises."""
        if event.kind in STATE_EVENTS:
            self._state_changed(event)
        elif event.kind in CAMERA_EVENTS or event.kind == EventKind.TOTALS:
            # A film that is over shows nothing any more.
            up = event.kind == EventKind.CAMERA_UP
            if not up:
                self._lost_at[event.camera] = time.monotonic()
            self._outbox.keep(self._topics.camera_availability(event.camera), ONLINE if up else OFFLINE)
        elif event.kind == EventKind.GROUP:
            self._add(self._topics.group(str(event.fields["group"])), event)
        else:
            return
        self._connection.wake()

    def offer(self, prediction: Prediction) -> None:
        """Look whether this frame tells something new, or has the picture that is wanted."""
        camera = prediction.camera
        if camera in self._changed and prediction.captured_at > self._lost_at.get(camera, 0.0):
            self._changed.discard(camera)
            self._outbox.keep(self._topics.camera_availability(camera), ONLINE)
            self._outbox.keep(self._topics.state(camera), state_payload(prediction))
            self._connection.wake()
        if camera in self._pictured and prediction.picture is not None:
            self._pictured.discard(camera)
            self._outbox.keep(self._topics.snapshot(camera), partial(jpeg, prediction.picture))
            self._connection.wake()

    def report(self, snapshot: Snapshot) -> None:
        """Tell how a camera fares, now and then."""
        self._connection.revive()
        now = time.monotonic()
        if now >= self._status_due[snapshot.camera]:
            self._status_due[snapshot.camera] = now + STATUS_SECONDS
            self._outbox.tell(self._topics.status(snapshot.camera), status_payload(snapshot))
            self._connection.wake()

    def finish(self, snapshot: Snapshot, seconds: float) -> None:
        """Nothing: the event says it."""

    def _state_changed(self, event: Event) -> None:
        camera = event.camera
        self._add(self._topics.event(camera), event)
        watched = self._cameras[camera]
        if event.fields["reason"] == "camera":
            self._lost_at[camera] = time.monotonic()
            payload = nothing_payload(event, watched.watches, detects=self._detects)
            self._outbox.keep(self._topics.state(camera), payload)
            return
        # The frame that made the change is offered next, with all that it shows.
        self._changed.add(camera)
        if watched.demand and event.kind == EventKind.STARTED:
            watched.demand.until = max(watched.demand.until, time.monotonic() + PICTURE_SECONDS)
            self._pictured.add(camera)

    def _add(self, topic: str, event: Event) -> None:
        if not self._outbox.add(topic, event_payload(event)) and self._outbox.figures().lost == 1:
            logger.warning("MQTT: the broker has been away for too many events; the oldest are lost")

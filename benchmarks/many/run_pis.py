"""A child of `fleet`: the clients of many daemons, as they are, each with a camera that shows something new at times.

    python -m benchmarks.many.run_pis ORDER

To each line that it is sent it answers with its figures, a line of JSON; the line `go` begins the events, and the end
of the lines is its end. After `LONGEST_SECONDS` it ends by itself.
"""

import json
import random
import sys
import threading
import time
import uuid
from dataclasses import dataclass

import numpy as np

from pi_classifier.contracts.event import Event, EventKind
from pi_classifier.contracts.prediction import Prediction, Result, Score, Timings
from pi_classifier.contracts.state import State, Steady
from pi_classifier.mqtt.broker import Broker
from pi_classifier.mqtt.connection import Connection
from pi_classifier.mqtt.discovery import Subject, discovery_payload, discovery_topic
from pi_classifier.mqtt.outbox import Outbox
from pi_classifier.mqtt.publisher import STATUS_SECONDS, MqttPublisher, Watched
from pi_classifier.mqtt.topics import Topics
from pi_classifier.prepare.store import DEMO_BUNDLE
from pi_classifier.runtimes.bundle import read_bundle
from pi_classifier.statistics import CameraStatistics

CAMERA = "front"
NONE = np.zeros(0, np.float32)
LONGEST_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Order:
    """What a process simulates."""

    port: int
    """Of the broker."""
    nodes: list[str]
    """Names of its daemons, and of their users."""
    password: str
    change_seconds: float
    """A camera's label begins or ends as often, on average."""


class Pi:
    """One daemon's client, and what its camera shows."""

    def __init__(self, node: str, order: Order, categories: tuple[str, ...]) -> None:
        """Not connected yet."""
        self.outbox, topics = Outbox(), Topics(node)
        self.connection = Connection(
            Broker("127.0.0.1", order.port, None, node, order.password),
            self.outbox,
            client_id=f"pi-classifier-{node}",
            will_topic=topics.availability,
        )
        subject = Subject(CAMERA, ["person"], detects=False, snapshots=False, model="mobilenet_v2")
        self.publisher = MqttPublisher(
            self.outbox,
            self.connection,
            topics,
            cameras={CAMERA: Watched(["person"], None)},
            detects=False,
            discovery=[(discovery_topic("homeassistant", node, CAMERA), discovery_payload(subject, CAMERA, topics))],
        )
        self._categories = categories
        self._statistics = CameraStatistics(CAMERA, time.monotonic())
        self._shown: int | None = None
        self._random = random.Random(node)  # noqa: S311 - what a camera shows
        self._every = order.change_seconds
        # In seconds since the first of them all began. Each at moments of its own, as machines that were not switched
        # on together.
        self._tells_from = self._random.uniform(0, STATUS_SECONDS)
        self._due = self._random.uniform(0, self._every)

    def live(self, now: float, lived: float) -> None:
        """Let happen what is due. `lived`: seconds since the first of them all began."""
        if lived >= self._tells_from:
            self.publisher.report(self._statistics.snapshot())
        if lived >= self._due:
            self._due = lived + self._random.uniform(0.5, 1.5) * self._every
            self._change(now)

    def figures(self) -> dict[str, int]:
        """Its messages, whether it is connected, and how often that failed."""
        connection = self.connection
        about = {"connected": int(connection.connected), "failures": connection.failures}
        return {**self.outbox.figures()._asdict(), **about}

    def _change(self, now: float) -> None:
        started = self._shown is None
        class_id = self._random.randrange(len(self._categories)) if self._shown is None else self._shown
        self._shown = class_id if started else None
        label = self._categories[class_id]
        kind = EventKind.STARTED if started else EventKind.STOPPED
        fields: dict[str, str | float] = {
            "label": label,
            "class_id": class_id,
            "probability": 0.81,
            "reason": "probability",
        }
        self.publisher.publish(Event(kind, CAMERA, time.time(), uuid.uuid4().hex, fields))
        state = State(label, class_id, 0.81, now) if started else State(None, None, 0.0, now)
        result = Result(NONE, (Score(class_id, label, 0.81),))
        self.publisher.offer(Prediction(CAMERA, 0, now, result, Timings(0, 0, 0, 0, 0, 0), Steady(state)))


def main() -> None:
    """Simulate them."""
    order = Order(**json.loads(sys.argv[1]))
    categories = read_bundle(DEMO_BUNDLE).metadata.categories
    pis = [Pi(node, order, categories) for node in order.nodes]
    for one in pis:
        one.publisher.start()
    going, ended = threading.Event(), threading.Event()
    threading.Thread(target=listen, args=(pis, going, ended), daemon=True).start()
    deadline, began = time.monotonic() + LONGEST_SECONDS, 0.0
    while not ended.wait(0.05) and time.monotonic() < deadline:
        if going.is_set():
            now = time.monotonic()
            began = began or now
            for one in pis:
                one.live(now, now - began)
    for one in pis:
        one.publisher.stop()


def listen(pis: list[Pi], going: threading.Event, ended: threading.Event) -> None:
    """Answer to lines, until there are no more."""
    for line in sys.stdin:
        if line.strip() == "go":
            going.set()
        figures = [one.figures() for one in pis]
        print(json.dumps({name: sum(one[name] for one in figures) for name in figures[0]}), flush=True)
    ended.set()


if __name__ == "__main__":
    main()

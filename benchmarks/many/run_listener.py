"""A child of `fleet`: a subscriber of every event, who looks how old each is.

    python -m benchmarks.many.run_listener PORT PASSWORD

When it is subscribed it answers with an empty object; to each line that it is sent, with the ages in milliseconds of
the events that came since. The end of its input is its end.
"""

import json
import sys
import threading
import time
from datetime import datetime

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from benchmarks.many.servers import READER

TOPIC = "pi-classifier/+/+/event"


class Listener:
    """Subscribed once it is made."""

    def __init__(self, port: int, password: str) -> None:
        """Connect and subscribe."""
        self.ages_ms: list[float] = []
        self._subscribed = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.username_pw_set(READER, password)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        if not self._subscribed.wait(30):
            sys.exit("fleet: the broker takes no subscription")

    def _on_connect(
        self, client: Client, _data: object, _flags: ConnectFlags, _reason: ReasonCode, _properties: Properties | None
    ) -> None:
        client.subscribe(TOPIC, qos=1)

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        happened = datetime.fromisoformat(json.loads(message.payload)["time"]).timestamp()
        self.ages_ms.append(1000 * (time.time() - happened))


def main() -> None:
    """Listen."""
    listener = Listener(int(sys.argv[1]), sys.argv[2])
    print("{}", flush=True)
    for _ in sys.stdin:
        ages, listener.ages_ms = listener.ages_ms, []
        print(json.dumps({"ages_ms": ages}), flush=True)


if __name__ == "__main__":
    main()

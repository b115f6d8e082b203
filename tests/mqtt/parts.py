"""A publisher whose broker is not there, or anywhere that is said."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pi_classifier.mqtt.broker import Broker
from pi_classifier.mqtt.connection import PAUSE_SECONDS, Connection
from pi_classifier.mqtt.outbox import Outbox
from pi_classifier.mqtt.publisher import MqttPublisher, Watched
from pi_classifier.mqtt.topics import Topics

NOBODY = Broker("127.0.0.1", 1, None, "", "")
"""Where no broker is."""


def connection_to(broker: Broker, outbox: Outbox, pauses: tuple[float, float] = PAUSE_SECONDS) -> Connection:
    """As the daemon of the node `garden` has it."""
    topic = "pi-classifier/garden/availability"
    return Connection(broker, outbox, client_id="pi-classifier-garden", will_topic=topic, pauses=pauses)


@contextmanager
def started(connection: Connection) -> Iterator[Connection]:
    """While the context lasts."""
    connection.start()
    try:
        yield connection
    finally:
        connection.stop()


def publisher_of(
    outbox: Outbox, cameras: Mapping[str, Watched], *, detects: bool = False, connection: Connection | None = None
) -> MqttPublisher:
    """The node `garden`, with an empty discovery."""
    connection = connection or connection_to(NOBODY, outbox)
    topics = Topics("garden")
    discovery = [("homeassistant/device/garden/front/config", b"{}")]
    return MqttPublisher(outbox, connection, topics, cameras=cameras, detects=detects, discovery=discovery)

"""The publisher and its parts, made of the settings."""

import logging
import socket
from collections.abc import Mapping
from typing import NamedTuple

from pi_classifier.config.schema import Settings
from pi_classifier.contracts.job import PictureDemand
from pi_classifier.contracts.model import Described
from pi_classifier.mqtt.broker import Broker
from pi_classifier.mqtt.connection import Connection
from pi_classifier.mqtt.discovery import Subject, discovery_payload, discovery_topic
from pi_classifier.mqtt.outbox import Outbox
from pi_classifier.mqtt.publisher import MqttPublisher, Watched
from pi_classifier.mqtt.topics import Topics, legal_names, node_name

logger = logging.getLogger(__name__)


class Mqtt(NamedTuple):
    """All that there is of it."""

    publisher: MqttPublisher
    outbox: Outbox
    connection: Connection


def build(settings: Settings, metadata: Described, picture_demands: Mapping[str, PictureDemand]) -> Mqtt:
    """Make them. Nothing is connected yet.

    Raises:
        ConfigError: the password's file, or one of the certificates', is not fit.
    """
    topics, outbox = topics_of(settings), Outbox()
    cameras = {
        one.name: Watched(
            watches_of(settings, one.name), picture_demands[one.name] if settings.mqtt.snapshots else None
        )
        for one in settings.camera
    }
    connection = Connection(
        Broker.of(settings.mqtt), outbox, client_id=f"pi-classifier-{topics.node}", will_topic=topics.availability
    )
    publisher = MqttPublisher(
        outbox,
        connection,
        topics,
        cameras=cameras,
        detects=metadata.detects,
        discovery=discovery_of(settings, metadata.name, topics, detects=metadata.detects),
    )
    return Mqtt(publisher, outbox, connection)


def topics_of(settings: Settings) -> Topics:
    """Those of this daemon."""
    return Topics(node_name(settings.mqtt.node, settings.mqtt.username, socket.gethostname()))


def watches_of(settings: Settings, camera: str) -> list[str]:
    """The names of a camera's watches."""
    return [one.name for one in settings.watches_of(camera)]


def discovery_of(settings: Settings, model: str, topics: Topics, *, detects: bool) -> list[tuple[str, bytes]]:
    """For Home Assistant: a topic and a message for each camera; none where it is not told."""
    if not settings.mqtt.discovery:
        return []
    legal = legal_names(camera.name for camera in settings.camera)
    if changed := {name: mapped for name, mapped in legal.items() if name != mapped}:
        pairs = ", ".join(f"{name} as {mapped}" for name, mapped in changed.items())
        logger.info("MQTT: Home Assistant allows no '.' in a name, and knows %s", pairs)
    found = []
    for name, mapped in legal.items():
        subject = Subject(name, watches_of(settings, name), detects, settings.mqtt.snapshots, model)
        topic = discovery_topic(settings.mqtt.discovery, topics.node, mapped)
        found.append((topic, discovery_payload(subject, mapped, topics)))
    return found

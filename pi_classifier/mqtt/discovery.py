"""What Home Assistant is told of a camera, so that it makes a device of it.

https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload. A key that it does not know makes it refuse
the whole message.
"""

import json
from collections.abc import Sequence
from typing import NamedTuple

from pi_classifier import __version__
from pi_classifier.mqtt.topics import Topics, legal_names
from pi_classifier.sinks.objects import Object

STATUS_EXPIRES_SECONDS = 30
"""A rate that was told so long ago is none."""


class Subject(NamedTuple):
    """A camera, as Home Assistant is told of it."""

    camera: str
    watches: Sequence[str]
    """Their names."""
    detects: bool
    """Whether the model is a detector, which shows no one label."""
    snapshots: bool
    model: str
    """Its name."""


def discovery_topic(prefix: str, node: str, legal_camera: str) -> str:
    """Where it is told."""
    return f"{prefix}/device/{node}/{legal_camera}/config"


def discovery_payload(subject: Subject, legal_camera: str, topics: Topics) -> bytes:
    """The message: the device, where it comes from, and an entity for each thing that it tells."""
    # With what no name has, so that of no two the ids are the same.
    identity = f"{topics.node}.{legal_camera}"
    device = {
        "identifiers": [f"pi-classifier_{identity}"],
        "name": f"{topics.node} {subject.camera}",
        "manufacturer": "pi-classifier",
        "model": subject.model,
        "sw_version": __version__,
    }
    # `online` and `offline` are what it expects.
    availability = [{"topic": topics.availability}, {"topic": topics.camera_availability(subject.camera)}]
    told = {
        "device": device,
        "origin": {"name": "pi-classifier", "sw_version": __version__},
        "availability": availability,
        "availability_mode": "all",
        "components": {
            name: entity | {"unique_id": f"pi-classifier_{identity}.{name}"}
            for name, entity in _entities(subject, topics).items()
        },
    }
    return json.dumps(told, ensure_ascii=False).encode()


def _entities(subject: Subject, topics: Topics) -> dict[str, Object]:
    """By the name that makes each its own. An empty message, as `doctor` sends, says nothing to any of them."""
    state = topics.state(subject.camera)
    entities: dict[str, Object] = {}
    if not subject.detects:
        entities["label"] = {
            "platform": "sensor",
            "name": "Label",
            "state_topic": state,
            # Text that is empty would be its state; that of a number is left alone.
            "value_template": _template("value_json.label or 'nothing'", otherwise="this.state"),
            "icon": "mdi:eye",
        }
        entities["probability"] = {
            "platform": "sensor",
            "name": "Probability",
            "state_topic": state,
            "value_template": _template("(100 * value_json.probability) | round(1)"),
            "unit_of_measurement": "%",
            "state_class": "measurement",
        }
    for name, legal in legal_names(subject.watches).items():
        entities[f"watch_{legal}"] = {
            "platform": "binary_sensor",
            "name": name,
            "state_topic": state,
            "value_template": _template(f"'ON' if value_json.watch[{json.dumps(name)}] else 'OFF'"),
        }
    entities["event"] = {
        "platform": "event",
        "name": "Event",
        "state_topic": topics.event(subject.camera),
        "event_types": ["started", "stopped"],
    }
    entities["fps"] = {
        "platform": "sensor",
        "name": "Frame rate",
        "state_topic": topics.status(subject.camera),
        "value_template": _template("value_json.fps | round(1)"),
        "unit_of_measurement": "fps",
        "state_class": "measurement",
        "entity_category": "diagnostic",
        "expire_after": STATUS_EXPIRES_SECONDS,
    }
    if subject.snapshots:
        entities["snapshot"] = {
            "platform": "image",
            "name": "Snapshot",
            "image_topic": topics.snapshot(subject.camera),
            "content_type": "image/jpeg",
        }
    return entities


def _template(expression: str, otherwise: str = "") -> str:
    other = f"{{% else %}}{{{{ {otherwise} }}}}" if otherwise else ""
    return f"{{% if value_json is defined %}}{{{{ {expression} }}}}{other}{{% endif %}}"

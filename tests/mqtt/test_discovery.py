"""What Home Assistant is told, held to its documented rules."""

import re

from jinja2 import Environment, StrictUndefined

from pi_classifier.mqtt.discovery import Subject, discovery_payload, discovery_topic
from pi_classifier.mqtt.topics import Topics, legal_names, node_name
from tests.mqtt.home_assistant import DISCOVERY_TOPIC, BinarySensor, Discovery, Sensor

TOPICS = Topics("garden")


def told(camera: str = "front", *watches: str, detects: bool = False, snapshots: bool = False) -> Discovery:
    """What is told of a camera, as far as Home Assistant takes it."""
    legal = legal_names([camera])[camera]
    payload = discovery_payload(Subject(camera, watches, detects, snapshots, "mobilenet_v2"), legal, TOPICS)
    return Discovery.model_validate_json(payload)


def rendered(template: str, value: object) -> str:
    """As Home Assistant does it: strictly, with `value_json` only where the message is JSON, and with the entity."""
    environment = Environment(undefined=StrictUndefined, autoescape=False)  # noqa: S701 - no HTML
    known = {} if value is None else {"value_json": value}
    return environment.from_string(template).render(known | {"this": {"state": "as it was"}})


def test_classifier() -> None:
    """Protects homes: every key is one that Home Assistant knows, and each entity has an id of its own."""
    found = told("front", "bottle", "some.thing", snapshots=True)
    assert list(found.components) == [
        "label", "probability", "watch_bottle", "watch_some_thing", "event", "fps", "snapshot",
    ]  # fmt: skip
    ids = [entity.unique_id for entity in found.components.values()]
    assert len(set(ids)) == len(ids)
    assert [one.topic for one in found.availability] == [
        "pi-classifier/garden/availability",
        "pi-classifier/garden/front/availability",
    ]
    assert found.availability_mode == "all"


def test_no_two_have_one_id() -> None:
    """Protects homes with several machines: Home Assistant leaves out an entity whose id is there already."""
    found = [
        discovery_payload(Subject(camera, watches, False, False, "mobilenet_v2"), camera, Topics(node))
        for node, camera, watches in [
            ("garden", "front_door", ()),
            ("garden_front", "door", ()),
            ("garden", "a", ("watch_x",)),
            ("garden", "a_watch", ("x",)),
        ]
    ]
    told = [Discovery.model_validate_json(payload) for payload in found]
    ids = [entity.unique_id for one in told for entity in one.components.values()]
    assert len(set(ids)) == len(ids)
    assert len({one.device.identifiers[0] for one in told}) == len(told)


def test_detector_has_no_one_label() -> None:
    """Protects homes with a detector, which sees many things: its watches tell, and no label stays unknown for good."""
    assert list(told("front", "person", detects=True).components) == ["watch_person", "event", "fps"]


def test_templates() -> None:
    """Protects what is shown: each template makes of a real message what it says, and an empty one changes nothing.

    Home Assistant leaves numbers and what is on or off alone where a template gives no text, and takes it for a text.
    """
    state = {"label": "water bottle", "class_id": 898, "probability": 0.8149, "since": "", "watch": {"a.b": True}}
    nothing = state | {"label": None, "probability": 0.0, "watch": {"a.b": False}}
    entities = told("front", "a.b").components
    for name, value, shown in [
        ("label", state, "water bottle"),
        ("label", nothing, "nothing"),
        ("probability", state, "81.5"),
        ("watch_a_b", state, "ON"),
        ("watch_a_b", nothing, "OFF"),
        ("fps", {"fps": 35.912}, "35.9"),
        ("label", None, "as it was"),
        ("watch_a_b", None, ""),
    ]:
        entity = entities[name]
        assert isinstance(entity, Sensor | BinarySensor)
        assert rendered(entity.value_template, value) == shown


def test_topics_are_legal() -> None:
    """Protects discovery: a camera's name may have a '.', which is not allowed there, and two names stay two."""
    legal = legal_names(["front.door", "front_door", "front-door"])
    assert list(legal.values()) == ["front_door", "front_door_2", "front-door"]
    for name in legal.values():
        assert re.fullmatch(DISCOVERY_TOPIC, discovery_topic("homeassistant", "garden", name))


def test_node() -> None:
    """Protects access control lists, which know users: the node is called as its user unless it is configured."""
    assert node_name("", "garden", "raspberrypi") == "garden"
    assert node_name("shed", "garden", "raspberrypi") == "shed"
    assert node_name("", "", "my pi.example.org") == "my_pi"
    assert node_name("", "", "") == "raspberrypi"

"""A real mosquitto with the shipped configuration and access control list."""

import ssl
from collections.abc import Iterator

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from tests.live.mosquitto import Subscriber, subscriber
from tests.live.shipped_broker import PASSWORD, READER, ShippedBroker, shipped_broker
from tests.waiting import eventually

GRANTED = ReasonCode(PacketTypes.PUBACK, "Success")
NO_SUBSCRIBERS = ReasonCode(PacketTypes.PUBACK, "No matching subscribers")
REFUSED = ReasonCode(PacketTypes.PUBACK, "Not authorized")


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShippedBroker]:
    """For all tests here."""
    with shipped_broker(tmp_path_factory.mktemp("broker")) as one:
        yield one


@pytest.fixture
def reader(broker: ShippedBroker) -> Iterator[Subscriber]:
    """Home Assistant's user, who subscribes to everything."""
    with subscriber(broker.port, user={"username": READER, "password": PASSWORD}) as one:
        yield one


def connect(broker: ShippedBroker, user: str, password: str = PASSWORD) -> ReasonCode:
    """What the broker says to whoever wants to connect."""
    return _answers(broker, user, password, None)[0]


def publish(broker: ShippedBroker, user: str, topic: str) -> ReasonCode:
    """What the broker says to a message."""
    return _answers(broker, user, PASSWORD, topic)[1]


def _answers(broker: ShippedBroker, user: str, password: str, topic: str | None) -> list[ReasonCode]:
    answers: list[ReasonCode] = []
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    if user:
        client.username_pw_set(user, password)
    client.on_connect = lambda _client, _data, _flags, reason, _properties: answers.append(reason)
    client.on_publish = lambda _client, _data, _number, reason, _properties: answers.append(reason)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    try:
        eventually(lambda: answers, f"an answer to {user}", every=0.01)
        if topic:
            client.publish(topic, b"said", qos=1)
            eventually(lambda: len(answers) > 1, f"an answer about {topic}", every=0.01)
    finally:
        client.disconnect()
        client.loop_stop()
    return answers


@pytest.mark.parametrize(("user", "password"), [("", ""), ("garden", "guessed"), ("nobody", PASSWORD)])
def test_strangers_stay_outside(broker: ShippedBroker, user: str, password: str) -> None:
    """Protects the broker: without a name, with a wrong password and under a name that it does not know."""
    assert connect(broker, user, password).is_failure
    assert not connect(broker, "garden").is_failure


@pytest.mark.parametrize(
    "topic",
    ["pi-classifier/{}/availability", "pi-classifier/{}/front/event", "homeassistant/device/{}/front/config"],
)
def test_a_machine_speaks_for_itself_alone(broker: ShippedBroker, reader: Subscriber, topic: str) -> None:
    """Protects machines from one that was broken into: it may write under its own name, and under no other."""
    assert publish(broker, "garden", topic.format("garden")) in (GRANTED, NO_SUBSCRIBERS)
    assert publish(broker, "garden", topic.format("door")) == REFUSED
    eventually(lambda: reader.last(topic.format("garden")), "the machine's own message")
    assert reader.last(topic.format("door")) is None


@pytest.mark.parametrize("topic", ["anything", "homeassistant/status", "homeassistant/sensor/garden/config"])
def test_a_machine_writes_nowhere_else(broker: ShippedBroker, topic: str) -> None:
    """Protects the others on the broker from a machine that invents topics, or says that Home Assistant is gone."""
    assert publish(broker, "garden", topic) == REFUSED


def test_who_reads_everything_speaks_for_no_machine(broker: ShippedBroker) -> None:
    """Protects machines' topics from the reader, who may say that it is there and nothing else."""
    assert publish(broker, READER, "pi-classifier/garden/front/event") == REFUSED
    assert publish(broker, READER, "homeassistant/status") in (GRANTED, NO_SUBSCRIBERS)


def test_a_machine_hears_nothing_of_others(broker: ShippedBroker, reader: Subscriber) -> None:
    """Protects what cameras see: another machine, which subscribes to all, hears Home Assistant's status alone."""
    with subscriber(broker.port, user={"username": "door", "password": PASSWORD}) as door:
        publish(broker, "garden", "pi-classifier/garden/front/state")
        eventually(lambda: reader.last("pi-classifier/garden/front/state"), "the state, at the reader")
        publish(broker, READER, "homeassistant/status")
        eventually(lambda: door.last("homeassistant/status"), "the status, at the other machine")
        assert {one.topic for one in door.heard} == {"homeassistant/status"}


def test_what_comes_from_elsewhere_is_encrypted(broker: ShippedBroker) -> None:
    """Protects passwords on the line: the other listener speaks TLS, with the certificate that it was given."""
    context = ssl.create_default_context(cafile=broker.authority)
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.username_pw_set("garden", PASSWORD)
    client.tls_set_context(context)
    client.connect("127.0.0.1", broker.tls_port)
    client.loop_start()
    eventually(client.is_connected, "connection", every=0.01)
    client.disconnect()
    client.loop_stop()

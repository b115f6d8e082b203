"""A real mosquitto with the shipped configuration and access control list."""

import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from tests.deploy.shipped import DEPLOY
from tests.live.mosquitto import Subscriber, mosquitto, subscriber
from tests.running import Program, unused_port
from tests.waiting import eventually

SHIPPED = DEPLOY / "mosquitto"
GRANTED = ReasonCode(PacketTypes.PUBACK, "Success")
NO_SUBSCRIBERS = ReasonCode(PacketTypes.PUBACK, "No matching subscribers")
REFUSED = ReasonCode(PacketTypes.PUBACK, "Not authorized")
USERS = ("garden", "door", "home-assistant")
PASSWORD = "not-much-of-a-secret"  # noqa: S105


class Broker(NamedTuple):
    """One that runs as it is shipped, on other ports and in a folder of its own."""

    port: int
    """Of the listener for this machine alone."""
    tls_port: int
    authority: Path
    """Who is to be trusted, for the other one."""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """With the users that docs/fleet.md makes."""
    passwd = shutil.which("mosquitto_passwd")
    if not passwd or not shutil.which("openssl"):
        pytest.skip("needs mosquitto and OpenSSL's program: apt install mosquitto openssl")
    folder, tls_port = tmp_path_factory.mktemp("broker"), unused_port()
    (folder / "passwords").touch(0o600)
    for user in USERS:
        subprocess.run([passwd, "-b", str(folder / "passwords"), user, PASSWORD], check=True)
    shutil.copy(SHIPPED / "acl", folder)
    (folder / "certs").mkdir()
    certificate, key = folder / "certs" / "server.crt", folder / "certs" / "server.key"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=broker"]
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-out", str(certificate), "-keyout", str(key)]
    subprocess.run([*made, *names], check=True, capture_output=True)
    settings = (SHIPPED / "mosquitto.conf").read_text(encoding="utf-8")
    for shipped, here in [
        ("listener 1883 127.0.0.1\n", ""),  # the test's own, which is of the loopback, too
        ("listener 8883\n", f"listener {tls_port} 127.0.0.1\n"),
        ("/etc/mosquitto", str(folder)),
        ("/var/lib/mosquitto/", f"{folder}/"),
        ("/run/mosquitto", str(folder)),
        ("/var/log/mosquitto/mosquitto.log", str(folder / "mosquitto.log")),
    ]:
        assert shipped in settings
        settings = settings.replace(shipped, here)
    with mosquitto(folder, settings=settings) as running:
        yield Broker(running.port, tls_port, certificate)


@pytest.fixture
def reader(broker: Broker) -> Iterator[Subscriber]:
    """Home Assistant's user, who subscribes to everything."""
    with subscriber(broker.port, user={"username": "home-assistant", "password": PASSWORD}) as one:
        yield one


def connect(broker: Broker, user: str, password: str = PASSWORD) -> ReasonCode:
    """What the broker says to whoever wants to connect."""
    return _answers(broker, user, password, None)[0]


def publish(broker: Broker, user: str, topic: str) -> ReasonCode:
    """What the broker says to a message."""
    return _answers(broker, user, PASSWORD, topic)[1]


def _answers(broker: Broker, user: str, password: str, topic: str | None) -> list[ReasonCode]:
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
def test_strangers_stay_outside(broker: Broker, user: str, password: str) -> None:
    """Protects the broker: without a name, with a wrong password and under a name that it does not know."""
    assert connect(broker, user, password).is_failure
    assert not connect(broker, "garden").is_failure


@pytest.mark.parametrize(
    "topic",
    ["pi-classifier/{}/availability", "pi-classifier/{}/front/event", "homeassistant/device/{}/front/config"],
)
def test_a_machine_speaks_for_itself_alone(broker: Broker, reader: Subscriber, topic: str) -> None:
    """Protects machines from one that was broken into: it may write under its own name, and under no other."""
    assert publish(broker, "garden", topic.format("garden")) in (GRANTED, NO_SUBSCRIBERS)
    assert publish(broker, "garden", topic.format("door")) == REFUSED
    eventually(lambda: reader.last(topic.format("garden")), "the machine's own message")
    assert reader.last(topic.format("door")) is None


@pytest.mark.parametrize("topic", ["anything", "homeassistant/status", "homeassistant/sensor/garden/config"])
def test_a_machine_writes_nowhere_else(broker: Broker, topic: str) -> None:
    """Protects the others on the broker from a machine that invents topics, or says that Home Assistant is gone."""
    assert publish(broker, "garden", topic) == REFUSED


def test_who_reads_everything_speaks_for_no_machine(broker: Broker) -> None:
    """Protects machines' topics from the reader, who may say that it is there and nothing else."""
    assert publish(broker, "home-assistant", "pi-classifier/garden/front/event") == REFUSED
    assert publish(broker, "home-assistant", "homeassistant/status") in (GRANTED, NO_SUBSCRIBERS)


def test_a_machine_hears_nothing_of_others(broker: Broker, reader: Subscriber) -> None:
    """Protects what cameras see: another machine, which subscribes to all, hears Home Assistant's status alone."""
    with subscriber(broker.port, user={"username": "door", "password": PASSWORD}) as door:
        publish(broker, "garden", "pi-classifier/garden/front/state")
        eventually(lambda: reader.last("pi-classifier/garden/front/state"), "the state, at the reader")
        publish(broker, "home-assistant", "homeassistant/status")
        eventually(lambda: door.last("homeassistant/status"), "the status, at the other machine")
        assert {one.topic for one in door.heard} == {"homeassistant/status"}


def test_what_comes_from_elsewhere_is_encrypted(broker: Broker) -> None:
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


def test_daemon_is_at_home_there(
    program: Callable[..., Program], broker: Broker, reader: Subscriber, tmp_path: Path
) -> None:
    """Protects the whole way: a daemon with a password and TLS is seen by Home Assistant, with its camera."""
    (tmp_path / "password").touch(0o600)
    (tmp_path / "password").write_text(PASSWORD)
    settings = {
        "HOST": "127.0.0.1",
        "PORT": str(broker.tls_port),
        "TLS": "true",
        "CA_FILE": str(broker.authority),
        "USERNAME": "garden",
        "PASSWORD_FILE": str(tmp_path / "password"),
    }
    daemon = program(
        "run", "--source", "synthetic:", "--weights", "demo", "--metrics-listen", "",
        environment={f"PI_CLASSIFIER_MQTT__{name}": value for name, value in settings.items()},
    )  # fmt: skip
    daemon.wait_for_line("camera")

    def said() -> set[str]:
        return {one.topic for one in reader.heard if one.payload not in (b"said", b"")}

    wanted = {f"pi-classifier/garden/{name}" for name in ("availability", "camera/availability", "camera/state")}
    eventually(lambda: said() >= {*wanted, "homeassistant/device/garden/camera/config"}, "all of it", every=0.05)
    daemon.stop()

"""`[mqtt]`: what is no broker, no node and no topic is one line with the remedy."""

import pytest

from pi_classifier.config.layers import Key, Origin, load
from pi_classifier.config.schema import MqttSettings
from pi_classifier.errors import ConfigError


def configured(**values: object) -> MqttSettings:
    """As a file would have it."""
    flags: dict[Key, Origin] = {("mqtt", name): Origin(value, "file") for name, value in values.items()}
    return load(environment={}, flags=flags).settings.mqtt


def test_defaults_tell_nobody() -> None:
    """Protects who has no broker: none is named, and Home Assistant is told as soon as one is."""
    settings = configured()
    assert (settings.host, settings.snapshots, settings.discovery) == ("", False, "homeassistant")


@pytest.mark.parametrize("host", ["broker", "Broker.Example.org", "192.0.2.1", "[2001:db8::1]", ""])
def test_hosts(host: str) -> None:
    """Protects who names a broker by any kind of name or address; an IPv6 address stands in brackets."""
    assert configured(host=host).host == host.strip("[]").lower()


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"host": "mqtt://broker"}, "is no name of a machine"),
        ({"host": "broker:1883"}, "is no name of a machine"),
        ({"host": "broker", "port": 70000}, "65535"),
        ({"node": "my node"}, "letters, digits, '_' and '-'"),
        ({"node": "a/b"}, "is no name for a node"),
        ({"discovery": "home/#"}, "is no topic"),
        ({"discovery": "/home"}, "is no topic"),
        ({"ca_file": "ca.pem"}, "set tls = true"),
        ({"tls": True, "key_file": "key.pem"}, "has a key_file and no certificate_file"),
        ({"password_file": "password"}, "has a password_file and no username"),
    ],
)
def test_what_is_wrong_is_said(values: dict[str, object], complaint: str) -> None:
    """Protects who configures: each mistake is one line that names its key or its section."""
    with pytest.raises(ConfigError, match=complaint) as refused:
        configured(**values)
    assert "\n" not in str(refused.value)
    assert "mqtt" in str(refused.value)


@pytest.mark.parametrize(
    "host", ["mqtt://garden:cAnArY@broker.example.org", "garden:cAnArY@broker", "garden:c@nArY cAnArY@broker:1883"]
)
def test_password_before_the_host_is_not_shown(host: str) -> None:
    """Protects who writes the broker as other programs want it: it is refused, and the password is not repeated."""
    with pytest.raises(ConfigError) as refused:
        configured(host=host)
    assert "nArY" not in str(refused.value)
    assert "***@broker" in str(refused.value)


def test_nothing_in_the_place_of_discovery_turns_it_off() -> None:
    """Protects who has no Home Assistant: an empty topic tells nobody."""
    assert configured(discovery="").discovery == ""

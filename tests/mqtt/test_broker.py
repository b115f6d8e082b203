"""The broker as it is configured."""

from pathlib import Path

import pytest

from pi_classifier.config.schema import MqttSettings
from pi_classifier.errors import ConfigError
from pi_classifier.mqtt.broker import Broker


def test_ports() -> None:
    """Protects who names a host alone: it is the port that IANA has for it, by whether it is encrypted."""
    assert str(Broker.of(MqttSettings(host="broker"))) == "broker:1883"
    assert str(Broker.of(MqttSettings(host="broker", tls=True))) == "broker:8883"
    assert str(Broker.of(MqttSettings(host="[::1]", port=1))) == "[::1]:1"


def test_password_is_not_shown(tmp_path: Path) -> None:
    """Protects the password: it is in no text that is made of a broker."""
    file = tmp_path / "password"
    file.touch(0o600)
    file.write_text("canary\n")
    broker = Broker.of(MqttSettings(host="broker", username="garden", password_file=str(file)))
    assert broker.password == "canary"  # noqa: S105
    assert "canary" not in f"{broker!r} {broker}"


def test_unfit_password_files(tmp_path: Path) -> None:
    """Protects who configures: a file that is missing, empty or open to others is one line with its key."""
    file = tmp_path / "password"
    settings = MqttSettings(host="broker", username="garden", password_file=str(file))
    with pytest.raises(ConfigError, match=r"mqtt.password_file = .*: No such file"):
        Broker.of(settings)
    file.touch(0o600)
    with pytest.raises(ConfigError, match=r"mqtt.password_file = .* is empty"):
        Broker.of(settings)
    file.chmod(0o644)
    with pytest.raises(ConfigError, match="can be read by others"):
        Broker.of(settings)

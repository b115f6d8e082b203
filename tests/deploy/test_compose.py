"""compose.yaml, held to the files, ports and paths that it puts together."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from pi_classifier.config.layers import load
from tests.deploy.shipped import DEPLOY, FLEET_CONFIG

COMPOSE = DEPLOY / "compose"
CONTENT = yaml.safe_load((COMPOSE / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = CONTENT["services"]
MADE_BY_HAND = "./secrets/"
CONFIG = tomllib.loads((COMPOSE / "config.toml").read_text(encoding="utf-8"))


def mounted(service: str) -> dict[str, Path]:
    """The files of the project that a service sees, by where it sees them."""
    mounts = (volume.split(":") for volume in SERVICES[service]["volumes"])
    return {mount[1]: (COMPOSE / mount[0]).resolve() for mount in mounts if mount[0].startswith(".")}


def text(file: Path) -> str:
    """Of a file."""
    return file.read_text(encoding="utf-8")


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_mounted_is_there(service: str) -> None:
    """Protects from a folder that an engine makes in the place of a file that has another name."""
    files = mounted(service)
    assert files
    assert [str(file) for file in files.values() if not file.exists()] == []
    used = {volume.split(":")[0] for volume in SERVICES[service]["volumes"]} - {"."}
    assert {name for name in used if not name.startswith(".")} <= set(CONTENT["volumes"])


@pytest.mark.parametrize("service", SERVICES)
def test_service_comes_back_and_stays_within_limits(service: str) -> None:
    """Protects a small machine: each service is restarted, has a memory limit, a log that ends, and a health check."""
    settings = SERVICES[service]
    assert settings["restart"] == "unless-stopped"
    assert settings["deploy"]["resources"]["limits"]["memory"]
    assert settings["logging"]["options"]["max-size"]
    assert "healthcheck" in settings or "HEALTHCHECK" in text(DEPLOY / "docker" / "Dockerfile")
    assert "build" in settings or re.search(r":v?\d+\.\d+\.\d+$", settings["image"]), "no version"


@pytest.mark.parametrize("service", SERVICES)
def test_ports_are_open_to_this_machine_alone(service: str) -> None:
    """Protects the network from a broker without TLS and a Grafana with a first password."""
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[service].get("ports", ()))


def test_daemon_takes_its_configuration() -> None:
    """Protects the first start: the daemon knows every key, and connects and logs in where others expect it."""
    settings = load(file=mounted("pi-classifier")["/etc/pi-classifier/config.toml"]).settings
    assert settings.mqtt.host in SERVICES
    assert settings.mqtt.password_file == "/run/secrets/mqtt-password"  # noqa: S105 - where it is
    assert "mqtt-password" in SERVICES["pi-classifier"]["secrets"]
    assert settings.camera[0].source in SERVICES["pi-classifier"]["devices"]


def test_broker_finds_its_files() -> None:
    """Protects the broker's start: its configuration names what is mounted, and the port that is published."""
    files = mounted("mosquitto")
    config = dict(re.findall(r"^(\w+) (.+)$", text(files["/mosquitto/config/mosquitto.conf"]), re.MULTILINE))
    assert config["acl_file"] in files
    assert {"source": "broker-passwords", "target": config["password_file"]} in SERVICES["mosquitto"]["secrets"]
    assert f"127.0.0.1:{config['listener']}:{config['listener']}" in SERVICES["mosquitto"]["ports"]
    assert f"broker:{config['persistence_location'].rstrip('/')}" in SERVICES["mosquitto"]["volumes"]
    shipped = dict(re.findall(r"^(\w+) (.+)$", text(DEPLOY / "mosquitto" / "mosquitto.conf"), re.MULTILINE))
    limits = {name: value for name, value in config.items() if name.startswith(("max_", "persistent_", "autosave_"))}
    assert limits == {name: shipped[name] for name in limits}
    assert len(limits) > 4


def test_documents_name_the_same_broker() -> None:
    """Protects who copies the commands: passwords are made by the very image that reads them."""
    assert f" {SERVICES['mosquitto']['image']} " in text(DEPLOY.parent / "docs" / "fleet.md")


def test_prometheus_finds_rules_and_targets() -> None:
    """Protects Prometheus' start, and its target: the daemon's name, with the port of its configuration."""
    files, folder = mounted("prometheus"), "/etc/prometheus"
    assert files[f"{folder}/fleet.yml"] == FLEET_CONFIG
    config = yaml.safe_load(text(FLEET_CONFIG))
    assert {f"{folder}/{name}" for name in config["rule_files"]} <= set(files)
    assert config["scrape_configs"][0]["file_sd_configs"][0]["files"] == ["targets/*.yml"]
    targets = yaml.safe_load(text(files[f"{folder}/targets/compose.yml"]))
    port = CONFIG["metrics"]["listen"].rpartition(":")[2]
    assert [one["targets"] for one in targets] == [[f"pi-classifier:{port}"]]
    assert targets[0]["labels"]["node"] == CONFIG["mqtt"]["username"]


def test_grafana_finds_prometheus_and_dashboards() -> None:
    """Protects the first look: Grafana has its data source and both dashboards, one of them at home."""
    files = mounted("grafana")
    provisioning = "/etc/grafana/provisioning"
    source = yaml.safe_load(text(files[f"{provisioning}/datasources/pi-classifier.yml"]))["datasources"][0]
    assert source["url"] == "http://prometheus:9090"
    path = yaml.safe_load(text(files[f"{provisioning}/dashboards/pi-classifier.yml"]))["providers"][0]["options"][
        "path"
    ]
    home = Path(SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert json.loads(text(files[path] / home.relative_to(path)))["uid"] == "pi-classifier-fleet"


def test_secrets_are_files_that_nobody_has_yet() -> None:
    """Protects passwords: none is in the project, and neither git nor the image takes those that are made here."""
    used = [secret for one in SERVICES.values() for secret in one.get("secrets", ())]
    names = {secret if isinstance(secret, str) else secret["source"] for secret in used}
    assert names == set(CONTENT["secrets"])
    assert all(secret["file"].startswith(MADE_BY_HAND) for secret in CONTENT["secrets"].values())
    assert "/deploy/compose/secrets/" in text(DEPLOY.parent / ".gitignore")
    assert "deploy/compose/secrets" in text(DEPLOY / "docker" / "Dockerfile.dockerignore").splitlines()

"""The daemon with a real broker, configured as it is shipped: what Home Assistant hears, and what nobody does."""

import json
import os
import re
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pi_classifier.config.layers import load
from pi_classifier.doctor.finding import Finding
from pi_classifier.doctor.mqtt import broker as examined
from pi_classifier.doctor.packages import Packages
from tests.conftest import ROOT
from tests.live.mosquitto import Mosquitto, Subscriber, mosquitto, subscriber
from tests.live.shipped_broker import PASSWORD, READER, ShippedBroker, shipped_broker
from tests.live.test_network_cameras import scraped
from tests.mqtt.home_assistant import DISCOVERY_TOPIC, Discovery
from tests.running import Program, unused_port
from tests.waiting import eventually

Run = Callable[..., Program]
SECONDS = 8
"""Of each run whose frames are compared."""
SCENE = ("--source", "synthetic:", "--weights", "demo")


@pytest.fixture
def shipped(tmp_path: Path) -> Iterator[ShippedBroker]:
    """The broker as it is shipped."""
    (tmp_path / "broker").mkdir()
    with shipped_broker(tmp_path / "broker") as one:
        yield one


def configured(folder: Path, broker: ShippedBroker, username: str, **more: str) -> Path:
    """A configuration that names the broker; returns its file."""
    password = folder / f"{username}-password"
    password.touch(0o600)
    password.write_text(PASSWORD)
    values = {"host": "localhost", "ca_file": str(broker.authority), "username": username}
    values |= {"password_file": str(password), **more}
    lines = [f'{name} = "{value}"' for name, value in values.items()]
    config = folder / f"{username}.toml"
    watch = '[[watch]]\nname = "any.square"\nlabels = ["red square", "green square", "blue square", "yellow square"]\n'
    camera = '[[camera]]\nname = "front.door"\nsource = "synthetic:"\n[model]\nweights = "demo"\n'
    mqtt = "\n".join(["[mqtt]", f"port = {broker.tls_port}", "tls = true", "snapshots = true", *lines])
    config.write_text(f"{camera}{watch}{mqtt}\n")
    return config


def ran(*command: str | Path) -> str:
    """All that `pi-classifier COMMAND` says."""
    process = subprocess.run(
        [sys.executable, "-m", "pi_classifier", *map(str, command)],
        env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return process.stdout + process.stderr


def test_home_hears_all_of_it(program: Run, shipped: ShippedBroker, tmp_path: Path) -> None:
    """Protects homes: over TLS, as the user of its node, the daemon tells all that discovery announces, and its end.

    And it protects the password: whatever is said, anywhere, it is not in it.
    """
    config, metrics = configured(tmp_path, shipped, "garden"), unused_port()
    trusted = ssl.create_default_context(cafile=shipped.authority)
    user = {"username": READER, "password": PASSWORD}
    with subscriber(shipped.tls_port, user=user, tls=trusted) as home:
        running = program("run", "--config", config, "--metrics-listen", f"127.0.0.1:{metrics}")
        topic = "homeassistant/device/garden/front_door/config"
        eventually(lambda: home.last(topic), "discovery", every=0.05)
        found = Discovery.model_validate_json(said(home, topic))
        assert re.fullmatch(DISCOVERY_TOPIC, topic)
        announced = {value for entity in found.components.values() for name, value in entity if name.endswith("_topic")}
        for told in {*announced, *(one.topic for one in found.availability)}:
            eventually(lambda told=told: home.last(told), told, every=0.05)  # type: ignore[misc]
        event = json.loads(said(home, "pi-classifier/garden/front.door/event"))
        assert event["event_type"] in found.components["event"].event_types  # type: ignore[union-attr]
        state = json.loads(said(home, "pi-classifier/garden/front.door/state"))
        assert set(state["watch"]) == {"any.square"}
        assert said(home, "pi-classifier/garden/front.door/snapshot").startswith(b"\xff\xd8")
        shown = scraped(metrics)
        assert "pi_classifier_mqtt_connected 1.0" in shown
        assert "pi_classifier_mqtt_messages_refused_total 0.0" in shown
        with (Path("/proc") / str(running.pid) / "cmdline").open(encoding="utf-8") as command:
            said_anywhere = [shown, command.read(), ran("check-config", "--config", config)]
        running.stop()
        result = running.wait()
        for available in found.availability:
            eventually(lambda one=available: said(home, one.topic) == b"offline", "end", every=0.05)  # type: ignore[misc]
    said_anywhere += [result.stdout, result.stderr, *(one.payload.decode("latin-1") for one in home.heard)]
    assert "front.door as front_door" in result.stderr
    assert not [text for text in said_anywhere if PASSWORD in text]


# paho leaves a connection whose handshake has failed to the garbage collector.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning")
def test_doctor_tries_the_broker(shipped: ShippedBroker, tmp_path: Path) -> None:
    """Protects who sets it up: what is right, what is refused, and each usual mistake, in words and without secrets."""

    def found(username: str, **more: str) -> list[Finding]:
        settings = load(file=configured(tmp_path, shipped, username, **more), environment={}).settings
        findings = examined(settings, Packages())
        assert PASSWORD not in repr(findings)
        return findings

    text = ran("doctor", "--json", "--config", configured(tmp_path, shipped, "garden"))
    assert PASSWORD not in text
    (right,) = [one for one in json.loads(text)["findings"] if one["name"] == "MQTT broker"]
    assert (right["state"], right["seen"]) == ("ok", f"port {shipped.tls_port} lets the daemon in and takes 6 topics")
    some, refused = found("door", node="garden")
    assert "takes 0 topics" in some.seen
    assert "pi-classifier/NODE/availability (not authorized)" in refused.seen
    assert "let its user write there" in refused.remedy
    (untrusted,) = found("garden", ca_file="")
    assert "its certificate is not trusted: self-signed certificate" in untrusted.seen
    (tmp_path / "wrong").touch(0o600)
    (tmp_path / "wrong").write_text(f"{PASSWORD}2")
    (wrong,) = found("garden", password_file=str(tmp_path / "wrong"))
    assert "lets nobody in: not authorized" in wrong.seen
    (missing,) = found("garden", password_file=str(tmp_path / "none"))
    assert "mqtt.password_file" in missing.seen
    (elsewhere,) = found("garden", host="127.0.0.2")
    assert elsewhere.seen.endswith("Connection refused")


def test_end_with_a_dead_broker(program: Run, tmp_path: Path) -> None:
    """Protects `systemctl stop`: a broker that answers nothing does not hold up the end, and the totals are told."""
    with mosquitto(tmp_path) as broker:
        running = program("run", *SCENE, "--metrics-listen", "", environment=beside(broker))
        running.wait_for(lambda: any("MQTT: connected" in line for line in running.notices), "connection")
        running.wait_for_line("fps |")
        broker.freeze()
        seconds = running.stop(signal.SIGTERM)
        broker.thaw()
    print(f"stopped {seconds:.2f} s after SIGTERM")
    assert running.wait().returncode == 0
    assert running.wait_for_line("camera done: ")
    # Two are for a second; the rest is what the machine may have to do besides.
    assert seconds < 5


def test_frames_are_unharmed(program: Run, tmp_path: Path) -> None:
    """Protects the frame path: whatever befalls the broker, as many frames are classified, and they are no older."""
    with mosquitto(tmp_path) as broker, subscriber(broker.port) as heard:
        alone = measured(program, {}, lambda: None)
        disturbed = measured(program, beside(broker), lambda: disturb(broker, heard))
    print(f"without MQTT {alone}, with it and with faults {disturbed}")
    assert any(one.topic == "pi-classifier/garden/camera/event" for one in heard.heard)
    # One after the other on the same machine, which may have had other things to do in either.
    assert disturbed.fps > 0.7 * alone.fps
    assert disturbed.age_p99_bound <= 4 * alone.age_p99_bound


class Frames(NamedTuple):
    """How frames fared in a run."""

    fps: float
    age_p99_bound: float
    """The upper bound, in seconds, of the histogram's bucket in which the 99th percentile of their age lies."""


def measured(program: Run, environment: dict[str, str], meanwhile: Callable[[], None]) -> Frames:
    """A run of so many seconds."""
    port = unused_port()
    running = program("run", *SCENE, "--metrics-listen", f"127.0.0.1:{port}", environment=environment)
    running.wait_for_line("fps |")
    meanwhile()
    running.wait_for(lambda: len(running.lines) >= SECONDS, "lines")
    samples = [one for family in text_string_to_metric_families(scraped(port)) for one in family.samples]
    running.stop()
    buckets = {float(one.labels["le"]): one.value for one in samples if one.name.endswith("frame_age_seconds_bucket")}
    bound = min(le for le, count in buckets.items() if count >= 0.99 * max(buckets.values()))
    fps = re.search(r"([0-9.]+) fps", running.wait_for_line("camera done: "))
    assert fps
    return Frames(float(fps[1]), bound)


def disturb(broker: Mosquitto, heard: Subscriber) -> None:
    """Killed and started anew, then frozen for as long as some events take."""
    broker.kill()
    broker.start()
    heard.wait_until_subscribed()
    broker.freeze()
    time.sleep(2)
    broker.thaw()


def beside(broker: Mosquitto) -> dict[str, str]:
    """Variables that name it."""
    return {
        "PI_CLASSIFIER_MQTT__HOST": "127.0.0.1",
        "PI_CLASSIFIER_MQTT__PORT": str(broker.port),
        "PI_CLASSIFIER_MQTT__NODE": "garden",
    }


def said(heard: Subscriber, topic: str) -> bytes:
    """The newest message of a topic."""
    last = heard.last(topic)
    assert last
    return last.payload

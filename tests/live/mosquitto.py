"""A real mosquitto, what happens to one, and what a subscriber hears."""

import getpass
import json
import shutil
import signal
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from tests.running import unused_port
from tests.waiting import eventually


class Mosquitto:
    """A broker that can be killed, frozen and started again on its port."""

    def __init__(self, folder: Path, *, settings: str = "allow_anonymous true", port: int | None = None) -> None:
        """`settings`: lines of its configuration, but for the listener, which is of the loopback alone."""
        self._executable = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        if not Path(self._executable).exists():
            pytest.skip("mosquitto is not installed: apt install mosquitto")
        self.port = port or unused_port()
        self._config = folder / "mosquitto.conf"
        # The user who runs the tests: else root's becomes `mosquitto`, who may not read here.
        self._config.write_text(
            f"user {getpass.getuser()}\nlistener {self.port} 127.0.0.1\n{settings}\n", encoding="utf-8"
        )
        self._log = folder / "mosquitto.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run it, and wait until it listens."""
        with self._log.open("ab") as log:
            command = [self._executable, "-c", str(self._config)]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        eventually(self._listens, f"broker that listens: {self.log}", every=0.05)

    def kill(self) -> None:
        """From one moment to the next, with all that it kept."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def freeze(self) -> None:
        """Its connections stay, and nothing is answered."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        self._signal(signal.SIGCONT)

    @property
    def log(self) -> str:
        """What it has said."""
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""

    def _signal(self, number: signal.Signals) -> None:
        assert self._process
        self._process.send_signal(number)

    def _listens(self) -> bool:
        assert self._process
        assert self._process.poll() is None, self.log
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@contextmanager
def mosquitto(folder: Path, *, settings: str = "allow_anonymous true") -> Iterator[Mosquitto]:
    """One that runs while the context lasts."""
    broker = Mosquitto(folder, settings=settings)
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()


class Heard(NamedTuple):
    """A message, as it came."""

    topic: str
    payload: bytes
    retained: bool

    @property
    def value(self) -> Any:
        """Of JSON."""
        return json.loads(self.payload)


class Subscriber:
    """Hears everything, and subscribes again whenever its broker is back."""

    def __init__(self, port: int, user: Mapping[str, str], tls: ssl.SSLContext | None) -> None:
        """Begin to hear.

        Args:
            port: of the broker.
            user: `username` and `password`; empty: nobody in particular.
            tls: whom it trusts.
        """
        self.heard: list[Heard] = []
        self._subscribed = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        if user:
            self._client.username_pw_set(**user)
        if tls:
            self._client.tls_set_context(tls)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._on_message
        self._client.on_disconnect = lambda *_: self._subscribed.clear()
        self._client.connect("localhost", port, keepalive=5)
        self._client.loop_start()
        self.wait_until_subscribed()

    def wait_until_subscribed(self) -> None:
        """From now on nothing passes it."""
        eventually(self._subscribed.is_set, "subscription", every=0.01)

    def last(self, topic: str) -> Heard | None:
        """The newest message of a topic."""
        return next((one for one in reversed(self.heard) if one.topic == topic), None)

    def close(self) -> None:
        """Hear nothing more."""
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(
        self, client: Client, _data: object, _flags: ConnectFlags, _reason: ReasonCode, _properties: Properties | None
    ) -> None:
        client.subscribe("#", qos=1)

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self.heard.append(Heard(message.topic, bytes(message.payload), message.retain))


@contextmanager
def subscriber(
    port: int, *, user: Mapping[str, str] = MappingProxyType({}), tls: ssl.SSLContext | None = None
) -> Iterator[Subscriber]:
    """One that hears while the context lasts."""
    one = Subscriber(port, user, tls)
    try:
        yield one
    finally:
        one.close()

"""The broker as the configuration names it, and clients of it."""

import ssl
from typing import NamedTuple

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from pi_classifier.config.schema import MqttSettings
from pi_classifier.errors import ConfigError
from pi_classifier.mqtt.topics import OFFLINE
from pi_classifier.system.secret_file import read_named_secret
from pi_classifier.system.tls import client_context, failure_in_words

PORT, TLS_PORT = 1883, 8883
"""https://www.iana.org/assignments/service-names-port-numbers: mqtt, secure-mqtt."""
CONNECT_SECONDS = 5.0
KEEPALIVE_SECONDS = 15
"""A broker that has said nothing for so long is asked; if it is silent for as long again, it is gone."""
WILL_DELAY_SECONDS = 5
"""A connection that is back by then was not gone: nobody is told `offline`."""
NO_ANSWER = "speaks no MQTT 5, or does not answer"
"""So does one that expects TLS, to who begins without."""
SESSION_SECONDS = 60
"""How long the broker remembers the session, and with it that its will is not due yet."""


class Broker(NamedTuple):
    """Where it is, and who asks. Its `repr` shows no password."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    username: str
    password: str
    keepalive_seconds: int = KEEPALIVE_SECONDS

    @classmethod
    def of(cls, settings: MqttSettings) -> "Broker":
        """As configured.

        Raises:
            ConfigError: the password's file, or one of the certificates', is not fit.
        """
        tls = None
        if settings.tls:
            files = {name: getattr(settings, name) for name in ("ca_file", "certificate_file", "key_file")}
            tls = client_context("mqtt", **files)
        password = ""
        if settings.password_file:
            remedy = "put the password there that goes with mqtt.username"
            password = read_named_secret(settings.password_file, "mqtt.password_file", remedy=remedy)
            if not password:
                raise ConfigError(f"mqtt.password_file = {settings.password_file} is empty", remedy=remedy)
        port = settings.port or (TLS_PORT if settings.tls else PORT)
        return cls(settings.host, port, tls, settings.username, password)

    def __repr__(self) -> str:
        return f"Broker({self})"

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def client(self, client_id: str) -> Client:
        """A client of it that is not connected, and does not connect again by itself."""
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            # Only from this version on a publisher learns that he may not write to a topic.
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_SECONDS
        if self.username:
            client.username_pw_set(self.username, self.password or None)
        if self.tls:
            client.tls_set_context(self.tls)
        return client

    def connect(self, client: Client, *, session_seconds: int) -> None:
        """Begin to connect; `on_connect` tells what the broker says.

        Raises:
            OSError: it cannot be reached, or TLS fails.
        """
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = session_seconds
        # A session that goes on has no will due; one that begins anew would end that of before, and its will with it.
        client.connect(
            self.host,
            self.port,
            keepalive=self.keepalive_seconds,
            clean_start=not session_seconds,
            properties=properties,
        )


def set_will(client: Client, topic: str) -> None:
    """Have the broker say `offline` where the connection ends without a word."""
    properties = Properties(PacketTypes.WILLMESSAGE)
    properties.WillDelayInterval = WILL_DELAY_SECONDS
    client.will_set(topic, OFFLINE, qos=1, retain=True, properties=properties)


def in_words(error: OSError) -> str:
    """Why it cannot be reached, in a few words."""
    return failure_in_words(error, CONNECT_SECONDS)

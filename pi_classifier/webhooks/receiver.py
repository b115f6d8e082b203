"""A web server that takes events: one signed message, as it is sent."""

import http.client
import ssl
import time
from typing import Self
from urllib.parse import urlsplit

from pi_classifier import __version__
from pi_classifier.config.address import is_this_machine
from pi_classifier.config.network_url import host_and_port, server_of
from pi_classifier.config.schema import WebhookSettings
from pi_classifier.errors import ConfigError
from pi_classifier.system.secret_file import read_named_secret
from pi_classifier.system.tls import client_context, failure_in_words
from pi_classifier.webhooks.answer import Answer, answer_of
from pi_classifier.webhooks.envelope import CONTENT_TYPE
from pi_classifier.webhooks.signing import PREFIX, decoded_secret, signature

CONNECT_SECONDS = 5.0
"""For each address of the host."""
SECONDS = 15.0
"""For the message and the head of the answer, however slowly they go; Standard Webhooks recommends 15 to 30."""
SECRET_REMEDY = (
    f'run: (umask 077; echo "{PREFIX}$(openssl rand -base64 32)" > FILE), and give it to the receiver as well'
)


class Receiver:
    """One `[[webhook]]`. Neither its `str` nor its `repr` shows more of the URL than scheme, host and port."""

    def __init__(self, url: str, key: bytes, tls: ssl.SSLContext | None, *, seconds: float = SECONDS) -> None:
        """Nothing is sent yet.

        Args:
            url: where events are posted.
            key: that they are signed with.
            tls: how its certificate is judged; None for what is not encrypted.
            seconds: for each message, from when there is a connection.
        """
        self._server = server_of(url)
        self._host, self._port = host_and_port(url)
        parts = urlsplit(url)
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._key = key
        self._tls = tls
        self._seconds = seconds

    @classmethod
    def of(cls, settings: WebhookSettings, section: str) -> Self:
        """As configured. `section`: for messages, `webhook.0`.

        Raises:
            ConfigError: the secret's file, or that of who is trusted, is not fit.
        """
        key = f"{section}.secret_file"
        text = read_named_secret(settings.secret_file, key, remedy=SECRET_REMEDY)
        try:
            secret = decoded_secret(text)
        except ValueError as error:
            raise ConfigError(f"{key} = {settings.secret_file} {error}", remedy=SECRET_REMEDY) from None
        tls = client_context(section, ca_file=settings.ca_file) if settings.is_encrypted else None
        return cls(settings.url, secret, tls)

    def __repr__(self) -> str:
        return f"Receiver({self})"

    def __str__(self) -> str:
        return self._server

    @property
    def is_on_this_machine(self) -> bool:
        """Whether what is sent never leaves it."""
        return is_this_machine(self._host)

    def post(self, message_id: str, body: bytes) -> Answer:
        """Send one message. No redirect is followed, no proxy asked, and nothing read of the answer but its head."""
        connection = (
            http.client.HTTPSConnection(self._host, self._port, timeout=CONNECT_SECONDS, context=self._tls)
            if self._tls
            else http.client.HTTPConnection(self._host, self._port, timeout=CONNECT_SECONDS)
        )
        seconds = CONNECT_SECONDS
        try:
            connection.connect()
            deadline, seconds = time.monotonic() + self._seconds, self._seconds
            connection.sock.settimeout(seconds)
            connection.request("POST", self._target, body, self._headers(message_id, body))
            return answer_of(connection.sock, deadline)
        except http.client.RemoteDisconnected:
            return Answer(0, "closes the connection without an answer")
        except http.client.HTTPException:
            return Answer(0, "answers no HTTP")
        except OSError as error:
            return Answer(0, failure_in_words(error, seconds))
        finally:
            connection.close()

    def _headers(self, message_id: str, body: bytes) -> dict[str, str]:
        timestamp = int(time.time())
        return {
            "Content-Type": CONTENT_TYPE,
            "User-Agent": f"pi-classifier/{__version__}",
            "Connection": "close",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(self._key, message_id, timestamp, body),
        }

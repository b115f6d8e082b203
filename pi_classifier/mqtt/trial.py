"""Whether a broker lets a user in, and lets him write."""

import time
from collections.abc import Sequence
from typing import NamedTuple

from paho.mqtt.client import Client, ConnectFlags
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from pi_classifier.mqtt.broker import NO_ANSWER, Broker, in_words

SECONDS = 10.0
"""For all of it."""
TURN_SECONDS = 0.2


class Verdict(NamedTuple):
    """What came of it."""

    problem: str
    """Why it lets nobody in; empty if it did."""
    refused: dict[str, str]
    """The topics that it does not take from this user, each with its reason."""


def try_out(broker: Broker, client_id: str, topics: Sequence[str]) -> Verdict:
    """Connect, and send an empty message to each topic, which is not retained and says nothing to who reads it."""
    trial = _Trial(broker, client_id)
    try:
        return trial.run(topics)
    except OSError as error:
        return Verdict(in_words(error), {})


class _Trial:
    def __init__(self, broker: Broker, client_id: str) -> None:
        self._broker = broker
        self._client = broker.client(client_id)
        self._client.on_connect = self._on_connect
        self._client.on_publish = self._on_publish
        self._answer: ReasonCode | None = None
        self._waiting: dict[int, str] = {}
        """Topics, by the message's id."""
        self._refused: dict[str, str] = {}

    def run(self, topics: Sequence[str]) -> Verdict:
        deadline = time.monotonic() + SECONDS
        self._broker.connect(self._client, session_seconds=0)
        while self._answer is None and time.monotonic() < deadline and self._client.socket():
            self._client.loop(TURN_SECONDS)
        if self._answer is None:
            return Verdict(NO_ANSWER, {})
        if self._answer.is_failure:
            return Verdict(f"lets nobody in: {str(self._answer).lower()}", {})
        for topic in topics:
            self._waiting[self._client.publish(topic, b"", qos=1).mid] = topic
        while self._waiting and time.monotonic() < deadline and self._client.socket():
            self._client.loop(TURN_SECONDS)
        self._client.disconnect()
        return Verdict("", self._refused | dict.fromkeys(self._waiting.values(), "no answer"))

    def _on_connect(
        self, _client: Client, _data: object, _flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self._answer = reason

    def _on_publish(
        self, _client: Client, _data: object, message_id: int, reason: ReasonCode, _properties: Properties
    ) -> None:
        topic = self._waiting.pop(message_id, "")
        if reason.is_failure:
            self._refused[topic] = str(reason).lower()

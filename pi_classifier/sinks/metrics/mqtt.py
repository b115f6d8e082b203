"""What became of messages to a broker, in numbers."""

from collections.abc import Iterator
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pi_classifier.contracts.delivery import MqttFigures
from pi_classifier.sinks.metrics.at_scrape import PREFIX


class Waiting(Protocol):
    """Where messages wait."""

    def figures(self) -> MqttFigures:
        """As they stand."""


class Connected(Protocol):
    """The connection."""

    connected: bool
    connections: int
    failures: int


class MqttMetrics(Collector):
    """Reads them when they are scraped."""

    def __init__(self, outbox: Waiting, connection: Connected) -> None:
        """`outbox`, `connection`: what is read, under locks of their own."""
        self._outbox = outbox
        self._connection = connection

    def collect(self) -> Iterator[Metric]:
        """As they stand."""
        figures = self._outbox.figures()
        connection = self._connection
        yield GaugeMetricFamily(
            f"{PREFIX}mqtt_connected", "1 while the broker has let the daemon in.", float(connection.connected)
        )
        yield CounterMetricFamily(
            f"{PREFIX}mqtt_connections", "Times that the broker let the daemon in.", connection.connections
        )
        yield CounterMetricFamily(
            f"{PREFIX}mqtt_connection_failures",
            "Times that the broker could not be reached, let nobody in, or was lost.",
            connection.failures,
        )
        yield GaugeMetricFamily(
            f"{PREFIX}mqtt_events_waiting", "Events that the broker has not acknowledged yet.", figures.waiting
        )
        yield CounterMetricFamily(
            f"{PREFIX}mqtt_events_delivered", "Events that the broker has acknowledged.", figures.delivered
        )
        yield CounterMetricFamily(
            f"{PREFIX}mqtt_events_lost", "Events that were too many for a broker that was away.", figures.lost
        )
        yield CounterMetricFamily(
            f"{PREFIX}mqtt_messages_refused", "Messages that the broker did not take from this user.", figures.refused
        )

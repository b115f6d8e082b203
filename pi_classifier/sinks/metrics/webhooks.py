"""What became of events for webhooks, in numbers."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pi_classifier.contracts.delivery import WebhookFigures
from pi_classifier.sinks.metrics.at_scrape import PREFIX


class Hooked(Protocol):
    """A webhook."""

    name: str

    def figures(self) -> WebhookFigures:
        """As they stand."""


FAMILIES: Sequence[
    tuple[type[CounterMetricFamily] | type[GaugeMetricFamily], str, str, Callable[[WebhookFigures], float]]
] = (
    (
        GaugeMetricFamily,
        "webhook_up",
        "0 while the newest attempt to deliver an event has failed, else 1.",
        lambda one: float(one.up),
    ),
    (GaugeMetricFamily, "webhook_events_waiting", "Events to be sent, or to be sent again.", lambda one: one.waiting),
    (CounterMetricFamily, "webhook_events_delivered", "Events that the receiver has taken.", lambda one: one.delivered),
    (
        CounterMetricFamily,
        "webhook_events_failed",
        "Events that the receiver has not taken, however often it was tried, or because it is gone.",
        lambda one: one.failed,
    ),
    (
        CounterMetricFamily,
        "webhook_events_lost",
        "Events that were too many for a receiver that takes none.",
        lambda one: one.lost,
    ),
    (
        CounterMetricFamily,
        "webhook_failed_attempts",
        "Attempts to deliver an event that failed.",
        lambda one: one.failed_attempts,
    ),
)


class WebhookMetrics(Collector):
    """Reads them when they are scraped."""

    def __init__(self, hooks: Sequence[Hooked]) -> None:
        """`hooks`: what is read, under locks of their own."""
        self._hooks = tuple(hooks)

    def collect(self) -> Iterator[Metric]:
        """As they stand."""
        figures = {hook.name: hook.figures() for hook in self._hooks}
        for kind, name, documentation, value in FAMILIES:
            family = kind(PREFIX + name, documentation, labels=["webhook"])
            for hook, one in figures.items():
                family.add_metric([hook], value(one))
            yield family

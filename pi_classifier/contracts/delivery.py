"""What became of what was to be told elsewhere, since the start: what counts it and what shows it both know this."""

from typing import NamedTuple


class MqttFigures(NamedTuple):
    """Of messages to a broker."""

    waiting: int
    """Events that are not acknowledged."""
    delivered: int
    """Events that were."""
    lost: int
    """Events that more than the capacity came after."""
    refused: int
    """Messages of any kind that the broker did not want."""


class WebhookFigures(NamedTuple):
    """Of events for one receiver. Those published are those waiting, delivered, failed and lost."""

    waiting: int
    """To be sent, or to be sent again."""
    delivered: int
    """That the receiver has taken."""
    failed: int
    """That it has not, however often it was tried, or because it is gone."""
    lost: int
    """That more than the capacity came after."""
    failed_attempts: int
    """To deliver any of them."""
    up: bool
    """Whether the newest attempt was successful, or there was none."""

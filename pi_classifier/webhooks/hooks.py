"""All webhooks together, as the daemon has them."""

import socket
import time
from collections.abc import Sequence
from typing import Self

from pi_classifier.config.schema import WebhookSettings
from pi_classifier.contracts.event import Event
from pi_classifier.webhooks.envelope import source_of
from pi_classifier.webhooks.hook import Hook
from pi_classifier.webhooks.receiver import Receiver

FLUSH_SECONDS = 0.4
"""How long `stop` lets what is due be sent."""
STOP_SECONDS = 0.5
"""And how long it waits for all threads together."""


class Webhooks:
    """Gives every event to every hook; none waits for another. An `EventQueue`."""

    name = "webhooks"

    def __init__(self, hooks: Sequence[Hook]) -> None:
        """`hooks`: not started yet."""
        self.hooks = tuple(hooks)

    @classmethod
    def of(cls, settings: Sequence[WebhookSettings]) -> Self:
        """As configured.

        Raises:
            ConfigError: a file of one of them is not fit.
        """
        source = own_source()
        receivers = [Receiver.of(one, f"webhook.{index}") for index, one in enumerate(settings)]
        return cls(
            [
                Hook(one.name, receiver, kinds=one.events, source=source)
                for one, receiver in zip(settings, receivers, strict=True)
            ]
        )

    def publish(self, event: Event) -> None:
        """Take an event; neither blocks nor raises."""
        for hook in self.hooks:
            hook.publish(event)

    def start(self) -> None:
        """Begin to send."""
        for hook in self.hooks:
            hook.start()

    def stop(self) -> None:
        """Send what is due, as far as that is quick, and end."""
        now = time.monotonic()
        for hook in self.hooks:
            hook.ask_to_end(now + FLUSH_SECONDS)
        for hook in self.hooks:
            hook.join(max(0.0, now + STOP_SECONDS - time.monotonic()))

    def healthy(self, now: float) -> bool:
        """Whether every hook makes progress."""
        return all(hook.healthy(now) for hook in self.hooks)


def own_source() -> str:
    """Of the CloudEvents of this machine."""
    return source_of(socket.gethostname())

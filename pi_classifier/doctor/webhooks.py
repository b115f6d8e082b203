"""Whether the receivers of webhooks can be reached, are who they should be, and take what is signed for them."""

import time
import uuid

from pi_classifier.config.schema import Settings, WebhookSettings
from pi_classifier.doctor.finding import Finding, State
from pi_classifier.errors import ConfigError

NAME = "webhooks"


def webhooks(settings: Settings) -> list[Finding]:
    """Send each a message that stands for an event and tells nothing."""
    if not settings.webhook:
        return [Finding(NAME, State.OK, "none are named")]
    return [finding for index, one in enumerate(settings.webhook) for finding in _tried(one, f"webhook.{index}")]


def _tried(settings: WebhookSettings, section: str) -> list[Finding]:
    # Not for those who have none.
    from pi_classifier.webhooks.envelope import trial  # noqa: PLC0415
    from pi_classifier.webhooks.hooks import own_source  # noqa: PLC0415
    from pi_classifier.webhooks.receiver import Receiver  # noqa: PLC0415

    name = f"webhook {settings.name}"
    try:
        receiver = Receiver.of(settings, section)
    except ConfigError as error:
        return [Finding(name, State.PROBLEM, error.problem, error.remedy)]
    message_id = uuid.uuid4().hex
    answer = receiver.post(message_id, trial(message_id, time.time(), own_source()))
    if answer.problem:
        return [Finding(name, State.PROBLEM, answer.problem, "see docs/webhooks.md, If nothing arrives")]
    findings = [Finding(name, State.OK, f"takes a signed message, answers {answer.status}")]
    if not settings.is_encrypted and not receiver.is_on_this_machine:
        seen = "what is seen crosses the network, and nothing is encrypted"
        findings.append(Finding(name, State.WARNING, seen, "let it answer by https, and name that url"))
    return findings

"""What `doctor` finds of the receivers of webhooks, which are real ones on the loopback."""

from pathlib import Path

import pytest

from pi_classifier.config.schema import Settings, WebhookSettings
from pi_classifier.doctor.finding import Finding, State
from pi_classifier.doctor.webhooks import webhooks
from tests.running import unused_port
from tests.webhooks.certificates import certified
from tests.webhooks.receiving import SECRET, Reply, receiving

standardwebhooks = pytest.importorskip("standardwebhooks", reason="standardwebhooks is not installed")


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    """A file with the secret, readable by its owner alone."""
    file = tmp_path / "secret"
    file.touch(0o600)
    file.write_text(SECRET)
    return file


def found(*hooks: WebhookSettings) -> list[Finding]:
    """What is found, in which no secret is."""
    findings = webhooks(Settings(webhook=hooks))
    assert "cAnArY" not in repr(findings)
    assert SECRET not in repr(findings)
    assert all(finding.remedy for finding in findings if finding.state != State.OK)
    return findings


def test_receiver_that_takes_events(secret_file: Path) -> None:
    """Protects who sets it up: a receiver that takes a signed message is well, and can tell it from an event."""
    with receiving() as server:
        (finding,) = found(WebhookSettings(name="house", url=server.url, secret_file=str(secret_file)))
    assert finding == Finding("webhook house", State.OK, "takes a signed message, answers 204")
    (received,) = server.received
    event = standardwebhooks.Webhook(SECRET).verify(received.body, dict(received.headers.items()))
    assert (event["type"], event["data"]) == ("pi-classifier.trial", {})


def test_each_that_is_not_well_is_told(tmp_path: Path, secret_file: Path) -> None:
    """Protects who looks for what is wrong: each receiver by its name, with what it refuses, and the others go on."""
    _, server_side = certified(tmp_path)
    with receiving() as refusing, receiving(server_side) as strange, receiving() as well:
        refusing.replies.put(Reply(401))
        urls = {
            "refusing": refusing.url,
            "strange": strange.url,
            "absent": f"http://127.0.0.1:{unused_port()}/cAnArY",
            "well": well.url,
        }
        hooks = [WebhookSettings(name=name, url=url, secret_file=str(secret_file)) for name, url in urls.items()]
        hooks.append(WebhookSettings(name="none", url=well.url, secret_file=str(tmp_path / "no-file")))
        findings = {finding.name: finding for finding in found(*hooks)}
    assert findings["webhook refusing"].seen == "answers 401 (Unauthorized)"
    assert findings["webhook strange"].seen.startswith("its certificate is not trusted")
    assert findings["webhook absent"].seen == "Connection refused"
    assert "webhook.4.secret_file" in findings["webhook none"].seen
    states = [finding.state for finding in findings.values()]
    assert states == [State.PROBLEM, State.PROBLEM, State.PROBLEM, State.OK, State.PROBLEM]


def test_none() -> None:
    """Protects who has none from a finding that has to be looked at."""
    assert found() == [Finding("webhooks", State.OK, "none are named")]

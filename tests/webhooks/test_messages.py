"""What is sent: the signature and the envelope, read by the reference libraries."""

import base64
import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.contracts.event import Event, EventKind
from pi_classifier.webhooks.envelope import cloud_event, source_of, trial
from pi_classifier.webhooks.signing import decoded_secret, signature
from tests.conftest import ROOT
from tests.contracts.test_listener import everything
from tests.webhooks.receiving import EVENT, KEY, SECRET

cloudevents_http = pytest.importorskip("cloudevents.core.bindings.http", reason="cloudevents is not installed")
standardwebhooks = pytest.importorskip("standardwebhooks", reason="standardwebhooks is not installed")
SOURCE = "/pi-classifier/garden"


def read(body: bytes) -> Any:
    """An event, as the reference library reads and checks it."""
    message = cloudevents_http.HTTPMessage({"content-type": "application/cloudevents+json"}, body)
    return cloudevents_http.from_http_event(message)


@given(key=st.binary(min_size=24, max_size=64), body=st.binary(max_size=200), message_id=st.uuids())
def test_signature_is_that_of_the_reference(key: bytes, body: bytes, message_id: object) -> None:
    """Protects receivers: whatever secret and message, the reference verifier takes it, and none that was changed."""
    secret = "whsec_" + base64.b64encode(key).decode()
    text = json.dumps(body.hex()).encode()
    timestamp = int(time.time())
    assert decoded_secret(secret) == decoded_secret(secret.rstrip("=")) == key
    headers = {
        "webhook-id": str(message_id),
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(key, str(message_id), timestamp, text),
    }
    verifier = standardwebhooks.Webhook(secret)
    assert verifier.verify(text, headers) == body.hex()
    for changed in (headers | {"webhook-id": "another"}, headers | {"webhook-timestamp": str(timestamp - 1)}):
        with pytest.raises(standardwebhooks.WebhookVerificationError):
            verifier.verify(text, changed)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        verifier.verify(text + b" ", headers)


def test_signature_of_the_specification() -> None:
    """Protects from a change of both sides at once: the specification's own example has this signature."""
    body = b'{"test": 2432232314}'
    assert decoded_secret(SECRET) == KEY
    assert (
        signature(KEY, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
        == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "does not begin with whsec_"),
        ("cAnArY4711cAnArY4711cAnArY4711cA", "does not begin with whsec_"),
        ("whsec_", "has 0 bytes"),
        ("whsec_cAnArY4711", "has 7 bytes, not 24 to 64"),
        ("whsec_cAnArY4711!", "holds no base64"),
        ("whsec_cAnArY4711é", "holds no base64"),
        ("whsec_" + 100 * "cAnA", "has 300 bytes"),
        ("whsec_c", "holds no base64"),
    ],
)
def test_what_is_no_secret(text: str, said: str) -> None:
    """Protects from a secret that signs nothing, and from one in a message about it."""
    with pytest.raises(ValueError, match=said) as refused:
        decoded_secret(text)
    assert "cAnA" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("event", everything(), ids=lambda event: str(event.kind))
def test_every_event_is_a_cloud_event(event: Event) -> None:
    """Protects receivers: each kind of event is one that the reference library reads, with all that happened in it."""
    seen = read(cloud_event(event, SOURCE))
    assert seen.get_specversion() == "1.0"
    assert (seen.get_id(), seen.get_source(), seen.get_type()) == (event.id, SOURCE, f"pi-classifier.{event.kind}")
    assert seen.get_subject() == (event.camera or "table")
    assert abs((seen.get_time() - datetime.fromtimestamp(event.at, UTC)).total_seconds()) < 0.001
    assert seen.get_datacontenttype() == "application/json"
    assert not set(event.fields) - set(seen.get_data())
    if event.kind == EventKind.GROUP:
        assert set(seen.get_data()) >= {"cameras", "missing"}


def test_an_event_as_it_is_sent() -> None:
    """Protects who reads the page on webhooks: names and values are these."""
    assert json.loads(cloud_event(EVENT, SOURCE)) == {
        "specversion": "1.0",
        "source": SOURCE,
        "type": "pi-classifier.started",
        "id": EVENT.id,
        "time": "2026-01-01T00:00:00.250Z",
        "subject": "front",
        "datacontenttype": "application/json",
        "data": {
            "camera": "front",
            "label": "water bottle",
            "class_id": 898,
            "probability": 0.501,
            "reason": "probability",
        },
    }


def test_message_of_the_page() -> None:
    """Protects who reads the page: the message there is one that is sent, with its signature."""
    page = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")
    body = cloud_event(EVENT, SOURCE)
    assert body.decode() in page.splitlines()
    assert f"webhook-signature: {signature(KEY, EVENT.id, int(EVENT.at), body)}" in page.splitlines()


def test_trial_is_a_cloud_event_of_no_camera() -> None:
    """Protects receivers from mistaking what `doctor` sends: it is a message like others, of no kind of event."""
    seen = read(trial("c0ffee", 1767225600.25, source_of("gärten 1")))
    assert seen.get_type() == "pi-classifier.trial"
    assert seen.get_type().removeprefix("pi-classifier.") not in list(EventKind)
    assert seen.get_source() == "/pi-classifier/g%C3%A4rten%201"
    assert seen.get_subject() is None

"""Events as CloudEvents 1.0, structured, in JSON. No input, no output."""

import json
from urllib.parse import quote

from pi_classifier.contracts.event import Event
from pi_classifier.sinks.objects import Object, event_object, time_text

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
TYPE_PREFIX = "pi-classifier."
TRIAL = "trial"
"""The type, behind the prefix, of what `doctor` sends."""


def source_of(host: str) -> str:
    """Where events are from, as a relative URI. `host`: this machine's name."""
    return f"/pi-classifier/{quote(host, safe='')}"


def cloud_event(event: Event, source: str) -> bytes:
    """An event. Its data are what a line of `run --log-format json` says of it, but for what the envelope has."""
    data = event_object(event)
    kind, event_id, time = data.pop("event"), data.pop("id"), data.pop("time")
    # A group's event has no camera.
    subject = event.camera or event.fields["group"]
    return _envelope(source, f"{kind}", {"id": event_id, "time": time, "subject": subject}, data)


def trial(event_id: str, at: float, source: str) -> bytes:
    """What stands for an event where somebody tries whether one would be taken. `at`: seconds since 1970."""
    return _envelope(source, TRIAL, {"id": event_id, "time": time_text(at)}, {})


def _envelope(source: str, kind: str, attributes: Object, data: Object) -> bytes:
    envelope = {
        "specversion": "1.0",
        "source": source,
        "type": TYPE_PREFIX + kind,
        **attributes,
        "datacontenttype": "application/json",
        "data": data,
    }
    return json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()

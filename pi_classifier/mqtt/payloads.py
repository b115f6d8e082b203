"""What the messages say, as JSON."""

import json
import time

from pi_classifier.contracts.event import Event
from pi_classifier.contracts.frame import Pixels
from pi_classifier.contracts.prediction import Prediction
from pi_classifier.sinks.jpeg import encode_jpeg
from pi_classifier.sinks.objects import Object, detection_objects, event_object, time_text
from pi_classifier.statistics import Snapshot

JPEG_QUALITY = 80


def state_payload(prediction: Prediction) -> bytes:
    """What a camera shows, as far as it holds still, with its watches; of a detector the frame's objects, too."""
    state, watches = prediction.steady
    seen: Object = {"label": None, "class_id": None, "probability": 0.0}
    sinces = [watch.since for watch in watches]
    if state:
        seen = {"label": state.label, "class_id": state.class_id, "probability": round(state.probability, 6)}
        sinces = [state.since]
    since = time.time() - (time.monotonic() - max(sinces, default=prediction.captured_at))
    active: Object = {"watch": {watch.name: watch.active for watch in watches}}
    return _encoded(seen | {"since": time_text(since)} | active | detection_objects(prediction))


def nothing_payload(event: Event, watches: list[str], *, detects: bool) -> bytes:
    """The same of a camera that was lost, as this event tells."""
    seen: Object = {"label": None, "class_id": None, "probability": 0.0, "since": time_text(event.at)}
    return _encoded(seen | {"watch": dict.fromkeys(watches, False)} | ({"detections": []} if detects else {}))


def event_payload(event: Event) -> bytes:
    """An event. What kind it is stands where Home Assistant looks for it, under `event_type`."""
    told = event_object(event)
    return _encoded({"event_type": told.pop("event"), **told})


def status_payload(snapshot: Snapshot) -> bytes:
    """How a camera fares."""
    return _encoded(
        {
            "fps": round(snapshot.fps, 3),
            "captured": snapshot.captured,
            "classified": snapshot.classified,
            "dropped": sum(snapshot.dropped.values()),
            "up": snapshot.up,
        }
    )


def jpeg(picture: Pixels) -> bytes:
    """A frame, BGR."""
    return encode_jpeg(picture, JPEG_QUALITY)


def _encoded(value: Object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()

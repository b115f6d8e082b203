"""Values as JSON has them: the same objects wherever programs read them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pi_classifier.contracts.event import Event
from pi_classifier.contracts.prediction import Prediction, Score

if TYPE_CHECKING:
    # Not imported for a classifier.
    from pi_classifier.contracts.detection import Detection

Object = dict[str, object]


def time_text(at: float) -> str:
    """A moment, in seconds since 1970, as RFC 3339 has it: `2026-11-26T05:00:00.123Z`."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def event_object(event: Event) -> Object:
    """An event; that of a group has members in the place of a camera."""
    of: Object = {"camera": event.camera} if event.camera else {}
    fields = {name: round(value, 6) if isinstance(value, float) else value for name, value in event.fields.items()}
    members: Object = {"cameras": dict(event.members), "missing": list(event.missing)} if event.members else {}
    return {"event": event.kind, "id": event.id, "time": time_text(event.at), **of, **fields, **members}


def state_object(prediction: Prediction) -> Object | None:
    """What the camera shows, as far as it holds still; None of a detector."""
    state = prediction.steady.state
    return state and {
        "label": state.label,
        "class_id": state.class_id,
        "probability": round(state.probability, 6),
        "seconds": round(prediction.captured_at - state.since, 3),
    }


def watch_objects(prediction: Prediction) -> list[Object]:
    """Its watches."""
    return [
        {
            "name": watch.name,
            "active": watch.active,
            "probability": round(watch.probability, 6),
            "seconds": round(prediction.captured_at - watch.since, 3),
        }
        for watch in prediction.steady.watches
    ]


def detection_objects(prediction: Prediction) -> Object:
    """The objects that a detector found, under `detections`; nothing of a classifier."""
    found = prediction.result.detections
    return {} if found is None else {"detections": [detection_object(one) for one in found]}


def detection_object(found: "Detection") -> Object:
    """One object: its box left, top, right, bottom in pixels of the picture, to a hundredth."""
    return {
        "class_id": found.class_id,
        "label": found.label,
        "confidence": round(found.confidence, 6),
        "box": [round(side, 2) for side in found.box],
        **({"zones": list(found.zones)} if found.zones else {}),
    }


def score_objects(scores: Sequence[Score]) -> list[Object]:
    """Classes, in the order given."""
    return [
        {"class_id": score.class_id, "label": score.label, "probability": round(score.probability, 6)}
        for score in scores
    ]

"""Values as JSON has them: the same objects wherever programs read them."""

from datetime import UTC, datetime

from pi_classifier.contracts.event import Event
from pi_classifier.contracts.prediction import Prediction

Object = dict[str, object]


def event_object(event: Event) -> Object:
    """An event."""
    time = datetime.fromtimestamp(event.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    fields = {name: round(value, 6) if isinstance(value, float) else value for name, value in event.fields.items()}
    return {"event": event.kind, "id": event.id, "time": time, "camera": event.camera, **fields}


def state_object(prediction: Prediction) -> Object:
    """What the camera shows, as far as it holds still."""
    state = prediction.steady.state
    return {
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

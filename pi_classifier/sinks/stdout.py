"""The line a second that says what is seen and how fast, as text or JSON; as JSON, a line for each event, too."""

import json
import logging
import threading
from collections.abc import Callable
from typing import Literal, TextIO

from pi_classifier.contracts.event import CAMERA_EVENTS, STATE_EVENTS, Event, EventKind
from pi_classifier.contracts.prediction import Prediction
from pi_classifier.sinks.lines import finish_line, status_line
from pi_classifier.sinks.objects import detection_objects, event_object, state_object, watch_objects
from pi_classifier.statistics import Snapshot

TOLD = STATE_EVENTS | CAMERA_EVENTS | {EventKind.GROUP}
logger = logging.getLogger(__name__)


class StdoutSink:
    """Keeps the latest prediction of each camera and writes a line an interval, and one for each event it is told.

    A `Sink`, a `Reporter` and a `Listener`.
    """

    def __init__(
        self,
        *,
        stream: TextIO,
        log_format: Literal["text", "json"],
        untrained: bool,
        on_closed: Callable[[], None],
    ) -> None:
        """Write to a stream.

        Args:
            stream: where the lines go.
            log_format: text for people, json for programs: one object a line.
            untrained: whether every line shall say that the labels mean nothing.
            on_closed: called when the reader of the stream has gone, as `head` does.
        """
        self._stream = stream
        self._json = log_format == "json"
        self._untrained = untrained
        self._on_closed = on_closed
        self._latest: dict[str, Prediction] = {}
        self._lock = threading.Lock()
        """Events are written by another thread."""

    def offer(self, prediction: Prediction) -> None:
        """Keep the prediction for the next line."""
        self._latest[prediction.camera] = prediction

    def report(self, snapshot: Snapshot) -> None:
        """Write one line on one camera: the newest prediction since the last line, and the rate."""
        prediction = self._latest.pop(snapshot.camera, None)
        if self._json:
            self._put(json.dumps(self._status(snapshot, prediction), ensure_ascii=False))
        else:
            self._put(status_line(snapshot, prediction, untrained=self._untrained))

    def notify(self, event: Event) -> None:
        """Write an event as an object of its own, but for those that repeat what is written already."""
        if event.kind not in TOLD:
            return
        self._put(json.dumps(event_object(event), ensure_ascii=False))

    def finish(self, snapshot: Snapshot, seconds: float) -> None:
        """Write the camera's totals after `seconds` of running."""
        self._put(json.dumps(_totals(snapshot, seconds)) if self._json else finish_line(snapshot, seconds))

    def _status(self, snapshot: Snapshot, prediction: Prediction | None) -> dict[str, object]:
        line: dict[str, object] = {
            "camera": snapshot.camera,
            "fps": round(snapshot.fps, 3),
            "frame": prediction.sequence if prediction else None,
            "frame_age_seconds": round(prediction.timings.age, 6) if prediction else None,
            "state": state_object(prediction) if prediction else None,
            "watches": watch_objects(prediction) if prediction else [],
            "predictions": [score._asdict() for score in prediction.scores] if prediction else [],
            **(detection_objects(prediction) if prediction else {}),
        }
        if snapshot.error:
            line["error"] = snapshot.error
        if self._untrained:
            line["weights"] = "untrained"
        return line

    def _put(self, line: str) -> None:
        try:
            with self._lock:
                self._stream.write(line + "\n")
                self._stream.flush()
        except BrokenPipeError:
            self._on_closed()
        except OSError as error:
            # A full disk behind a redirection takes the line, not the daemon.
            logger.warning("a log line was lost: %s", error.strerror)


def _totals(snapshot: Snapshot, seconds: float) -> dict[str, object]:
    return {
        "camera": snapshot.camera,
        "captured": snapshot.captured,
        "classified": snapshot.classified,
        "dropped": {reason: count for reason, count in snapshot.dropped.items() if count},
        "seconds": round(seconds, 3),
        "fps": round(snapshot.classified / seconds if seconds else 0.0, 3),
    }

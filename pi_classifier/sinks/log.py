"""The line a second that says what is seen and how fast, as text or JSON."""

import json
import logging
import os
import sys
from collections.abc import Callable
from typing import Literal, TextIO

from pi_classifier.accounting import Snapshot
from pi_classifier.prediction import Prediction
from pi_classifier.wording import status_line, totals_line

logger = logging.getLogger(__name__)


class LogSink:
    """Keeps the latest prediction of each camera and writes a line when asked to."""

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

    def offer(self, prediction: Prediction) -> None:
        """Keep the prediction for the next line."""
        self._latest[prediction.camera] = prediction

    def report(self, books: Snapshot) -> None:
        """Write one line on one camera: the newest prediction since the last line, and the rate."""
        prediction = self._latest.pop(books.camera, None)
        if self._json:
            self._put(json.dumps(self._status(books, prediction), ensure_ascii=False))
        else:
            self._put(status_line(books, prediction, untrained=self._untrained))

    def close(self, books: Snapshot, seconds: float) -> None:
        """Write the camera's totals after `seconds` of running."""
        self._put(json.dumps(_totals(books, seconds)) if self._json else totals_line(books, seconds))

    def _status(self, books: Snapshot, prediction: Prediction | None) -> dict[str, object]:
        line: dict[str, object] = {
            "camera": books.camera,
            "fps": round(books.fps, 3),
            "frame": prediction.sequence if prediction else None,
            "frame_age_seconds": round(prediction.timings.age, 6) if prediction else None,
            "top": [best._asdict() for best in prediction.top] if prediction else [],
        }
        if books.trouble:
            line["trouble"] = books.trouble
        if self._untrained:
            line["weights"] = "untrained"
        return line

    def _put(self, line: str) -> None:
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except BrokenPipeError:
            # The interpreter flushes the stream once more when it ends, and must not fail then.
            if self._stream is sys.stdout:
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
            self._on_closed()
        except OSError as error:
            # A full disk behind a redirection takes the line, not the daemon.
            logger.warning("a log line was lost: %s", error.strerror)


def _totals(books: Snapshot, seconds: float) -> dict[str, object]:
    return {
        "camera": books.camera,
        "captured": books.captured,
        "classified": books.classified,
        "dropped": {reason: count for reason, count in books.dropped.items() if count},
        "seconds": round(seconds, 3),
        "fps": round(books.classified / seconds if seconds else 0.0, 3),
    }

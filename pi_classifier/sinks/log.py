"""The line a second that says what is seen and how fast, as text or JSON."""

import json
import logging
import os
import sys
from collections.abc import Callable
from typing import Literal, TextIO

from pi_classifier.accounting import Snapshot
from pi_classifier.prediction import Prediction

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
        self._write = self._write_text if log_format == "text" else self._write_json
        self._untrained = untrained
        self._on_closed = on_closed
        self._latest: dict[str, Prediction] = {}

    def offer(self, prediction: Prediction) -> None:
        """Keep the prediction for the next line."""
        self._latest[prediction.camera] = prediction

    def report(self, books: Snapshot) -> None:
        """Write one line on one camera: the newest prediction since the last line, and the rate."""
        self._write(books, self._latest.pop(books.camera, None))

    def close(self, books: Snapshot, seconds: float) -> None:
        """Write the camera's totals after `seconds` of running."""
        rate = books.classified / seconds if seconds else 0.0
        if self._write == self._write_json:
            dropped = {reason: count for reason, count in books.dropped.items() if count}
            self._put(
                json.dumps(
                    {
                        "camera": books.camera,
                        "captured": books.captured,
                        "classified": books.classified,
                        "dropped": dropped,
                        "seconds": round(seconds, 3),
                        "fps": round(rate, 3),
                    }
                )
            )
            return
        dropped_text = ", ".join(f"{count} {reason}" for reason, count in books.dropped.items() if count)
        self._put(
            f"{books.camera} done: {books.captured} captured = {books.classified} classified + "
            f"{sum(books.dropped.values())} dropped{f' ({dropped_text})' if dropped_text else ''} "
            f"in {seconds:.1f} s, {rate:.1f} fps"
        )

    def _write_text(self, books: Snapshot, prediction: Prediction | None) -> None:
        if prediction:
            seen = ", ".join(f"{best.probability:.1%} {best.label}" for best in prediction.top)
        else:
            seen = f"camera away: {books.trouble}" if books.trouble else "no new frame"
        warning = "UNTRAINED weights, labels mean nothing: " if self._untrained else ""
        self._put(f"{books.camera} {books.fps:.1f} fps | {warning}{seen}")

    def _write_json(self, books: Snapshot, prediction: Prediction | None) -> None:
        line = {
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
        self._put(json.dumps(line, ensure_ascii=False))

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

"""What is worth a journal entry: another label, a summary now and then. Gentle to an SD card.

Entries go through `logging` with upper-case extra fields, which systemd's journal handler makes fields of the entry:
`journalctl -o json` shows EVENT, CAMERA, FPS, LABEL, PROBABILITY. State changes of a camera are told by its feed.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from pi_classifier.accounting import Snapshot
from pi_classifier.prediction import Prediction
from pi_classifier.wording import totals_line

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _View:
    """What one camera has been seeing."""

    newest: Prediction
    since: float
    """When the newest prediction's best label became the best."""
    told: str = ""
    """The label of the last entry."""


class EventLog:
    """Watches the predictions of all cameras."""

    def __init__(
        self,
        *,
        hold_seconds: float,
        summary_seconds: float,
        untrained: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Watch from now on.

        Args:
            hold_seconds: a label is told once it has been the best of every prediction for so long.
            summary_seconds: how often each camera's numbers are told; 0 never.
            untrained: whether every entry shall say that labels mean nothing.
            clock: seconds, never backwards.
        """
        self._hold = hold_seconds
        self._summary = summary_seconds
        self._mark = " (UNTRAINED weights, labels mean nothing)" if untrained else ""
        self._clock = clock
        self._views: dict[str, _View] = {}
        self._last_summary: dict[str, tuple[float, Snapshot]] = {}

    def offer(self, prediction: Prediction) -> None:
        """Take note of a prediction."""
        view = self._views.get(prediction.camera)
        if view is None:
            self._views[prediction.camera] = _View(prediction, self._clock())
            return
        if view.newest.top[0].class_id != prediction.top[0].class_id:
            view.since = self._clock()
        view.newest = prediction

    def report(self, books: Snapshot) -> None:
        """Once an interval: tell what is due of one camera."""
        view = self._views.get(books.camera)
        if view is not None and books.up:
            self._tell_label(view, books)
        now = self._clock()
        then, before = self._last_summary.setdefault(books.camera, (now, books))
        if self._summary and now - then >= self._summary:
            self._tell_summary(before, books, now - then)
            self._last_summary[books.camera] = (now, books)

    def close(self, books: Snapshot, seconds: float) -> None:
        """Tell the totals of one camera after `seconds` of running."""
        logger.info("%s%s", totals_line(books, seconds), self._mark, extra=_fields("totals", books))

    def _tell_label(self, view: _View, books: Snapshot) -> None:
        best = view.newest.top[0]
        if best.label == view.told or self._clock() - view.since < self._hold:
            return
        view.told = best.label
        fields = _fields("label", books) | {"LABEL": best.label, "PROBABILITY": f"{best.probability:.4f}"}
        logger.info(
            "%s sees %s, %.1f%%, at %.1f fps%s",
            books.camera, best.label, 100 * best.probability, books.fps, self._mark, extra=fields,
        )  # fmt: skip

    def _tell_summary(self, before: Snapshot, books: Snapshot, seconds: float) -> None:
        classified = books.classified - before.classified
        dropped = sum(books.dropped.values()) - sum(before.dropped.values())
        logger.info(
            "%s in %.0f s: %d classified, %d dropped, %.1f fps, %d errors%s",
            books.camera, seconds, classified, dropped, classified / seconds,
            sum(books.errors.values()) - sum(before.errors.values()), self._mark,
            extra=_fields("summary", books) | {"FPS": f"{classified / seconds:.2f}"},
        )  # fmt: skip


def _fields(event: str, books: Snapshot) -> dict[str, str]:
    return {"EVENT": event, "CAMERA": books.camera, "FPS": f"{books.fps:.2f}"}

"""The line a second for `systemctl status`, which is kept nowhere and wears out nothing."""

from collections.abc import Callable

from pi_classifier.accounting import Snapshot
from pi_classifier.prediction import Prediction
from pi_classifier.wording import status_line, totals_line


class StatusSink:
    """Keeps the latest prediction of each camera and tells what all of them see."""

    def __init__(self, tell: Callable[[str], None], *, untrained: bool) -> None:
        """`tell` takes the text; `untrained`: whether it shall say that the labels mean nothing."""
        self._tell = tell
        self._untrained = untrained
        self._latest: dict[str, Prediction] = {}
        self._lines: dict[str, str] = {}

    def offer(self, prediction: Prediction) -> None:
        """Keep the prediction for the next line."""
        self._latest[prediction.camera] = prediction

    def report(self, books: Snapshot) -> None:
        """Tell what all cameras see, with news of one."""
        prediction = self._latest.pop(books.camera, None)
        self._lines[books.camera] = status_line(books, prediction, untrained=self._untrained)
        self._tell("; ".join(self._lines.values()))

    def close(self, books: Snapshot, seconds: float) -> None:
        """Tell the totals."""
        self._lines[books.camera] = totals_line(books, seconds)
        self._tell("; ".join(self._lines.values()))

"""The line a second for `systemctl status`, which is stored nowhere and so wears out no card."""

from collections.abc import Callable

from pi_classifier.contracts.prediction import Prediction
from pi_classifier.sinks.lines import finish_line, status_line
from pi_classifier.statistics import Snapshot


class StatusSink:
    """Keeps the latest prediction of each camera, and passes on what all of them see. A `Sink` and a `Reporter`."""

    def __init__(self, write: Callable[[str], None], *, untrained: bool) -> None:
        """`write` takes the text; `untrained`: whether it shall say that the labels mean nothing."""
        self._write = write
        self._untrained = untrained
        self._latest: dict[str, Prediction] = {}
        self._lines: dict[str, str] = {}

    def offer(self, prediction: Prediction) -> None:
        """Keep the prediction for the next line."""
        self._latest[prediction.camera] = prediction

    def report(self, snapshot: Snapshot) -> None:
        """Write what all cameras see, with news of one."""
        prediction = self._latest.pop(snapshot.camera, None)
        self._lines[snapshot.camera] = status_line(snapshot, prediction, untrained=self._untrained)
        self._write("; ".join(self._lines.values()))

    def finish(self, snapshot: Snapshot, seconds: float) -> None:
        """Write the totals."""
        self._lines[snapshot.camera] = finish_line(snapshot, seconds)
        self._write("; ".join(self._lines.values()))

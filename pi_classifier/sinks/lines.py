"""How statistics and a prediction read in one line, wherever that line goes."""

from pi_classifier.contracts.prediction import Prediction
from pi_classifier.statistics import Snapshot, totals_line


def status_line(snapshot: Snapshot, prediction: Prediction | None, *, untrained: bool) -> str:
    """What one camera sees now and how fast: `front 35.9 fps | 62.1% water bottle, 9.0% pop bottle`.

    Args:
        snapshot: at the end of an interval.
        prediction: the newest of that interval, None if there was none.
        untrained: whether the labels mean nothing.
    """
    if prediction:
        seen = ", ".join(f"{score.probability:.1%} {score.label}" for score in prediction.scores)
    else:
        seen = f"camera disconnected: {snapshot.error}" if snapshot.error else "no new frame"
    warning = "UNTRAINED weights, labels mean nothing: " if untrained else ""
    return f"{snapshot.camera} {snapshot.fps:.1f} fps | {warning}{seen}"


def finish_line(snapshot: Snapshot, seconds: float) -> str:
    """What became of all frames of one camera in `seconds`."""
    return totals_line(
        snapshot.camera,
        captured=snapshot.captured,
        classified=snapshot.classified,
        dropped=snapshot.dropped,
        seconds=seconds,
    )

"""How statistics and a prediction read in one line, wherever that line goes."""

from pi_classifier.contracts.prediction import Prediction
from pi_classifier.statistics import Snapshot, totals_line


def status_line(snapshot: Snapshot, prediction: Prediction | None, *, untrained: bool) -> str:
    """What one camera sees now and how fast: `front 35.9 fps | water bottle for 12 s | 62.1% water bottle, 9.0% ...`.

    What holds still comes first, and with it the watches that are active; then the newest frame's best classes.

    Args:
        snapshot: at the end of an interval.
        prediction: the newest of that interval, None if there was none.
        untrained: whether the labels mean nothing.
    """
    if prediction:
        best = ", ".join(f"{score.probability:.1%} {score.label}" for score in prediction.scores)
        seen = f"{steady_text(prediction)} | {best}"
    else:
        seen = f"camera disconnected: {snapshot.error}" if snapshot.error else "no new frame"
    warning = "UNTRAINED weights, labels mean nothing: " if untrained else ""
    return f"{snapshot.camera} {snapshot.fps:.1f} fps | {warning}{seen}"


def steady_text(prediction: Prediction) -> str:
    """`water bottle for 12 s`, or `nothing for 3 s`; behind it each active watch: `, bottle for 14 s`."""
    state, watches = prediction.steady
    held = [(state.label or "nothing", state.since), *((one.name, one.since) for one in watches if one.active)]
    return ", ".join(f"{name} for {duration(prediction.captured_at - since)}" for name, since in held)


def duration(seconds: float) -> str:
    """In the largest unit that fits: `12 s`, `3 min`, `2 h`, `4 d`."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length:.0f} {unit}"
    return f"{max(0.0, seconds) // 1:.0f} s"


def finish_line(snapshot: Snapshot, seconds: float) -> str:
    """What became of all frames of one camera in `seconds`."""
    return totals_line(
        snapshot.camera,
        captured=snapshot.captured,
        classified=snapshot.classified,
        dropped=snapshot.dropped,
        seconds=seconds,
    )

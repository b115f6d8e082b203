"""How statistics and a prediction read in one line, wherever that line goes."""

from collections import Counter

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
        seen = " | ".join(text for text in (steady_text(prediction), scores_text(prediction)) if text)
    else:
        seen = f"camera disconnected: {snapshot.error}" if snapshot.error else "no new frame"
    warning = "UNTRAINED weights, labels mean nothing: " if untrained else ""
    return f"{snapshot.camera} {snapshot.fps:.1f} fps | {warning}{seen}"


def scores_text(prediction: Prediction) -> str:
    """`62.1% water bottle, 9.0% pop bottle`; of a detector `91.0% person (2), 80.3% dog`, or `no objects`."""
    if prediction.result.detections is None:
        return ", ".join(f"{score.probability:.1%} {score.label}" for score in prediction.scores)
    counts = Counter(found.label for found in prediction.result.detections)
    texts = [
        f"{score.probability:.1%} {score.label}" + (f" ({counts[score.label]})" if counts[score.label] > 1 else "")
        for score in prediction.scores
    ]
    return ", ".join(texts) or "no objects"


def steady_text(prediction: Prediction) -> str:
    """`water bottle for 12 s`, or `nothing for 3 s`; behind it each active watch: `, bottle for 14 s`.

    Of a detector the active watches alone.
    """
    state, watches = prediction.steady
    held = [(state.label or "nothing", state.since)] if state else []
    held += [(one.name, one.since) for one in watches if one.active]
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

"""How the books and a prediction read in one line, wherever that line goes."""

from pi_classifier.accounting import Snapshot
from pi_classifier.prediction import Prediction


def status_line(books: Snapshot, prediction: Prediction | None, *, untrained: bool) -> str:
    """What one camera sees now and how fast: `front 35.9 fps | 62.1% water bottle, 9.0% pop bottle`.

    Args:
        books: at the end of an interval.
        prediction: the newest of that interval, None if there was none.
        untrained: whether the labels mean nothing.
    """
    if prediction:
        seen = ", ".join(f"{best.probability:.1%} {best.label}" for best in prediction.top)
    else:
        seen = f"camera away: {books.trouble}" if books.trouble else "no new frame"
    warning = "UNTRAINED weights, labels mean nothing: " if untrained else ""
    return f"{books.camera} {books.fps:.1f} fps | {warning}{seen}"


def totals_line(books: Snapshot, seconds: float) -> str:
    """What became of all frames of one camera in `seconds`."""
    reasons = ", ".join(f"{count} {reason}" for reason, count in books.dropped.items() if count)
    return (
        f"{books.camera} done: {books.captured} captured = {books.classified} classified + "
        f"{sum(books.dropped.values())} dropped{f' ({reasons})' if reasons else ''} "
        f"in {seconds:.1f} s, {books.classified / seconds if seconds else 0.0:.1f} fps"
    )

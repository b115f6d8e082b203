"""When a message that was not taken is sent again. No input, no output."""

from collections.abc import Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime

RETRY_SECONDS = (5.0, 300.0, 1800.0, 7200.0)
"""After each attempt that failed, until the next: of the schedule that Standard Webhooks recommends the first two and a
half hours. What somebody is told of a camera later than that is no news."""
JITTER = 0.2
"""Of a pause, by chance longer, so that a fleet does not come back in one moment."""
LONGEST_PAUSE_SECONDS = 86400.0
"""That a receiver can ask for: who has mistaken a unit would else never hear of anything again."""


def pause_after(attempts: int, chance: float, pauses: Sequence[float] = RETRY_SECONDS) -> float | None:
    """Seconds until the next attempt; None: there is none.

    Args:
        attempts: that have failed, 1 or more.
        chance: 0 to 1.
        pauses: in seconds, each at least.
    """
    if attempts > len(pauses):
        return None
    return pauses[attempts - 1] * (1 + JITTER * chance)


def requested_pause(retry_after: str | None, now: float) -> float:
    """Seconds for which a receiver wants to be left alone; 0 where it does not say so, or in no way that is known.

    Args:
        retry_after: the header of that name: a number of seconds, or a date (RFC 9110, 10.2.3).
        now: seconds since 1970.
    """
    text = (retry_after or "").strip()
    if text.isascii() and text.isdecimal():
        text = text.lstrip("0") or "0"
        # As digits: Python makes no number of thousands of them.
        return LONGEST_PAUSE_SECONDS if len(text) > 9 else min(float(text), LONGEST_PAUSE_SECONDS)
    try:
        date = parsedate_to_datetime(text)
        # HTTP's dates are of Greenwich, and one without a zone is meant to be.
        until = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0
    return min(max(until - now, 0.0), LONGEST_PAUSE_SECONDS)

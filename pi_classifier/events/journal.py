"""Events as log records, which systemd's journal handler makes entries with fields of. Gentle to an SD card.

Entries carry upper-case fields: `journalctl -o json` shows EVENT, CAMERA, and those of FPS, LABEL and PROBABILITY that
the event has. Without a journal they are lines on stderr.
"""

import logging
from collections.abc import Collection, Mapping

from pi_classifier.contracts.event import Event, EventKind
from pi_classifier.statistics import totals_line

logger = logging.getLogger(__name__)

CAMERA_EVENTS = frozenset({EventKind.CAMERA_DOWN, EventKind.CAMERA_UP})
"""What is worth a line on stderr even where predictions are printed."""
DECIMALS = {"fps": 2, "probability": 4}
"""The fields of an entry that are numbers, and how exactly they are written."""
DROPPED = "dropped_"


class Journal:
    """Writes events of some kinds to the log. A `Listener`."""

    def __init__(self, *, kinds: Collection[EventKind] = frozenset(EventKind), untrained: bool) -> None:
        """`untrained`: whether every entry on what was seen shall say that labels mean nothing."""
        self._kinds = frozenset(kinds)
        self._mark = " (UNTRAINED weights, labels mean nothing)" if untrained else ""

    def notify(self, event: Event) -> None:
        """Write one event."""
        if event.kind not in self._kinds:
            return
        about_camera = event.kind in CAMERA_EVENTS
        level = logging.WARNING if event.kind == EventKind.CAMERA_DOWN else logging.INFO
        text = message(event) + ("" if about_camera else self._mark)
        logger.log(level, "%s", text, extra=entry_fields(event))


def message(event: Event) -> str:
    """What happened, in one line."""
    camera, fields = event.camera, event.fields
    if event.kind == EventKind.CAMERA_DOWN:
        return f"{fields['error']}; retrying"
    if event.kind == EventKind.CAMERA_UP:
        return f"{camera} is back"
    if event.kind == EventKind.LABEL:
        return f"{camera} sees {fields['label']}, {fields['probability']:.1%}, at {fields['fps']:.1f} fps"
    if event.kind == EventKind.SUMMARY:
        return (
            f"{camera} in {fields['seconds']:.0f} s: {fields['classified']} classified, {fields['dropped']} dropped, "
            f"{fields['fps']:.1f} fps, {fields['errors']} errors"
        )
    return totals_line(
        camera,
        captured=float(fields["captured"]),
        classified=float(fields["classified"]),
        dropped={name.removeprefix(DROPPED): float(n) for name, n in fields.items() if name.startswith(DROPPED)},
        seconds=float(fields["seconds"]),
    )


def entry_fields(event: Event) -> Mapping[str, str]:
    """The fields of a journal entry."""
    fields = {"EVENT": str(event.kind), "CAMERA": event.camera}
    if "label" in event.fields:
        fields["LABEL"] = str(event.fields["label"])
    for name, decimals in DECIMALS.items():
        if name in event.fields:
            fields[name.upper()] = f"{event.fields[name]:.{decimals}f}"
    return fields

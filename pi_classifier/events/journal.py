"""Events as log records, which systemd's journal handler makes entries with fields of. Gentle to an SD card.

Entries carry upper-case fields: `journalctl -o json` shows EVENT, EVENT_ID, CAMERA, and those of LABEL, WATCH, REASON,
PROBABILITY and FPS that the event has; of a group GROUP, SKEW_MS, MISSING and LABELS. Without a journal they are lines
on stderr.
"""

import json
import logging
from collections.abc import Collection, Mapping

from pi_classifier.contracts.event import CAMERA_EVENTS, STATE_EVENTS, Event, EventKind
from pi_classifier.statistics import totals_line

logger = logging.getLogger(__name__)

TEXTS = ("group", "label", "watch", "zone", "reason")
"""The fields of an entry that are text."""
DECIMALS = {"fps": 2, "probability": 4, "skew_ms": 1}
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
    if event.kind in STATE_EVENTS:
        return _state(event)
    if event.kind == EventKind.GROUP:
        return _group(event)
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


def _state(event: Event) -> str:
    fields, started = event.fields, event.kind == EventKind.STARTED
    lost = ": the camera is lost" if fields["reason"] == "camera" else ""
    if "watch" in fields:
        where = f" in {fields['zone']}" if "zone" in fields else ""
        text = f"{event.camera}: {fields['watch']}{where} {'started' if started else 'stopped'}"
    else:
        text = f"{event.camera} {'sees' if started else 'no longer sees'} {fields['label']}"
    return text + (f", {fields['probability']:.1%}" if started else lost)


def _group(event: Event) -> str:
    shown = ", ".join(f"{camera} {one['state_label'] or 'nothing'}" for camera, one in event.members.items())
    missing = f", without {', '.join(event.missing)}" if event.missing else ""
    return f"{event.fields['group']} in step within {event.fields['skew_ms']:.0f} ms: {shown}{missing}"


def entry_fields(event: Event) -> Mapping[str, str]:
    """The fields of a journal entry."""
    fields = {"EVENT": str(event.kind), "EVENT_ID": event.id}
    if event.members:
        labels = {camera: one["state_label"] for camera, one in event.members.items()}
        # No camera's name has a space; a label may have whatever there is.
        fields |= {"MISSING": " ".join(event.missing), "LABELS": json.dumps(labels, ensure_ascii=False)}
    else:
        fields["CAMERA"] = event.camera
    fields |= {name.upper(): str(event.fields[name]) for name in TEXTS if name in event.fields}
    for name, decimals in DECIMALS.items():
        if name in event.fields:
            fields[name.upper()] = f"{event.fields[name]:.{decimals}f}"
    return fields

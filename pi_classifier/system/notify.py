"""What systemd is told: ready, alive, what is seen. And whether the journal is listening."""

import logging
import os
import sys
import time
from collections.abc import Callable
from typing import Self

from pi_classifier.errors import ConfigError
from pi_classifier.prediction import Prediction

Notify = Callable[[str], object]
"""Sends `KEY=value` lines to the service manager (sd_notify(3))."""


class ServiceManager:
    """Readiness, watchdog and status for systemd; says nothing where nobody listens.

    The watchdog is fed by progress alone: by a prediction, or by being told that every camera is known to be away and
    is being retried. A loop that turns without either is not alive.
    """

    def __init__(self, notify: Notify | None, *, watchdog_seconds: float = 0.0) -> None:
        """Tell nobody, or somebody.

        Args:
            notify: None where no service manager listens.
            watchdog_seconds: after how much silence it kills this process; 0 never.
        """
        self.listens = notify is not None
        self._notify = notify
        # A quarter of what is allowed: three beats may be late before anything happens.
        self._beat_seconds = watchdog_seconds / 4
        self._next_beat = 0.0
        self._ready = False

    @classmethod
    def of_this_process(cls) -> Self:
        """As the environment says: NOTIFY_SOCKET and WATCHDOG_USEC.

        Raises:
            ConfigError: systemd waits for notifications and systemd-python is not installed.
        """
        if "NOTIFY_SOCKET" not in os.environ:
            return cls(None)
        try:
            from systemd.daemon import notify
        except ImportError:
            raise ConfigError(
                "started as a systemd service of Type=notify, but systemd-python is missing; "
                "install it with 'sudo apt install python3-systemd' or 'pip install systemd-python'"
            ) from None
        return cls(notify, watchdog_seconds=int(os.environ.get("WATCHDOG_USEC", "0")) / 1e6)

    def offer(self, prediction: Prediction) -> None:  # noqa: ARG002 - that there is one is the news
        """A prediction was made."""
        self.progress()

    def progress(self) -> None:
        """Something happened that shows the daemon to be alive; the first time makes it ready."""
        if self._notify is None:
            return
        if not self._ready:
            self._ready = True
            self._notify("READY=1")
        now = time.monotonic()
        if self._beat_seconds and now >= self._next_beat:
            self._next_beat = now + self._beat_seconds
            self._notify("WATCHDOG=1")

    def status(self, text: str) -> None:
        """The line that `systemctl status` shows."""
        if self._notify is not None:
            self._notify("STATUS=" + text.replace("\n", " "))

    def stopping(self) -> None:
        """The end has begun."""
        if self._notify is not None:
            self._notify("STOPPING=1")


def journal_listens() -> bool:
    """Whether this process's stderr is the journal's (systemd.exec(5), JOURNAL_STREAM)."""
    device, _, inode = os.environ.get("JOURNAL_STREAM", "").partition(":")
    if not device.isdecimal() or not inode.isdecimal():
        return False
    stderr = os.fstat(sys.stderr.fileno())
    return (stderr.st_dev, stderr.st_ino) == (int(device), int(inode))


def log_to_journal() -> None:
    """Let log records become journal entries with fields; without systemd-python they stay lines on stderr."""
    try:
        from systemd.journal import JournalHandler
    except ImportError:
        return
    logging.getLogger().handlers[:] = [JournalHandler(SYSLOG_IDENTIFIER="pi-classifier")]

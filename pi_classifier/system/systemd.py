"""A client of systemd: readiness, watchdog, status; and whether the journal is listening."""

import logging
import os
import sys
from collections.abc import Callable
from typing import Self

from pi_classifier.errors import ConfigError

Notify = Callable[[str], object]
"""Sends `KEY=value` lines to the service manager (sd_notify(3))."""


class SystemdClient:
    """The way to the service manager, systemd; says nothing where none listens."""

    def __init__(self, notify: Notify | None, *, watchdog_seconds: float = 0.0) -> None:
        """Connect to a service manager, or to none.

        Args:
            notify: None where no service manager listens.
            watchdog_seconds: after how much silence it kills this process; 0 never.
        """
        self.listens = notify is not None
        self.watchdog_seconds = watchdog_seconds
        self._notify = notify

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
                "started as a systemd service of Type=notify, but systemd-python is missing",
                remedy="install it with 'sudo apt install python3-systemd' or 'pip install systemd-python'",
            ) from None
        return cls(notify, watchdog_seconds=int(os.environ.get("WATCHDOG_USEC", "0")) / 1e6)

    def ready(self) -> None:
        """The daemon is up."""
        self._send("READY=1")

    def alive(self) -> None:
        """The daemon makes progress: the watchdog's clock starts again."""
        if self.watchdog_seconds:
            self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        """The line that `systemctl status` shows."""
        self._send("STATUS=" + text.replace("\n", " "))

    def stopping(self) -> None:
        """The end has begun."""
        self._send("STOPPING=1")

    def _send(self, text: str) -> None:
        if self._notify is not None:
            self._notify(text)


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

"""The client of systemd, on a real notification socket, and the way of log records to its journal."""

import importlib.util
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pi_classifier.system.systemd import SystemdClient, journal_listens
from tests.running import Program
from tests.waiting import DEADLINE_SECONDS

Run = Callable[..., Program]

needs_systemd_python = pytest.mark.skipif(
    importlib.util.find_spec("systemd") is None, reason="systemd-python is not installed (it needs libsystemd-dev)"
)


class Listener:
    """The service manager's end of NOTIFY_SOCKET."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.settimeout(DEADLINE_SECONDS)
        self.heard: list[str] = []

    def wait_for(self, word: str) -> str:
        """The next message that contains `word`."""
        while True:
            message = self._socket.recv(4096).decode()
            self.heard.append(message)
            if word in message:
                return message

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    """A service manager that listens."""
    one = Listener(tmp_path / "notify")
    yield one
    one.close()


@needs_systemd_python
def test_ready_after_the_first_prediction_and_alive_by_progress(program: Run, listener: Listener) -> None:
    """Protects Type=notify: ready with the first prediction, then beats, a status of what is seen, stop."""
    running = program(
        "run", "--source", "synthetic:", "--weights", "untrained", "--metrics-listen", "",
        environment={"NOTIFY_SOCKET": str(listener.path), "WATCHDOG_USEC": "2000000"},
    )  # fmt: skip
    listener.wait_for("READY=1")
    assert all(message.startswith("STATUS=") for message in listener.heard[:-1])
    for _ in range(3):
        listener.wait_for("WATCHDOG=1")
    assert "camera " in listener.wait_for("fps |")
    running.stop()
    listener.wait_for("STOPPING=1")
    assert running.wait().returncode == 0


@needs_systemd_python
def test_waiting_for_a_camera_is_ready(program: Run, listener: Listener, tmp_path: Path) -> None:
    """Protects a boot without a camera: the service starts, its status says what it waits for, it is not killed."""
    running = program(
        "run", "--source", "v4l2:/dev/video999", "--weights", "untrained", "--metrics-listen", "",
        environment={"NOTIFY_SOCKET": str(listener.path), "WATCHDOG_USEC": "400000"},
    )  # fmt: skip
    listener.wait_for("READY=1")
    for _ in range(5):
        listener.wait_for("WATCHDOG=1")
    assert "camera disconnected: /dev/video999: no such camera" in listener.wait_for("camera disconnected")
    running.stop()
    assert running.wait().returncode == 0


def test_silence_where_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects a start by hand: without a notification socket nothing is needed and nothing is said."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    manager = SystemdClient.of_this_process()
    assert not manager.listens
    assert manager.watchdog_seconds == 0
    manager.ready()
    manager.alive()
    manager.status("x")
    manager.stopping()


@needs_systemd_python
def test_environment_names_socket_and_watchdog(monkeypatch: pytest.MonkeyPatch, listener: Listener) -> None:
    """Protects the way to systemd: what its environment variables name is heard there, and waited for as long."""
    monkeypatch.setenv("NOTIFY_SOCKET", str(listener.path))
    monkeypatch.setenv("WATCHDOG_USEC", "30500000")
    manager = SystemdClient.of_this_process()
    assert manager.listens
    assert manager.watchdog_seconds == 30.5
    manager.ready()
    assert listener.wait_for("READY") == "READY=1"
    monkeypatch.delenv("WATCHDOG_USEC")
    assert SystemdClient.of_this_process().watchdog_seconds == 0


def test_messages_are_those_of_sd_notify() -> None:
    """Protects the protocol: each word is one assignment on one line, as sd_notify(3) spells it."""
    heard: list[str] = []
    manager = SystemdClient(heard.append, watchdog_seconds=10)
    manager.status("two\nlines")
    manager.ready()
    manager.alive()
    manager.stopping()
    assert heard == ["STATUS=two lines", "READY=1", "WATCHDOG=1", "STOPPING=1"]


def test_no_watchdog_is_fed_where_there_is_none() -> None:
    """Protects a unit without WatchdogSec=: it is not woken with beats that nobody asked for."""
    heard: list[str] = []
    manager = SystemdClient(heard.append)
    manager.ready()
    manager.alive()
    assert heard == ["READY=1"]


def test_missing_systemd_python_is_reported(program: Run, tmp_path: Path) -> None:
    """Protects from a start that silently never gets ready: exit 78 and what to install."""
    hide = tmp_path / "hide"
    (hide / "systemd").mkdir(parents=True)
    (hide / "systemd" / "__init__.py").write_text("raise ImportError", encoding="utf-8")
    running = program(
        "run", "--source", "synthetic:", environment={"NOTIFY_SOCKET": "/nowhere", "PYTHONPATH": str(hide)}
    )
    result = running.wait()
    assert result.returncode == 78
    assert "apt install python3-systemd" in result.stderr


def test_journal_is_recognised_by_its_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects a terminal that inherited JOURNAL_STREAM from its desktop: only a stderr that is the stream counts."""
    with open("/dev/null", "wb") as null:  # noqa: PTH123
        monkeypatch.setattr(sys, "stderr", null)
        itself = os.fstat(null.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{itself.st_dev}:{itself.st_ino}")
        assert journal_listens()
        monkeypatch.setenv("JOURNAL_STREAM", f"{itself.st_dev}:{itself.st_ino + 1}")
        assert not journal_listens()
        monkeypatch.setenv("JOURNAL_STREAM", "nonsense")
        assert not journal_listens()
        monkeypatch.delenv("JOURNAL_STREAM")
        assert not journal_listens()


HANDLERS = (
    "import logging; from pi_classifier.system.systemd import log_to_journal; logging.basicConfig(); log_to_journal(); "
    "print(*(type(handler).__name__ for handler in logging.getLogger().handlers))"
)
"""Prints where log records go."""


@needs_systemd_python
def test_records_go_to_the_journal_alone() -> None:
    """Protects the journal from every record twice: its handler takes the place of the one to stderr."""
    assert _printed(HANDLERS) == "JournalHandler"


def test_records_stay_on_stderr_without_systemd_python() -> None:
    """Protects the log where systemd-python is missing: records stay the lines that they were."""
    assert _printed(f"import sys; sys.modules['systemd'] = None; {HANDLERS}") == "StreamHandler"


def _printed(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()

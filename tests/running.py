"""The program as its user runs it: a process, its output, its exit code."""

import queue
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence


class Program:
    """A running process whose lines can be waited for."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], deadline_seconds: float) -> None:
        self._deadline_seconds = deadline_seconds
        self._process = subprocess.Popen(
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self.lines: list[str] = []
        """What has come on stdout."""
        self.notices: list[str] = []
        """What has come on stderr."""
        self._news: queue.Queue[None] = queue.Queue()
        self._readers = [
            threading.Thread(target=self._read, args=(self._process.stdout, self.lines), daemon=True),
            threading.Thread(target=self._read, args=(self._process.stderr, self.notices), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        """Wait until the output fulfils a condition."""
        deadline = time.monotonic() + self._deadline_seconds
        while not condition():
            running = any(reader.is_alive() for reader in self._readers)
            if not running and condition():
                return
            remaining = deadline - time.monotonic()
            assert running, f"ended before {what}: {self.lines} {self.notices}"
            assert remaining > 0, f"no {what} within {self._deadline_seconds} s: {self.lines} {self.notices}"
            try:
                self._news.get(timeout=min(remaining, 0.2))
            except queue.Empty:
                continue

    def wait_for_line(self, text: str) -> str:
        """Wait for a line on stdout that contains `text`; returns it."""
        self.wait_for(lambda: any(text in line for line in self.lines), f"line with {text!r}")
        return next(line for line in self.lines if text in line)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Send a signal and wait for the end; returns how many seconds that took."""
        sent = time.monotonic()
        self._process.send_signal(number)
        self._process.wait(self._deadline_seconds)
        return time.monotonic() - sent

    def wait(self) -> subprocess.CompletedProcess[str]:
        """Wait for the process to end by itself."""
        self._process.wait(self._deadline_seconds)
        for reader in self._readers:
            reader.join(self._deadline_seconds)
        return subprocess.CompletedProcess(
            self._process.args, self._process.returncode, "\n".join(self.lines), "\n".join(self.notices)
        )

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def kill(self) -> None:
        """End it whatever it does."""
        self._process.kill()
        self._process.wait()
        for reader in self._readers:
            reader.join()
        for stream in (self._process.stdout, self._process.stderr):
            if stream:
                stream.close()

    def _read(self, stream: object, into: list[str]) -> None:
        for line in stream:  # type: ignore[attr-defined]
            into.append(line.rstrip("\n"))
            self._news.put(None)


def unused_port() -> int:
    """A TCP port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

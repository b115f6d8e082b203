"""The process of a `gst_server.py`: started, stopped and started again."""

import json
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Literal, Self

import pytest

from tests.waiting import DEADLINE_SECONDS

PROGRAM = Path(__file__).with_name("gst_server.py")
PYTHON = Path("/usr/bin/python3")
"""Debian's, which has GStreamer's bindings."""


@dataclass(frozen=True, slots=True)
class Mount:
    """What one camera sends. Each frame shows its number: `numbered.number_in`."""

    codec: Literal["h264", "h265"] = "h264"
    width: int = 320
    height: int = 240
    fps: float = 15.0
    key_frame_seconds: float = 1.0
    b_frames: int = 0
    phase_seconds: float = 0.0
    """By which its frames are due later than those of a mount with 0."""
    scenes: str = ""
    """A file of raw pictures of that size, I420, which are shown in turn beneath the numbers; else blobs that move."""
    scene_frames: int = 30
    """That each of them is shown for."""


class GstProcess:
    """A server that keeps its port, and whose numbers go on, whatever happens to its process.

    A number belongs to a moment, from the first construction on: none comes again after a restart, and what was due
    while no process ran is never sent.
    """

    def __init__(self, mounts: Mapping[str, Mount], port: int, **config: Any) -> None:
        """`config`: the rest of what gst_server.py takes."""
        shown = {name: asdict(mount) for name, mount in mounts.items()}
        self._config = {"epoch": time.monotonic(), "mounts": shown, **config}
        self._sent: dict[str, dict[int, float]] = {name: {} for name in mounts}
        self._process: subprocess.Popen[str] | None = None
        self.port = port
        """Of 127.0.0.1; 0 until the first start, where the server was to choose."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        """Of the process that runs."""
        return self._running().pid

    def start(self) -> None:
        """Returns when the port accepts connections; skips the test where something is not installed."""
        assert not self._process, "it runs already"
        if not PYTHON.exists():
            pytest.skip(f"{PYTHON} is missing: apt install python3")
        config = json.dumps({**self._config, "port": self.port})
        command = [str(PYTHON), "-I", str(PROGRAM), config]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        answer: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout, answer), daemon=True)
        self._reader.start()
        self._hear(answer.get(timeout=DEADLINE_SECONDS))

    def restart(self) -> None:
        """End it by SIGKILL, if it runs, and start it on the same port."""
        self.kill()
        self.start()

    def terminate(self) -> None:
        """SIGTERM; returns when it has ended. The kernel closes its connections."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL, if it runs, frozen or not; returns when it has ended."""
        if self._process:
            self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """SIGSTOP; returns when it has stopped. The kernel still accepts connections, and nobody answers them."""
        self._running().send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED)

    def thaw(self) -> None:
        """SIGCONT."""
        self._running().send_signal(signal.SIGCONT)

    def sent(self, mount: str) -> dict[int, float]:
        """When each frame so far was given to the encoder, by its number; seconds of `time.monotonic()`."""
        return self._sent[mount].copy()

    def _running(self) -> subprocess.Popen[str]:
        assert self._process, "it does not run"
        return self._process

    def _hear(self, answer: str) -> None:
        word, _, rest = answer.strip().partition(" ")
        if word == "ready":
            self.port = int(rest)
            return
        self.kill()
        if word == "missing":
            pytest.skip(f"not installed: apt install {rest}")
        raise AssertionError(f"the server does not start: {answer or 'it died'}")

    def _read(self, lines: IO[str], answer: queue.SimpleQueue[str]) -> None:
        answer.put(lines.readline())
        for line in lines:
            mount, number, seconds = line.split()
            self._sent[mount][int(number)] = float(seconds)

    def _end(self, how: signal.Signals) -> None:
        process = self._running()
        process.send_signal(how)
        process.wait(DEADLINE_SECONDS)
        self._reader.join(DEADLINE_SECONDS)
        for stream in (process.stdin, process.stdout):
            assert stream
            stream.close()
        self._process = None

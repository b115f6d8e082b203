"""A CSI camera through `rpicam-vid`, a child process that writes raw frames to a pipe."""

import atexit
import itertools
import os
import re
import select
import shutil
import subprocess
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import IO, cast

import cv2
import numpy as np

from pi_classifier.contracts.frame import Frame
from pi_classifier.errors import CameraLost, CaptureTimeout
from pi_classifier.sources.csi.failure import REMEDY, SILENCE_SECONDS, START_SECONDS, camera_failure
from pi_classifier.sources.pixel_formats import decoder

STOP_SECONDS = 1.0
"""How long a terminated child may take before it is killed."""
LIST_SECONDS = 10.0
PROGRAMS = ("rpicam-vid", "libcamera-vid")
"""Its name, and the one it had until 2023."""
ROW_ALIGNMENT = 128
"""rpicam-vid writes rows as the ISP pads them: to 64 bytes on a Pi 4, to 128 on a Pi 5. Multiples of 128 need none."""

_LISTED = re.compile(r"^\d+ : (\S+) \[(?!.*/usb)", re.MULTILINE)

# rpicam-vid's raw frames are full-range, as a JPEG's; OpenCV's conversion expects the range of television.
_BYTES = np.arange(256)
_LUMA = np.rint(16 + _BYTES * 219 / 255).astype(np.uint8)
_CHROMA = np.rint(128 + (_BYTES - 128) * 224 / 255).astype(np.uint8)


def find_program() -> str | None:
    """Where rpicam-vid is; None if it is not installed."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


def list_models(program: str) -> list[str]:
    """The models of the CSI cameras, in order of their numbers; empty where the program cannot tell."""
    command = [program, "--list-cameras"]
    try:
        listing = subprocess.run(command, capture_output=True, timeout=LIST_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return _LISTED.findall(listing.stdout.decode(errors="replace"))


class RpicamVid:
    """A CSI camera through `rpicam-vid`, a child process that runs while `frames()` does."""

    pace_fps: float | None = None  # frames come when the camera sends them

    def __init__(self, camera: str, number: int, program: str, *, width: int, height: int, fps: float) -> None:
        """`width` is rounded up until rows need no padding, `height` until it is even."""
        self._camera = camera
        self._name = f"CSI camera {number}"
        self._width = -(-width // ROW_ALIGNMENT) * ROW_ALIGNMENT
        self._height = height + height % 2
        self._numbers = itertools.count()
        self._command = [
            program, "--verbose=0", "--nopreview", "--timeout", "0", "--camera", str(number),
            "--width", str(self._width), "--height", str(self._height), "--framerate", f"{fps:g}",
            "--codec", "yuv420", "--flush", "--output", "-",
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self._name} through rpicam-vid, {self._width}x{self._height}"

    def frames(self) -> Generator[Frame, None, None]:
        """Start the child and yield its frames, stamped on arrival: they carry no time of their own.

        Raises:
            CameraLost: the child could not start, or ended.
            CaptureTimeout: no picture for `SILENCE_SECONDS`, or no first one for `START_SECONDS`.
        """
        sent = np.empty((self._height * 3 // 2, self._width), np.uint8)
        limited = np.empty_like(sent)
        pixels = np.empty((self._height, self._width, 3), np.uint8)
        decode = decoder("YU12", self._width, self._height, 0)
        patience = START_SECONDS
        with _running(self._command, self._name) as child:
            while True:
                child.fill(sent.reshape(-1).data, patience)
                captured_at = time.monotonic()
                cv2.LUT(sent[: self._height], _LUMA, dst=limited[: self._height])
                cv2.LUT(sent[self._height :], _CHROMA, dst=limited[self._height :])
                decode(limited.reshape(-1), pixels)
                yield Frame(self._camera, next(self._numbers), captured_at, pixels)
                patience = SILENCE_SECONDS


class _Child:
    """What a child writes: pictures to a pipe, complaints to a file in memory, which never makes it wait."""

    def __init__(self, name: str, pictures: IO[bytes], complaints: IO[bytes]) -> None:
        self._name = name
        self._pictures = pictures.fileno()
        self._complaints = complaints
        self._poll = select.poll()
        self._poll.register(self._pictures, select.POLLIN)

    def fill(self, picture: memoryview, seconds: float) -> None:
        """Read one whole picture within so many seconds."""
        deadline = time.monotonic() + seconds
        while picture:
            if not self._poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                raise CaptureTimeout(f"{self._name} sends nothing for {seconds:g} s", remedy=REMEDY)
            count = os.readv(self._pictures, [picture])
            if count == 0:
                raise camera_failure(self._name, self._last_words())
            picture = picture[count:]

    def _last_words(self) -> str:
        self._complaints.seek(0)
        lines = self._complaints.read().decode(errors="replace").split("\n")
        words = next((line for line in reversed(lines) if line.strip()), "rpicam-vid ended without a message")
        return words.strip().removeprefix("ERROR: ").strip("* ")


@contextmanager
def _running(command: list[str], name: str) -> Iterator[_Child]:
    with os.fdopen(os.memfd_create("complaints"), "r+b") as complaints:
        try:
            # In a session of its own: Ctrl-C in a terminal is for us, who then stop the child.
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=complaints,
                start_new_session=True,
            )
        except OSError as error:
            raise CameraLost(
                f"{name}: {command[0]}: {error.strerror}", remedy="'sudo apt install rpicam-apps-lite'"
            ) from None
        # The capture thread may be left behind when the process ends; a child that hangs would outlive it.
        atexit.register(process.kill)
        with process:
            try:
                yield _Child(name, cast("IO[bytes]", process.stdout), complaints)
            finally:
                process.terminate()
                try:
                    process.wait(STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()
                atexit.unregister(process.kill)

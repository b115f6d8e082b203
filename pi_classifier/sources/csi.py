"""CSI cameras on Raspberry Pi OS Bookworm and later, where libcamera alone can drive them.

Their V4L2 nodes hold raw sensor data there. Two ways lead to pictures: picamera2, a Python package that comes from apt,
and `rpicam-vid`, a program that writes frames to a pipe and needs nothing of our Python.
"""

import atexit
import importlib
import importlib.util
import itertools
import logging
import os
import re
import select
import shutil
import subprocess
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import IO, Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from pi_classifier.errors import CameraLost, CameraUnsupported, CaptureTimeout
from pi_classifier.frame import Frame
from pi_classifier.pixel_formats import decoder

SILENCE_SECONDS = 2.0
"""A camera that completes no picture for so long is taken for lost."""
START_SECONDS = 8.0
"""The first picture may take longer: libcamera tries every mode of the sensor before it starts."""
STOP_SECONDS = 1.0
"""How long a terminated child may take before it is killed."""
LIST_SECONDS = 10.0
PROGRAMS = ("rpicam-vid", "libcamera-vid")
"""Its name, and the one it had until 2023."""
ROW_ALIGNMENT = 128
"""rpicam-vid writes rows as the ISP pads them: to 64 bytes on a Pi 4, to 128 on a Pi 5. Multiples of 128 need none."""
REMEDY = "check its cable, and 'pi-classifier boot-config status'"

_LISTED = re.compile(r"^\d+ : (\S+) \[(?!.*/usb)", re.MULTILINE)
_CONTINUOUS_AUTOFOCUS = 2

# rpicam-vid's raw frames are full-range, as a JPEG's; OpenCV's conversion expects the range of television.
_BYTES = np.arange(256)
_LUMA = np.rint(16 + _BYTES * 219 / 255).astype(np.uint8)
_CHROMA = np.rint(128 + (_BYTES - 128) * 224 / 255).astype(np.uint8)

logger = logging.getLogger(__name__)


def csi_cameras() -> list[str]:
    """The models of the CSI cameras, in order of their numbers; empty where nothing can tell."""
    library = _picamera2()
    if library is not None:
        try:
            return _models(library)
        except RuntimeError:
            return []
    program = _program()
    if program is None:
        return []
    command = [program, "--list-cameras"]
    try:
        listing = subprocess.run(command, capture_output=True, timeout=LIST_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return _LISTED.findall(listing.stdout.decode(errors="replace"))


def csi_camera(camera: str, number: int, *, width: int, height: int, fps: float) -> "Picamera2Camera | RpicamVid":
    """A CSI camera by its number, through what this machine has; the camera need not be there yet.

    Raises:
        CameraUnsupported: neither picamera2 nor rpicam-vid is there.
    """
    library = _picamera2()
    if library is not None:
        return Picamera2Camera(camera, number, library, width=width, height=height, fps=fps)
    program = _program()
    if program is not None:
        return RpicamVid(camera, number, program, width=width, height=height, fps=fps)
    raise CameraUnsupported(
        f"CSI camera {number}: neither rpicam-vid nor picamera2 is there; "
        "'sudo apt install rpicam-apps-lite' (or python3-picamera2)"
    )


class RpicamVid:
    """A CSI camera through `rpicam-vid`, a child process that runs while `frames()` does."""

    fps: float | None = None  # frames come when the camera sends them

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
                raise CaptureTimeout(f"{self._name} sends nothing for {seconds:g} s; {REMEDY}")
            count = os.readv(self._pictures, [picture])
            if count == 0:
                raise CameraLost(f"{self._name}: {self._last_words()}; {REMEDY}")
            picture = picture[count:]

    def _last_words(self) -> str:
        self._complaints.seek(0)
        lines = self._complaints.read().decode(errors="replace").split("\n")
        words = next((line for line in reversed(lines) if line.strip()), "rpicam-vid ended without a word")
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
            raise CameraLost(f"{name}: {command[0]}: {error.strerror}; 'sudo apt install rpicam-apps-lite'") from None
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


class Picamera2Camera:
    """A CSI camera through picamera2; it is opened by `frames()` and not before."""

    fps: float | None = None  # frames come when the camera sends them

    def __init__(self, camera: str, number: int, library: ModuleType, *, width: int, height: int, fps: float) -> None:
        """`library` is picamera2."""
        self._camera = camera
        self._number = number
        self._library = library
        self._size = (width, height)
        self._microseconds = round(1e6 / fps)
        self._numbers = itertools.count()

    def __str__(self) -> str:
        return f"CSI camera {self._number} through picamera2"

    def frames(self) -> Generator[Frame, None, None]:
        """Open the camera and yield its frames, stamped by the sensor's driver.

        Raises:
            CameraLost: absent, busy, or libcamera gave up.
            CaptureTimeout: no picture for `SILENCE_SECONDS`, or no first one for `START_SECONDS`.
        """
        try:
            with self._started() as camera:
                yield from self._stream(camera)
        except TimeoutError:
            raise CaptureTimeout(f"CSI camera {self._number} sends nothing; {REMEDY}") from None
        except (RuntimeError, OSError) as error:
            raise CameraLost(f"CSI camera {self._number}: {error}; close what else uses it, or {REMEDY}") from None

    @contextmanager
    def _started(self) -> Iterator[Any]:
        # Asked before it is opened: every attempt at a camera that is not there costs picamera2 a descriptor.
        if self._number >= len(_models(self._library)):
            raise CameraLost(f"CSI camera {self._number}: no such camera; {REMEDY}")
        camera = self._library.Picamera2(self._number)
        try:
            controls: dict[str, object] = {"FrameDurationLimits": (self._microseconds, self._microseconds)}
            if "AfMode" in camera.camera_controls:
                controls["AfMode"] = _CONTINUOUS_AUTOFOCUS
            # libcamera names a format by the pixel as a little-endian number: its RGB888 is B, G, R in memory.
            main = {"size": self._size, "format": "RGB888"}
            camera.configure(camera.create_video_configuration(main=main, controls=controls))
            camera.start()
            yield camera
        finally:
            camera.close()

    def _stream(self, camera: Any) -> Generator[Frame, None, None]:
        width, height = camera.camera_configuration()["main"]["size"]
        pixels: NDArray[np.uint8] = np.empty((height, width, 3), np.uint8)
        patience = START_SECONDS
        while True:
            request = camera.capture_request(wait=patience)
            try:
                with self._library.MappedArray(request, "main") as mapped:
                    np.copyto(pixels, mapped.array)
                captured_at = _captured_at(request.get_metadata())
            finally:
                request.release()
            yield Frame(self._camera, next(self._numbers), captured_at, pixels)
            patience = SILENCE_SECONDS


def _captured_at(metadata: Mapping[str, int]) -> float:
    """The driver's timestamp, which is on the clock of `time.monotonic()`; now, should it be on any other."""
    now = time.monotonic()
    stamp = metadata.get("SensorTimestamp", 0) * 1e-9
    return stamp if 0 <= now - stamp < SILENCE_SECONDS else now


def _models(library: ModuleType) -> list[str]:
    # picamera2 numbers libcamera's cameras as rpicam-vid does, but USB cameras come behind the others.
    return [info["Model"] for info in library.Picamera2.global_camera_info() if "/usb" not in info["Id"]]


def _picamera2() -> ModuleType | None:
    if importlib.util.find_spec("picamera2") is None:
        return None
    try:
        return importlib.import_module("picamera2")
    except (ImportError, AttributeError, ValueError) as error:
        # apt's packages are built for the system's NumPy and Python, which need not be ours.
        logger.info("picamera2 is installed but does not load (%s); trying rpicam-vid", str(error).partition("\n")[0])
        return None


def _program() -> str | None:
    return next(filter(None, map(shutil.which, PROGRAMS)), None)

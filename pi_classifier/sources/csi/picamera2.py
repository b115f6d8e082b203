"""A CSI camera through picamera2, a Python package that comes from apt."""

import importlib
import importlib.util
import itertools
import logging
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np

from pi_classifier.contracts.frame import Frame, Pixels
from pi_classifier.errors import CaptureTimeout
from pi_classifier.sources.csi.failure import REMEDY, SILENCE_SECONDS, START_SECONDS, camera_failure

_CONTINUOUS_AUTOFOCUS = 2

logger = logging.getLogger(__name__)


def load_library() -> ModuleType | None:
    """picamera2; None where it is not installed, or does not load."""
    if importlib.util.find_spec("picamera2") is None:
        return None
    try:
        return importlib.import_module("picamera2")
    except (ImportError, AttributeError, ValueError) as error:
        # apt's packages are built for the system's NumPy and Python, which need not be ours.
        logger.info("picamera2 is installed but does not load (%s); trying rpicam-vid", str(error).partition("\n")[0])
        return None


def list_models(library: ModuleType) -> list[str]:
    """The models of the CSI cameras, in order of their numbers. Raises RuntimeError where libcamera fails."""
    # picamera2 numbers libcamera's cameras as rpicam-vid does, but USB cameras come behind the others.
    return [info["Model"] for info in library.Picamera2.global_camera_info() if "/usb" not in info["Id"]]


class Picamera2Camera:
    """A CSI camera through picamera2; it is opened by `frames()` and not before."""

    pace_fps: float | None = None  # frames come when the camera sends them

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
            raise CaptureTimeout(f"CSI camera {self._number} sends nothing", remedy=REMEDY) from None
        except (RuntimeError, OSError) as error:
            raise camera_failure(f"CSI camera {self._number}", str(error)) from None

    @contextmanager
    def _started(self) -> Iterator[Any]:
        # Asked before it is opened: every attempt at a camera that is not there costs picamera2 a descriptor.
        if self._number >= len(list_models(self._library)):
            raise camera_failure(f"CSI camera {self._number}", "no such camera")
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
        pixels: Pixels = np.empty((height, width, 3), np.uint8)
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

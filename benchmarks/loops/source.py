"""The camera of a benchmark as the daemon's frame source."""

import itertools
import threading
from collections.abc import Generator

import numpy as np

from benchmarks.loops.camera import Camera
from pi_classifier.contracts.frame import Frame, Pixels


class CameraSource:
    """The camera as a frame source. One that is always ready is asked again once the model has the last frame."""

    def __init__(self, camera: Camera, *, ready: bool) -> None:
        self.pace_fps: float | None = None
        self._camera = camera
        self._ahead = threading.Semaphore(1) if ready else None

    def frames(self) -> Generator[Frame, None, None]:
        """Frames without end."""
        pixels: Pixels | None = None
        for number in itertools.count():
            if self._ahead:
                self._ahead.acquire()
            captured_at, picture = self._camera.read()
            if pixels is None:
                pixels = np.empty_like(picture)
            np.copyto(pixels, picture)  # as from the driver's buffer
            yield Frame("camera", number, captured_at, pixels)

    def taken(self) -> None:
        """The model has the newest frame: another may be fetched."""
        if self._ahead:
            self._ahead.release()

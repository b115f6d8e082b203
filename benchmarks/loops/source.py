"""The camera of a benchmark as the daemon's frame source."""

import itertools
import threading
from collections.abc import Callable, Generator

import numpy as np

from benchmarks.loops.camera import Camera
from pi_classifier.contracts.frame import Frame, Pixels
from pi_classifier.contracts.job import Tensor
from pi_classifier.contracts.model import Outputs
from pi_classifier.contracts.prediction import Result

Decode = Callable[[Pixels, Pixels | None], Pixels]
"""From a driver's buffer to pixels: into those that were given the last time, or None at first."""


def copied(picture: Pixels, out: Pixels | None) -> Pixels:
    """Pixels that are what the driver has."""
    out = np.empty_like(picture) if out is None else out
    np.copyto(out, picture)
    return out


class CameraSource:
    """The camera as a frame source. One that is always ready is asked again once the model has the last frame."""

    def __init__(self, camera: Camera, *, ready: bool, decode: Decode = copied) -> None:
        """`decode`: makes pixels of what the camera's driver has."""
        self.pace_fps: float | None = None
        self._camera = camera
        self._decode = decode
        self._ahead = threading.Semaphore(1) if ready else None

    def frames(self) -> Generator[Frame, None, None]:
        """Frames without end."""
        pixels: Pixels | None = None
        for number in itertools.count():
            if self._ahead:
                self._ahead.acquire()
            captured_at, picture = self._camera.read()
            pixels = self._decode(picture, pixels)
            yield Frame("camera", number, captured_at, pixels)

    def taken(self) -> None:
        """The model has the newest frame: another may be fetched."""
        if self._ahead:
            self._ahead.release()


class TakingPredictor:
    """A model's way, which lets a camera that is always ready go on. A `Predictor`."""

    def __init__(self, infer: Callable[[Tensor], Outputs], decode: Callable[..., Result], source: CameraSource) -> None:
        """`infer` and `decode`: the model's, perhaps watched. `source`: gives it frames."""
        self._infer = infer
        self._source = source
        self.decode = decode

    def infer(self, tensor: Tensor) -> Outputs:
        """Let the camera go on, and run the model."""
        self._source.taken()
        return self._infer(tensor)

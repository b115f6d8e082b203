"""Stands in for the package picamera2: as much of its interface as is used, with the same surprises.

A test copies it under the real name and sets the attributes of `Picamera2` to say how it shall go.
"""

import os
import time
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray


class Request:
    """A completed request: a picture of one colour, whose rows are padded."""

    def __init__(self, camera: "Picamera2", number: int) -> None:
        self.camera = camera
        self.number = number

    def get_metadata(self) -> dict[str, Any]:
        """Nanoseconds, as the driver stamps them."""
        return {"SensorTimestamp": self.camera.clock(), "ExposureTime": 1000}

    def release(self) -> None:
        """Give the buffer back."""
        self.camera.lent -= 1


class MappedArray:
    """The picture in the camera's memory, for as long as it is entered."""

    def __init__(self, request: Request, stream: str) -> None:
        width, height = request.camera.configuration[stream]["size"]
        memory = np.zeros((height, 3 * width + 32), np.uint8)
        self.array: NDArray[np.uint8] = memory[:, : 3 * width].reshape(height, width, 3)
        # 'RGB888' is blue, green, red in memory, and 'BGR888' the other way round.
        blue_green_red = (200, 100, request.number)
        in_order = request.camera.configuration[stream]["format"] == "RGB888"
        self.array[:] = blue_green_red if in_order else blue_green_red[::-1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        del self.array


class Picamera2:
    """A camera of few words. While it is open it holds a descriptor, as the real one does."""

    attached: ClassVar[list[dict[str, Any]]] = [
        {"Model": "imx708", "Id": "/base/soc/i2c0mux/i2c@1/imx708@1a", "Num": 1},
        {"Model": "HD Webcam", "Id": "/base/scb/pcie@7d500000/usb@0,0-1:1.0-046d:082d", "Num": 0},
    ]
    busy = False
    frames_until_silence = 1000
    camera_controls: ClassVar[dict[str, tuple[int, int, int]]] = {"AfMode": (0, 2, 0)}
    opened: ClassVar[list["Picamera2"]] = []
    """Every camera ever opened."""

    def __init__(self, camera_num: int = 0) -> None:
        self.info = self.attached[camera_num]
        if self.busy:
            raise RuntimeError("Camera __init__ sequence did not complete.")
        self._device = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        self.configuration: dict[str, Any] = {}
        self.started = self.closed = False
        self.served = self.lent = 0
        self.opened.append(self)

    @staticmethod
    def global_camera_info() -> list[dict[str, Any]]:
        """The cameras, those on USB last."""
        return Picamera2.attached

    @staticmethod
    def clock() -> int:
        """The driver's time of a picture."""
        return time.monotonic_ns()

    def create_video_configuration(self, *, main: dict[str, Any], controls: dict[str, Any]) -> dict[str, Any]:
        """Widths become even."""
        width, height = main["size"]
        return {"main": {**main, "size": (width - width % 2, height)}, "controls": controls}

    def configure(self, configuration: dict[str, Any]) -> None:
        """Take it."""
        self.configuration = configuration

    def camera_configuration(self) -> dict[str, Any]:
        """What was settled for."""
        return self.configuration

    def start(self) -> None:
        """Begin."""
        self.started = True

    def capture_request(self, wait: float) -> Request:
        """The next picture. Raises TimeoutError after `wait` seconds; this one does not keep anybody waiting."""
        assert self.started
        assert wait > 0
        assert self.lent == 0
        if self.served == self.frames_until_silence:
            raise TimeoutError
        self.served += 1
        self.lent += 1
        return Request(self, self.served - 1)

    def close(self) -> None:
        """Stop and release."""
        os.close(self._device)
        self.closed = True

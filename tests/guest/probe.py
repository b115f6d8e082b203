"""Runs in the guest: uses the project's camera code as stdin asks for, one JSON object a line either way.

A request names a function below and its arguments; the answer is {"result": ...}, or {"error": class, "problem": text,
"remedy": text}.
"""

import hashlib
import json
import logging
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path

from pi_classifier.contracts.frame import Frame
from pi_classifier.errors import PiClassifierError
from pi_classifier.sources.v4l2.camera import V4L2Camera, find_cameras

cameras: dict[str, V4L2Camera] = {}
streams: dict[str, Generator[Frame, None, None]] = {}
said: list[str] = []


class Listener(logging.Handler):
    """Keeps what the code logs."""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one message."""
        said.append(record.getMessage())


def heard() -> list[str]:
    """What the code has logged since the last call."""
    messages = said.copy()
    said.clear()
    return messages


def find(busy: bool) -> list[dict[str, object]]:
    """The cameras of this machine."""
    return [{**camera._asdict(), "node": str(camera.node)} for camera in find_cameras(busy=busy)]


def create(name: str, node: str, width: int, height: int, fps: float) -> None:
    """A camera, not opened yet."""
    cameras[name] = V4L2Camera(name, Path(node), width=width, height=height, fps=fps)


def read(name: str, count: int) -> list[dict[str, object]]:
    """The next frames of a camera, which is opened if it is not open."""
    if name not in streams:
        streams[name] = cameras[name].frames()
    try:
        return [_described(next(streams[name])) for _ in range(count)]
    except PiClassifierError:
        del streams[name]
        raise


def release(name: str) -> None:
    """Close a camera."""
    if name in streams:
        streams.pop(name).close()


def _described(frame: Frame) -> dict[str, object]:
    height, width, _ = frame.pixels.shape
    return {
        "camera": frame.camera,
        "sequence": frame.sequence,
        "captured_at": frame.captured_at,
        "read_at": time.monotonic(),
        "width": width,
        "height": height,
        "mean_bgr": frame.pixels.mean(axis=(0, 1)).tolist(),
        "digest": hashlib.sha256(frame.pixels.tobytes()).hexdigest(),
        "corrupt": frame.corrupt,
    }


def main() -> None:
    """Answer until stdin ends."""
    logging.basicConfig(level=logging.INFO, handlers=[Listener()])
    functions: dict[str, Callable[..., object]] = {
        function.__name__: function for function in (find, create, read, release, heard)
    }
    for line in sys.stdin:
        name, arguments = json.loads(line)
        try:
            answer: dict[str, object] = {"result": functions[name](**arguments)}
        except PiClassifierError as error:
            answer = {"error": type(error).__name__, "problem": error.problem, "remedy": error.remedy}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()

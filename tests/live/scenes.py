"""Four RTSP cameras that show real pictures in turn, each with the number of its frame, for a detector to look at."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from pi_classifier.contracts.frame import Pixels
from tests.live.page import camera
from tests.streams.gst_process import Mount
from tests.streams.servers import RtspServer

WIDTH, HEIGHT, FPS = 640, 480, 5.0
FRAMES = 15
"""That a picture is shown for: three seconds."""
NAMES = ("front", "yard", "hall", "gate")
MODEL = "yolox_nano_416.onnx"


class Scenes(NamedTuple):
    """What the cameras show."""

    pictures: list[Pixels]
    """BGR, WIDTH x HEIGHT."""
    config: str
    """The cameras, as TOML."""

    def shown(self, name: str, number: int) -> int:
        """Which of the pictures a camera showed in a frame: each begins with another one."""
        return (number // FRAMES + NAMES.index(name)) % len(self.pictures)


def fitted(picture: Pixels) -> Pixels:
    """As much of the middle of a picture as there is room for."""
    height, width = picture.shape[:2]
    scale = max(WIDTH / width, HEIGHT / height)
    large = cv2.resize(picture, (max(WIDTH, round(width * scale)), max(HEIGHT, round(height * scale))))
    top, left = (large.shape[0] - HEIGHT) // 2, (large.shape[1] - WIDTH) // 2
    return np.ascontiguousarray(large[top : top + HEIGHT, left : left + WIDTH]).astype(np.uint8)


@contextmanager
def served(pictures: Sequence[Path], folder: Path) -> Iterator[Scenes]:
    """The cameras, while the context lasts. `folder`: takes what they show."""
    shown = [fitted(np.asarray(cv2.imread(str(path)), np.uint8)) for path in pictures]
    mounts = {}
    for first, name in enumerate(NAMES):
        file = folder / f"{name}.i420"
        turn = shown[first:] + shown[:first]
        file.write_bytes(b"".join(cv2.cvtColor(one, cv2.COLOR_BGR2YUV_I420).tobytes() for one in turn))
        mounts[name] = Mount(width=WIDTH, height=HEIGHT, fps=FPS, scenes=str(file), scene_frames=FRAMES)
    with RtspServer(mounts) as server:
        yield Scenes(shown, "".join(camera(name, server.url(name)) for name in NAMES))

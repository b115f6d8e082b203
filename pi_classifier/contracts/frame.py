"""A picture on its way in, and where pictures come from."""

from collections.abc import Generator
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""uint8, height x width x 3."""


class Frame(NamedTuple):
    """One picture from one source.

    `pixels` is uint8, height x width x 3, channel order BGR (OpenCV's), C-contiguous. It is *borrowed*: the source may
    overwrite it as soon as the next frame is asked for, so whoever wants to keep it copies it.
    """

    camera: str
    """The camera's name in logs and metrics."""
    sequence: int
    """Counts the frames of this source from 0, through every reconnect."""
    captured_at: float
    """Seconds of `time.monotonic()` at which the picture was taken: the driver's own timestamp where it gives one."""
    pixels: Pixels
    corrupt: bool = False
    """The driver marked the picture as damaged, or it cannot be decoded: `pixels` shows something else."""


class FrameSource(Protocol):
    """A camera, a file, a drawn scene. Making one opens nothing, but it may look whether a file can be read.

    `str(source)` says what it is in one line, for the log.
    """

    pace_fps: float | None
    """Frames a second that its reader holds it to, so that a file behaves as a camera would; None for what sets its own
    pace."""

    def frames(self) -> Generator[Frame, None, None]:
        """Open the source and yield its frames, numbered from 0 through every call, until it ends.

        It may be called again after the end or an error, and then goes on where the source allows it. Closing the
        generator releases whatever was opened, as does an error.

        Raises:
            CaptureError: lost, or not there; to be tried again. Any other PiClassifierError: no attempt will help.
        """

"""A picture on its way in."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Frame:
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
    pixels: NDArray[np.uint8]
    corrupt: bool = False
    """The driver marked the picture as damaged, or it cannot be decoded: `pixels` shows something else."""

"""What OpenCV reads off a stream: for tests of the servers themselves, without the product."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np
import pytest

from tests.streams.numbered import number_in

TUNED = "rtsp_transport;tcp|flags;low_delay|probesize;4096|analyzeduration;0"
ONE_AT_A_TIME = threading.Lock()
"""OpenCV takes its options from the environment."""


@contextmanager
def opened(url: str, *, open_milliseconds: int = 10_000) -> Iterator[cv2.VideoCapture]:
    """What OpenCV makes of it, open or not. Of a stream that stalls it says after a second that it ends."""
    limits = (
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, open_milliseconds, cv2.CAP_PROP_READ_TIMEOUT_MSEC, 1_000,
        cv2.CAP_PROP_N_THREADS, 1,
    )  # fmt: skip
    with ONE_AT_A_TIME, pytest.MonkeyPatch.context() as environment:
        environment.setenv("OPENCV_FFMPEG_CAPTURE_OPTIONS", TUNED)
        capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG, limits)
    try:
        yield capture
    finally:
        capture.release()


def numbers(capture: cv2.VideoCapture, count: int) -> list[int]:
    """That the next frames show; fewer where the stream ends or fails."""
    seen: list[int] = []
    while len(seen) < count:
        came, pixels = capture.read()
        if not came:
            break
        seen.append(number_in(np.asarray(pixels, np.uint8)))
    return seen


def in_order(seen: list[int], sent: dict[int, float]) -> bool:
    """Whether these were sent, one after another, as far as the server had the time to send all."""
    return bool(seen) and seen == [number for number in sorted(sent) if seen[0] <= number <= seen[-1]]

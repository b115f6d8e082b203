"""Runs in the guest: feeds a v4l2loopback node with one picture until stopped, as a camera of a known size and rate.

feed.py NODE WIDTH HEIGHT FPS YUYV|RGB3|MJPG|torn PICTURE; `torn` is MJPG cut off in the middle, `grey` a plain picture.
"""

import fcntl
import os
import struct
import sys
import time

import cv2
import numpy as np
from numpy.typing import NDArray

VIDIOC_S_FMT, VIDIOC_S_PARM, VIDIOC_STREAMON = 0xC0D05605, 0xC0CC5616, 0x40045612
VIDEO_OUTPUT, TIME_PER_FRAME, FIELD_NONE, SRGB = 2, 0x1000, 1, 8
BYTES_A_PIXEL = {"YUYV": 2, "RGB3": 3, "MJPG": 0}


def yuyv(bgr: NDArray[np.uint8]) -> bytes:
    """The picture as YUYV 4:2:2 (Y0 U Y1 V), BT.601 limited range."""
    y, cr, cb = (plane.astype(int) for plane in cv2.split(cv2.cvtColor(bgr, cv2.COLOR_BGR2YCrCb)))
    packed = np.empty((*bgr.shape[:2], 2), np.uint8)
    packed[..., 0] = 16 + y * 219 // 255
    packed[:, 0::2, 1] = 128 + (cb[:, 0::2] - 128) * 224 // 255
    packed[:, 1::2, 1] = 128 + (cr[:, 0::2] - 128) * 224 // 255
    return packed.tobytes()


def encoded(bgr: NDArray[np.uint8], pixel_format: str) -> bytes:
    """The picture as the camera sends it."""
    if pixel_format == "YUYV":
        return yuyv(bgr)
    if pixel_format == "RGB3":
        return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB).tobytes()
    jpeg: bytes = cv2.imencode(".jpg", bgr)[1].tobytes()
    return jpeg[: len(jpeg) // 2] if pixel_format == "torn" else jpeg


def opened(node: str, width: int, height: int, fps: int, pixel_format: str) -> int:
    """The node, ready to be written to."""
    descriptor = os.open(node, os.O_RDWR)
    stride = width * BYTES_A_PIXEL[pixel_format]
    size = stride * height or width * height * 3
    fields = (width, height, pixel_format.encode(), FIELD_NONE, stride, size, SRGB)
    form = bytearray(208)
    struct.pack_into("<I", form, 0, VIDEO_OUTPUT)
    struct.pack_into("<II4sIIII", form, 8, *fields)
    fcntl.ioctl(descriptor, VIDIOC_S_FMT, form)
    rate = bytearray(204)
    struct.pack_into("<IIIII", rate, 0, VIDEO_OUTPUT, TIME_PER_FRAME, 0, 1, fps)
    fcntl.ioctl(descriptor, VIDIOC_S_PARM, rate)
    # Without this the driver does not notice when its feeder goes, and accepts no other.
    fcntl.ioctl(descriptor, VIDIOC_STREAMON, struct.pack("<i", VIDEO_OUTPUT))
    return descriptor


def main() -> None:
    """Write the picture at the rate."""
    node, (width, height, fps), pixel_format, picture = sys.argv[1], map(int, sys.argv[2:5]), sys.argv[5], sys.argv[6]
    bgr = np.full((height, width, 3), 128, np.uint8) if picture == "grey" else cv2.imread(picture)
    assert bgr is not None, picture
    data = encoded(cv2.resize(bgr, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8), pixel_format)
    descriptor = opened(node, width, height, fps, pixel_format.replace("torn", "MJPG"))
    due = time.monotonic()
    while True:
        os.write(descriptor, data)
        due = max(due + 1 / fps, time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    main()

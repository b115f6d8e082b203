"""What cameras send, decoded to BGR."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

CONVERSIONS: dict[str, int] = {
    "YUYV": cv2.COLOR_YUV2BGR_YUYV,
    "UYVY": cv2.COLOR_YUV2BGR_UYVY,
    "NV12": cv2.COLOR_YUV2BGR_NV12,
    "YU12": cv2.COLOR_YUV2BGR_I420,
    "BGR3": -1,
    "RGB3": cv2.COLOR_RGB2BGR,
    "GREY": cv2.COLOR_GRAY2BGR,
}
"""Uncompressed formats by V4L2's four-character code. All decode to full-range BGR as OpenCV defines it."""
COMPRESSED = ("MJPG", "JPEG")
DECODABLE = (*CONVERSIONS, *COMPRESSED)
"""Cheapest to decode first."""

_BYTES_A_PIXEL = {"YUYV": 2, "UYVY": 2, "BGR3": 3, "RGB3": 3}
_JPEG_END = b"\xff\xd9"


def decoder(code: str, width: int, height: int, stride: int) -> Callable[[Bytes, Bytes], bool]:
    """A function from a frame's bytes to pixels.

    Args:
        code: a member of `DECODABLE`.
        width: of the picture in pixels.
        height: of the picture in pixels.
        stride: bytes from one row (of the first plane) to the next; 0 where rows are packed.

    Returns:
        `decode(data, out)`: `data` is uint8, one-dimensional; `out` uint8, height x width x 3, filled with BGR.
        False if the data are damaged; `out` is then undefined.
    """
    if code in COMPRESSED:
        return _decode_jpeg
    conversion = CONVERSIONS[code]
    channels = _BYTES_A_PIXEL.get(code, 1)
    rows = height * 3 // 2 if code in ("NV12", "YU12") else height
    packed = width * channels
    stride = stride or packed

    def decode(data: Bytes, out: Bytes) -> bool:
        if data.size < rows * stride:
            return False
        image = data[: rows * stride].reshape(rows, stride)[:, :packed]
        if channels > 1:
            image = image.reshape(rows, width, channels)
        if conversion < 0:
            np.copyto(out, image)
        else:
            cv2.cvtColor(image, conversion, dst=out)
        return True

    return decode


def _decode_jpeg(data: Bytes, out: Bytes) -> bool:
    # libjpeg paints a picture that was cut off grey and only prints a warning, so the end marker is looked for first;
    # some cameras pad after it.
    if _JPEG_END not in data[-1024:].tobytes():
        return False
    pixels = cv2.imdecode(data, cv2.IMREAD_COLOR)
    if pixels is None or pixels.shape != out.shape:
        return False
    np.copyto(out, pixels)
    return True

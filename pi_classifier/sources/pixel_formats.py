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

PLANAR = ("NV12", "YU12")
_BYTES_A_PIXEL = {"YUYV": 2, "UYVY": 2, "BGR3": 3, "RGB3": 3, "GREY": 1}
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
    if code in PLANAR:
        return _planar_decoder(CONVERSIONS[code], width, height, stride or width)
    return _packed_decoder(CONVERSIONS[code], width, height, stride, channels=_BYTES_A_PIXEL[code])


def _packed_decoder(
    conversion: int, width: int, height: int, stride: int, *, channels: int
) -> Callable[[Bytes, Bytes], bool]:
    packed = width * channels
    stride = stride or packed

    def decode(data: Bytes, out: Bytes) -> bool:
        if data.size < height * stride:
            return False
        image = data[: height * stride].reshape(height, stride)[:, :packed]
        if channels > 1:
            image = image.reshape(height, width, channels)
        if conversion < 0:
            np.copyto(out, image)
        else:
            cv2.cvtColor(image, conversion, dst=out)
        return True

    return decode


def _planar_decoder(conversion: int, width: int, height: int, stride: int) -> Callable[[Bytes, Bytes], bool]:
    """Luma, then chroma of half the resolution, whose rows are padded too: so the padding is cut off last."""
    wide = np.empty((height, stride, 3), np.uint8) if stride > width else None
    size = height * 3 // 2 * stride

    def decode(data: Bytes, out: Bytes) -> bool:
        if data.size < size:
            return False
        cv2.cvtColor(data[:size].reshape(-1, stride), conversion, dst=out if wide is None else wide)
        if wide is not None:
            np.copyto(out, wide[:, :width])
        return True

    return decode


def _decode_jpeg(data: Bytes, out: Bytes) -> bool:
    # libjpeg paints a picture that was cut off grey and only prints a warning, so the end marker is looked for first;
    # some cameras pad after it.
    if _JPEG_END not in data[-1024:].tobytes():
        return False
    try:
        pixels = cv2.imdecode(data, cv2.IMREAD_COLOR)
    except cv2.error:  # its header claims a size beyond all measure
        return False
    if pixels is None or pixels.shape != out.shape:
        return False
    np.copyto(out, pixels)
    return True

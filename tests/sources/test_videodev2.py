"""What of the V4L2 interface shows without a driver; that drivers understand it is tested in a guest that has some."""

import errno
import os
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.sources.v4l2 import videodev2

# As a C compiler computes them from videodev2.h, on x86-64 and on aarch64. Bits 16 to 29 are the structure's size.
NUMBERS = {
    "VIDIOC_QUERYCAP": 0x80685600,
    "VIDIOC_ENUM_FMT": 0xC0405602,
    "VIDIOC_G_FMT": 0xC0D05604,
    "VIDIOC_S_FMT": 0xC0D05605,
    "VIDIOC_REQBUFS": 0xC0145608,
    "VIDIOC_QUERYBUF": 0xC0585609,
    "VIDIOC_QBUF": 0xC058560F,
    "VIDIOC_DQBUF": 0xC0585611,
    "VIDIOC_STREAMON": 0x40045612,
    "VIDIOC_STREAMOFF": 0x40045613,
    "VIDIOC_G_PARM": 0xC0CC5615,
    "VIDIOC_S_PARM": 0xC0CC5616,
    "VIDIOC_ENUM_FRAMESIZES": 0xC02C564A,
    "VIDIOC_ENUM_FRAMEINTERVALS": 0xC034564B,
}

CALLS: dict[str, Callable[[int], object]] = {
    "capabilities": videodev2.capabilities,
    "pixel_formats": videodev2.pixel_formats,
    "frame_sizes": lambda node: videodev2.frame_sizes(node, "YUYV"),
    "frame_rates": lambda node: videodev2.frame_rates(node, "YUYV", 224, 224),
    "get_format": videodev2.get_format,
    "set_format": lambda node: videodev2.set_format(node, "YUYV", 224, 224),
    "get_frame_rate": videodev2.get_frame_rate,
    "set_frame_rate": lambda node: videodev2.set_frame_rate(node, 29.97),
    "request_buffers": lambda node: videodev2.request_buffers(node, 4),
    "map_buffer": lambda node: videodev2.map_buffer(node, 0),
    "put": lambda node: videodev2.Queue(node).put(0),
    "take": lambda node: videodev2.Queue(node).take(),
    "stream_on": videodev2.stream_on,
    "stream_off": videodev2.stream_off,
}


@pytest.fixture
def no_camera() -> Iterator[int]:
    """A descriptor of a device that is no V4L2 device."""
    descriptor = os.open(os.devnull, os.O_RDWR)
    yield descriptor
    os.close(descriptor)


def test_ioctl_numbers_are_the_kernels() -> None:
    """Protects the memory of this process: the kernel writes as many bytes as the number says."""
    assert {name: getattr(videodev2, name) for name in dir(videodev2) if name.startswith("VIDIOC_")} == NUMBERS


@given(st.integers(0, 2**32 - 1))
def test_any_fourcc_comes_back(fourcc: int) -> None:
    """Protects from drivers with formats of their own: whatever 32 bits they use is a code of four characters."""
    code = videodev2.code_of(fourcc)
    assert len(code) == 4
    assert videodev2.fourcc_of(code) == fourcc


def test_fourcc_is_the_kernels() -> None:
    """Protects the byte order: V4L2_PIX_FMT_YUYV and V4L2_PIX_FMT_MJPEG as the kernel has them."""
    assert videodev2.fourcc_of("YUYV") == 0x56595559
    assert videodev2.code_of(0x47504A4D) == "MJPG"


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_what_is_no_camera_refuses_every_call(call: Callable[[int], object], no_camera: int) -> None:
    """Protects who handles errors: each call raises the kernel's own."""
    with pytest.raises(OSError, match="ioctl") as refusal:
        call(no_camera)
    assert refusal.value.errno == errno.ENOTTY


def test_what_is_no_camera_is_not_busy(no_camera: int) -> None:
    """Protects the difference between a camera in use and one that fails."""
    assert not videodev2.is_busy(no_camera)

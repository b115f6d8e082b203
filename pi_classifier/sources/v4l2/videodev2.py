"""The kernel's V4L2 interface, as far as a camera with single-planar, memory-mapped buffers needs it.

Names, values and layouts are those of the kernel's include/uapi/linux/videodev2.h, for 64-bit little-endian machines
(x86-64, aarch64). What a call does is told in https://docs.kernel.org/userspace-api/media/v4l/.

Every function takes the descriptor of an open node and raises OSError as the kernel says: ENOTTY for what the driver
does not have (so for everything, if the node is no V4L2 device), EBUSY while another program has the camera, ENODEV
once it is unplugged.
"""

import ctypes
import errno
import fcntl
import itertools
import mmap
from collections.abc import Iterable, Iterator
from ctypes import c_char, c_int32, c_long, c_uint8, c_uint32, c_ulong, c_void_p
from fractions import Fraction
from typing import NamedTuple, TypeVar

CAPTURE = 1  # V4L2_BUF_TYPE_VIDEO_CAPTURE
MMAP = 1  # V4L2_MEMORY_MMAP
CAP_VIDEO_CAPTURE = 0x00000001
CAP_STREAMING = 0x04000000
CAP_DEVICE_CAPS = 0x80000000
DISCRETE = 1  # V4L2_FRMSIZE_TYPE_DISCRETE, V4L2_FRMIVAL_TYPE_DISCRETE
BUF_FLAG_ERROR = 0x00000040
BUF_FLAG_TIMESTAMP_MASK = 0x0000E000
BUF_FLAG_TIMESTAMP_MONOTONIC = 0x00002000


class _Capability(ctypes.Structure):
    _fields_ = (
        ("driver", c_char * 16),
        ("card", c_char * 32),
        ("bus_info", c_char * 32),
        ("version", c_uint32),
        ("capabilities", c_uint32),
        ("device_caps", c_uint32),
        ("reserved", c_uint32 * 3),
    )


class _FormatDescription(ctypes.Structure):  # v4l2_fmtdesc
    _fields_ = (
        ("index", c_uint32),
        ("type", c_uint32),
        ("flags", c_uint32),
        ("description", c_char * 32),
        ("pixelformat", c_uint32),
        ("mbus_code", c_uint32),
        ("reserved", c_uint32 * 3),
    )


class _PixelFormat(ctypes.Structure):  # v4l2_pix_format
    _fields_ = (
        ("width", c_uint32),
        ("height", c_uint32),
        ("pixelformat", c_uint32),
        ("field", c_uint32),
        ("bytesperline", c_uint32),
        ("sizeimage", c_uint32),
        ("colorspace", c_uint32),
        ("priv", c_uint32),
        ("flags", c_uint32),
        ("ycbcr_enc", c_uint32),
        ("quantization", c_uint32),
        ("xfer_func", c_uint32),
    )


class _FormatOfType(ctypes.Union):
    # Another member of the kernel's union, v4l2_window, holds pointers: they set its alignment.
    _fields_ = (("pix", _PixelFormat), ("raw_data", c_uint8 * 200), ("aligned", c_void_p))


class _Format(ctypes.Structure):
    _fields_ = (("type", c_uint32), ("fmt", _FormatOfType))


class _Fraction(ctypes.Structure):  # v4l2_fract
    _fields_ = (("numerator", c_uint32), ("denominator", c_uint32))


class _CaptureParameters(ctypes.Structure):  # v4l2_captureparm
    _fields_ = (
        ("capability", c_uint32),
        ("capturemode", c_uint32),
        ("timeperframe", _Fraction),
        ("extendedmode", c_uint32),
        ("readbuffers", c_uint32),
        ("reserved", c_uint32 * 4),
    )


class _ParametersOfType(ctypes.Union):
    _fields_ = (("capture", _CaptureParameters), ("raw_data", c_uint8 * 200))


class _StreamParameters(ctypes.Structure):  # v4l2_streamparm
    _fields_ = (("type", c_uint32), ("parm", _ParametersOfType))


class _Size(ctypes.Structure):  # v4l2_frmsize_discrete
    _fields_ = (("width", c_uint32), ("height", c_uint32))


class _SizeSteps(ctypes.Structure):  # v4l2_frmsize_stepwise
    _fields_ = (
        ("min_width", c_uint32),
        ("max_width", c_uint32),
        ("step_width", c_uint32),
        ("min_height", c_uint32),
        ("max_height", c_uint32),
        ("step_height", c_uint32),
    )


class _SizeOrSteps(ctypes.Union):
    _fields_ = (("discrete", _Size), ("stepwise", _SizeSteps))


class _FrameSize(ctypes.Structure):  # v4l2_frmsizeenum
    _anonymous_ = ("size",)
    _fields_ = (
        ("index", c_uint32),
        ("pixel_format", c_uint32),
        ("type", c_uint32),
        ("size", _SizeOrSteps),
        ("reserved", c_uint32 * 2),
    )


class _IntervalSteps(ctypes.Structure):  # v4l2_frmival_stepwise
    _fields_ = (("min", _Fraction), ("max", _Fraction), ("step", _Fraction))


class _IntervalOrSteps(ctypes.Union):
    _fields_ = (("discrete", _Fraction), ("stepwise", _IntervalSteps))


class _FrameInterval(ctypes.Structure):  # v4l2_frmivalenum
    _anonymous_ = ("interval",)
    _fields_ = (
        ("index", c_uint32),
        ("pixel_format", c_uint32),
        ("width", c_uint32),
        ("height", c_uint32),
        ("type", c_uint32),
        ("interval", _IntervalOrSteps),
        ("reserved", c_uint32 * 2),
    )


class _RequestBuffers(ctypes.Structure):
    _fields_ = (
        ("count", c_uint32),
        ("type", c_uint32),
        ("memory", c_uint32),
        ("capabilities", c_uint32),
        ("flags", c_uint8),
        ("reserved", c_uint8 * 3),
    )


class _Time(ctypes.Structure):  # timeval
    _fields_ = (("tv_sec", c_long), ("tv_usec", c_long))


class _Timecode(ctypes.Structure):
    _fields_ = (
        ("type", c_uint32),
        ("flags", c_uint32),
        ("frames", c_uint8),
        ("seconds", c_uint8),
        ("minutes", c_uint8),
        ("hours", c_uint8),
        ("userbits", c_uint8 * 4),
    )


class _Place(ctypes.Union):
    _fields_ = (("offset", c_uint32), ("userptr", c_ulong), ("planes", c_void_p), ("fd", c_int32))


class _Buffer(ctypes.Structure):
    _fields_ = (
        ("index", c_uint32),
        ("type", c_uint32),
        ("bytesused", c_uint32),
        ("flags", c_uint32),
        ("field", c_uint32),
        ("timestamp", _Time),
        ("timecode", _Timecode),
        ("sequence", c_uint32),
        ("memory", c_uint32),
        ("m", _Place),
        ("length", c_uint32),
        ("reserved2", c_uint32),
        ("request_fd", c_int32),
    )


_Struct = TypeVar("_Struct", bound=ctypes.Structure)


def _number(direction: int, number: int, argument: type[ctypes.Structure | ctypes.c_int]) -> int:
    """An ioctl's number as include/uapi/asm-generic/ioctl.h puts it together."""
    return direction << 30 | ctypes.sizeof(argument) << 16 | ord("V") << 8 | number


def _iow(number: int, argument: type[ctypes.c_int]) -> int:
    return _number(1, number, argument)


def _ior(number: int, argument: type[ctypes.Structure]) -> int:
    return _number(2, number, argument)


def _iowr(number: int, argument: type[ctypes.Structure]) -> int:
    return _number(3, number, argument)


VIDIOC_QUERYCAP = _ior(0, _Capability)
VIDIOC_ENUM_FMT = _iowr(2, _FormatDescription)
VIDIOC_G_FMT = _iowr(4, _Format)
VIDIOC_S_FMT = _iowr(5, _Format)
VIDIOC_REQBUFS = _iowr(8, _RequestBuffers)
VIDIOC_QUERYBUF = _iowr(9, _Buffer)
VIDIOC_QBUF = _iowr(15, _Buffer)
VIDIOC_DQBUF = _iowr(17, _Buffer)
VIDIOC_STREAMON = _iow(18, ctypes.c_int)
VIDIOC_STREAMOFF = _iow(19, ctypes.c_int)
VIDIOC_G_PARM = _iowr(21, _StreamParameters)
VIDIOC_S_PARM = _iowr(22, _StreamParameters)
VIDIOC_ENUM_FRAMESIZES = _iowr(74, _FrameSize)
VIDIOC_ENUM_FRAMEINTERVALS = _iowr(75, _FrameInterval)


class Capabilities(NamedTuple):
    """What a node is."""

    driver: str
    card: str
    """The device's own name."""
    captures: bool
    """It gives pictures in single-planar formats."""
    streams: bool
    """It hands them over in buffers of its own, instead of by `read()` alone."""


class Format(NamedTuple):
    """The pictures that a camera is set to send."""

    pixel_format: str
    """Four-character code."""
    width: int
    height: int
    stride: int
    """Bytes from one row (of the first plane) to the next; 0 where that means nothing, as in compressed formats."""


class FrameSizes(NamedTuple):
    """Sizes that a camera offers, as (width, height) in pixels; a single one if `smallest` and `largest` are equal."""

    smallest: tuple[int, int]
    largest: tuple[int, int]
    step: tuple[int, int] = (1, 1)


class FrameRates(NamedTuple):
    """Rates that a camera offers, in frames a second; a single one if both are equal."""

    slowest: float
    fastest: float


class Filled(NamedTuple):
    """A buffer that the driver has filled and given to us."""

    number: int
    bytes_used: int
    """Bytes of the picture, from the start of the buffer; no promise that the buffer is that long."""
    damaged: bool
    """The driver says so: a part of the picture was lost."""
    captured_at: float | None
    """Seconds of `time.monotonic()`; None where the driver uses another clock."""
    sequence: int
    """The driver's count of frames, with gaps where it dropped some."""


def code_of(fourcc: int) -> str:
    """A four-character code as text; a driver may use any 32 bits, so it need not be printable."""
    return fourcc.to_bytes(4, "little").decode("latin-1")


def fourcc_of(code: str) -> int:
    """The number for a code of four characters, as `v4l2_fourcc` computes it."""
    return int.from_bytes(code.encode("latin-1"), "little")


def capabilities(descriptor: int) -> Capabilities:
    """VIDIOC_QUERYCAP; the first call to make, for it fails where there is no V4L2 device."""
    answer = _Capability()
    _ioctl(descriptor, VIDIOC_QUERYCAP, answer)
    # A device may have several nodes: `capabilities` alone would be those of all of them together.
    flags = answer.device_caps if answer.capabilities & CAP_DEVICE_CAPS else answer.capabilities
    return Capabilities(
        driver=answer.driver.decode(errors="replace"),
        card=answer.card.decode(errors="replace"),
        captures=bool(flags & CAP_VIDEO_CAPTURE),
        streams=bool(flags & CAP_STREAMING),
    )


def pixel_formats(descriptor: int) -> list[str]:
    """VIDIOC_ENUM_FMT: the codes of the formats that the camera offers, in the driver's order."""
    asked = (_FormatDescription(index=index, type=CAPTURE) for index in itertools.count())
    return [code_of(answer.pixelformat) for answer in _enumerated(descriptor, VIDIOC_ENUM_FMT, asked)]


def frame_sizes(descriptor: int, code: str) -> list[FrameSizes]:
    """VIDIOC_ENUM_FRAMESIZES: the sizes that a pixel format comes in."""
    asked = (_FrameSize(index=index, pixel_format=fourcc_of(code)) for index in itertools.count())
    return [_sizes(answer) for answer in _enumerated(descriptor, VIDIOC_ENUM_FRAMESIZES, asked)]


def _sizes(answer: _FrameSize) -> FrameSizes:
    if answer.type == DISCRETE:
        size = (answer.discrete.width, answer.discrete.height)
        return FrameSizes(size, size)
    steps = answer.stepwise
    return FrameSizes(
        (steps.min_width, steps.min_height), (steps.max_width, steps.max_height), (steps.step_width, steps.step_height)
    )


def frame_rates(descriptor: int, code: str, width: int, height: int) -> list[FrameRates]:
    """VIDIOC_ENUM_FRAMEINTERVALS: the rates that a pixel format comes at in one size, given in pixels."""
    mode = {"pixel_format": fourcc_of(code), "width": width, "height": height}
    asked = (_FrameInterval(index=index, **mode) for index in itertools.count())
    return [_rates(answer) for answer in _enumerated(descriptor, VIDIOC_ENUM_FRAMEINTERVALS, asked)]


def _rates(answer: _FrameInterval) -> FrameRates:
    if answer.type == DISCRETE:
        rate = _rate(answer.discrete)
        return FrameRates(rate, rate)
    return FrameRates(slowest=_rate(answer.stepwise.max), fastest=_rate(answer.stepwise.min))


def get_format(descriptor: int) -> Format:
    """VIDIOC_G_FMT."""
    answer = _Format(type=CAPTURE)
    _ioctl(descriptor, VIDIOC_G_FMT, answer)
    pix = answer.fmt.pix
    return Format(code_of(pix.pixelformat), pix.width, pix.height, pix.bytesperline)


def set_format(descriptor: int, code: str, width: int, height: int) -> None:
    """VIDIOC_S_FMT: ask for a pixel format and a size in pixels; the driver may well settle for others."""
    asked = _Format(type=CAPTURE)
    pix = asked.fmt.pix
    pix.pixelformat, pix.width, pix.height = fourcc_of(code), width, height
    _ioctl(descriptor, VIDIOC_S_FMT, asked)


def get_frame_rate(descriptor: int) -> float:
    """VIDIOC_G_PARM: frames a second; 0 where the driver does not say."""
    answer = _StreamParameters(type=CAPTURE)
    _ioctl(descriptor, VIDIOC_G_PARM, answer)
    return _rate(answer.parm.capture.timeperframe)


def set_frame_rate(descriptor: int, fps: float) -> None:
    """VIDIOC_S_PARM: ask for a rate above 0 in frames a second; the driver may well settle for another."""
    rate = Fraction(fps).limit_denominator(1001)
    asked = _StreamParameters(type=CAPTURE)
    asked.parm.capture.timeperframe = _Fraction(rate.denominator, rate.numerator)
    _ioctl(descriptor, VIDIOC_S_PARM, asked)


def _rate(interval: _Fraction) -> float:
    """Frames a second."""
    return float(interval.denominator / interval.numerator) if interval.numerator else 0.0


def is_busy(descriptor: int) -> bool:
    """Whether another program has the camera's buffers, so that it cannot be used; never raises.

    To give back buffers that we do not have is refused then; else it changes nothing and reaches no hardware. Setting
    the format would tell as much, but it bothers a USB camera, and older kernels then keep others out until we close.
    """
    try:
        request_buffers(descriptor, 0)
    except OSError as error:
        return error.errno == errno.EBUSY
    return False


def request_buffers(descriptor: int, count: int) -> int:
    """VIDIOC_REQBUFS: have the driver make buffers, or give all back with a `count` of 0.

    Returns:
        how many it made, which may be fewer or more.
    """
    asked = _RequestBuffers(count=count, type=CAPTURE, memory=MMAP)
    _ioctl(descriptor, VIDIOC_REQBUFS, asked)
    return int(asked.count)


def map_buffer(descriptor: int, index: int) -> mmap.mmap:
    """VIDIOC_QUERYBUF and mmap: one of the driver's buffers as memory of ours."""
    asked = _Buffer(index=index, type=CAPTURE, memory=MMAP)
    _ioctl(descriptor, VIDIOC_QUERYBUF, asked)
    return mmap.mmap(descriptor, asked.length, offset=asked.m.offset)


class Queue:
    """The way of buffers to the driver, to be filled, and back.

    It keeps one structure a direction, so that a frame costs none.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._to_driver = _Buffer(type=CAPTURE, memory=MMAP)
        self._from_driver = _Buffer(type=CAPTURE, memory=MMAP)

    def put(self, index: int) -> None:
        """VIDIOC_QBUF: let the driver fill a buffer."""
        self._to_driver.index = index
        _ioctl(self._descriptor, VIDIOC_QBUF, self._to_driver)

    def take(self) -> Filled:
        """VIDIOC_DQBUF: the buffer that was filled first; BlockingIOError if the node is non-blocking and none is."""
        buffer = self._from_driver
        _ioctl(self._descriptor, VIDIOC_DQBUF, buffer)
        flags, at = buffer.flags, buffer.timestamp
        monotonic = flags & BUF_FLAG_TIMESTAMP_MASK == BUF_FLAG_TIMESTAMP_MONOTONIC
        return Filled(
            number=buffer.index,
            bytes_used=buffer.bytesused,
            damaged=bool(flags & BUF_FLAG_ERROR),
            captured_at=at.tv_sec + at.tv_usec * 1e-6 if monotonic else None,
            sequence=buffer.sequence,
        )


def stream_on(descriptor: int) -> None:
    """VIDIOC_STREAMON: start to fill what was queued."""
    _ioctl(descriptor, VIDIOC_STREAMON, ctypes.c_int(CAPTURE))


def stream_off(descriptor: int) -> None:
    """VIDIOC_STREAMOFF: stop, and give back all buffers unfilled."""
    _ioctl(descriptor, VIDIOC_STREAMOFF, ctypes.c_int(CAPTURE))


def _enumerated(descriptor: int, request: int, asked: Iterable[_Struct]) -> Iterator[_Struct]:
    """Each structure as the driver filled it in, until it knows no more."""
    for item in asked:
        try:
            _ioctl(descriptor, request, item)
        except OSError as error:
            if error.errno == errno.EINVAL:
                return
            raise
        yield item


def _ioctl(descriptor: int, request: int, argument: ctypes.Structure | ctypes.c_int) -> None:
    while True:
        try:
            fcntl.ioctl(descriptor, request, argument)
        except InterruptedError:  # Python begins other calls anew after a signal, but not this one
            continue
        return

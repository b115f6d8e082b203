"""Live V4L2 cameras: find, negotiate, read, notice loss.

V4L2 is spoken directly (`videodev2.py`): OpenCV's own capture hides the driver's error flags, waits ten seconds for a
silent camera and spins on a broken one. The frame goes from the driver's memory through one conversion into ours.
"""

import contextlib
import errno
import itertools
import logging
import mmap
import os
import select
import stat
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pi_classifier.contracts.frame import Frame
from pi_classifier.errors import (
    CameraAbsent,
    CameraBusy,
    CameraForbidden,
    CameraLost,
    CameraReplaced,
    CameraUnsupported,
    CaptureTimeout,
)
from pi_classifier.sources.pixel_formats import DECODABLE, Bytes, decoder
from pi_classifier.sources.v4l2 import videodev2

SILENCE_SECONDS = 2.0
"""A camera that sends nothing for so long is taken for lost: 20 times the interval of the slowest common rate."""
BUFFERS = 4
"""One being filled by the driver, one being converted, and two to bridge a busy moment."""
NOT_CAMERAS = frozenset(
    {"bcm2835-codec", "bcm2835-isp", "pispbe", "rp1-cfe", "rpi-hevc-dec", "rpivid", "unicam", "bcm2835-unicam"}
)
"""Drivers of a Raspberry Pi's own blocks: their nodes claim to capture, but hold raw sensor data or codec output."""

logger = logging.getLogger(__name__)


class CameraInfo(NamedTuple):
    """A V4L2 capture device whose pictures can be decoded."""

    node: Path
    card: str
    """The camera's own name."""
    driver: str
    pixel_formats: tuple[str, ...]
    """Four-character codes that can be decoded, cheapest first."""


class Mode(NamedTuple):
    """What a camera was asked for and agreed to."""

    pixel_format: str
    """Four-character code."""
    width: int
    """Pixels, as `height`."""
    height: int
    stride: int
    """Bytes from one row (of the first plane) to the next; 0 where the driver does not say."""
    fps: float
    """0 where the driver does not say."""

    def __str__(self) -> str:
        rate = f"{self.fps:.4g} fps" if self.fps else "an unreported rate"
        return f"{self.width}x{self.height} {self.pixel_format} at {rate}"


def find_cameras(folder: Path = Path("/dev"), *, busy: bool = False) -> list[CameraInfo]:
    """The usable cameras, in order of their numbers; nodes that are forbidden or no camera are left out.

    Args:
        folder: where the nodes are.
        busy: whether to list those as well that another program is using.
    """
    found = []
    for node in sorted(folder.glob("video*"), key=lambda path: int(path.name[5:]) if path.name[5:].isdigit() else 0):
        with contextlib.suppress(CameraLost, CameraUnsupported), _opened(node) as descriptor:
            info = _identify(descriptor, node)
            if busy or not videodev2.is_busy(descriptor):
                found.append(info)
    return found


class V4L2Camera:
    """A V4L2 camera by number, node, or name under /dev/v4l; it is opened by `frames()` and not before."""

    pace_fps: float | None = None  # frames come when the camera sends them

    def __init__(self, camera: str, node: Path, *, width: int, height: int, fps: float) -> None:
        """`width` and `height` in pixels and `fps` above 0 are what the camera is asked for; it may round them."""
        self._camera = camera
        self._node = node
        self._asked = (width, height, fps)
        self._numbers = itertools.count()
        self._names: list[Path] = [node]
        self._card: str | None = None
        self._mode: Mode | None = None

    def __str__(self) -> str:
        return f"V4L2 camera {self._node}"

    def frames(self) -> Generator[Frame, None, None]:
        """Open the camera and yield its frames.

        Raises:
            CameraLost: absent, busy, forbidden, unplugged, or its driver gave up.
            CaptureTimeout: nothing came for `SILENCE_SECONDS`.
            CameraUnsupported: no camera, or none whose pictures can be decoded.
        """
        node = next((name for name in self._names if name.exists()), self._node)
        with _opened(node) as descriptor:
            try:
                info = _identify(descriptor, node)
            except CameraUnsupported as error:
                if self._card is None:
                    raise
                raise CameraReplaced(error.problem, remedy=error.remedy) from None
            if self._card not in (None, info.card):
                raise CameraReplaced(
                    f"{self._camera}: {node} is now {info.card}, not {self._card}", remedy="plug that in again"
                )
            mode = _negotiate(descriptor, info, *self._asked)
            if mode != self._mode:
                logger.info("%s: %s (%s) gives %s", self._camera, node, info.card, mode)
            if self._card is None:
                # A replugged camera may come back under another number: udev's names of it are tried first.
                self._names = [*_stable_names(node), self._node]
            self._card, self._mode = info.card, mode
            yield from self._stream(descriptor, node, mode)

    def _stream(self, descriptor: int, node: Path, mode: Mode) -> Generator[Frame, None, None]:
        decode = decoder(mode.pixel_format, mode.width, mode.height, mode.stride)
        pixels = np.empty((mode.height, mode.width, 3), np.uint8)
        readable = select.poll()
        readable.register(descriptor, select.POLLIN)
        queue = videodev2.Queue(descriptor)
        with _io_errors_mean_lost(node), _streaming(descriptor, queue) as buffers:
            while True:
                if not readable.poll(SILENCE_SECONDS * 1000):
                    raise CaptureTimeout(
                        f"{node} sends nothing for {SILENCE_SECONDS:g} s", remedy="check its plug and power"
                    )
                filled = queue.take()
                data: Bytes = np.frombuffer(buffers[filled.number], np.uint8)[: filled.bytes_used]
                intact = not filled.damaged and decode(data, pixels)
                del data  # the mapping cannot be closed while an array still looks at it
                queue.put(filled.number)
                captured_at = time.monotonic() if filled.captured_at is None else filled.captured_at
                yield Frame(self._camera, next(self._numbers), captured_at, pixels, corrupt=not intact)


@contextlib.contextmanager
def _io_errors_mean_lost(node: Path) -> Iterator[None]:
    """Whatever a driver refuses once its camera was recognised: the camera is lost, and may come back."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise CameraBusy(f"{node} is in use by another program", remedy="close that") from None
        raise CameraLost(f"{node}: {os.strerror(error.errno or 0)}", remedy="check its plug and power") from None


@contextlib.contextmanager
def _opened(node: Path) -> Iterator[int]:
    try:
        if not stat.S_ISCHR(node.stat().st_mode):
            raise CameraUnsupported(f"{node} is no camera", remedy="'ls /dev/video*' lists what may be one")
        descriptor = os.open(node, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except PermissionError:
        raise CameraForbidden(f"{node}: permission denied", remedy="add the user to the group video") from None
    except FileNotFoundError:
        raise CameraAbsent(f"{node}: no such camera", remedy="plug it in") from None
    except OSError as error:
        raise CameraLost(f"{node}: {error.strerror}", remedy="check its plug and power") from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _identify(descriptor: int, node: Path) -> CameraInfo:
    try:
        capabilities = videodev2.capabilities(descriptor)
    except OSError as error:
        if error.errno in (errno.ENOTTY, errno.EINVAL):
            raise CameraUnsupported(f"{node} is no camera", remedy="'ls /dev/video*' lists what may be one") from None
        raise CameraLost(f"{node}: {error.strerror}", remedy="check its plug and power") from None
    driver = capabilities.driver
    if not capabilities.captures or not capabilities.streams or driver in NOT_CAMERAS:
        raise CameraUnsupported(f"{node} ({driver}) gives no pictures that a camera would", remedy="name another")
    with _io_errors_mean_lost(node):
        offered = videodev2.pixel_formats(descriptor)
    decodable = tuple(code for code in DECODABLE if code in offered)
    if not decodable:
        raise CameraUnsupported(
            f"{node} sends {_listed(offered)}, none of {', '.join(DECODABLE)}", remedy="use another"
        )
    return CameraInfo(node, capabilities.card, driver, decodable)


def _listed(codes: Iterable[str]) -> str:
    """Four-character codes for a message; a driver that knows no code for a format may give any four bytes."""
    return ", ".join(sorted({code for code in codes if code.isprintable()})) or "nothing known"


def _negotiate(descriptor: int, info: CameraInfo, width: int, height: int, fps: float) -> Mode:
    """Ask for each pixel format in turn, read back what that would give, and settle for the best."""
    with _io_errors_mean_lost(info.node):
        modes = [_ask(descriptor, code, width, height, fps) for code in info.pixel_formats]
        best = best_mode(modes, fps)
        if best is not modes[-1]:
            best = _ask(descriptor, best.pixel_format, width, height, fps)
    if best.pixel_format not in DECODABLE:
        insists = _listed([best.pixel_format])
        raise CameraUnsupported(f"{info.node} insists on {insists}, which cannot be decoded", remedy="use another")
    return best


def best_mode(modes: Sequence[Mode], fps: float) -> Mode:
    """Which of the modes that a camera agreed to is taken where `fps` are wanted.

    The rate decides: many USB cameras reach 30 fps in MJPG and 10 in YUYV. At equal rates, up to the one wanted, the
    first wins: modes come in order of what they cost to decode. A camera may keep a format that cannot be decoded,
    whatever it is asked for; such a mode is taken only if there is no other.
    """
    usable = [mode for mode in modes if mode.pixel_format in DECODABLE]
    return max(usable or modes, key=lambda mode: min(mode.fps, fps))


def _ask(descriptor: int, code: str, width: int, height: int, fps: float) -> Mode:
    videodev2.set_format(descriptor, code, width, height)
    with contextlib.suppress(OSError):  # not every driver has a rate to set
        videodev2.set_frame_rate(descriptor, fps)
    # What `set` was told counts for nothing: drivers round, and some keep what they had.
    agreed = videodev2.get_format(descriptor)
    rate = 0.0
    with contextlib.suppress(OSError):
        rate = videodev2.get_frame_rate(descriptor)
    return Mode(agreed.pixel_format, agreed.width, agreed.height, agreed.stride, rate)


@contextlib.contextmanager
def _streaming(descriptor: int, queue: videodev2.Queue) -> Iterator[list[mmap.mmap]]:
    """The driver's buffers, mapped and queued, while the camera streams."""
    with _mapped(descriptor) as buffers:
        for index in range(len(buffers)):
            queue.put(index)
        videodev2.stream_on(descriptor)
        try:
            yield buffers
        finally:
            with contextlib.suppress(OSError):  # an unplugged camera has stopped already
                videodev2.stream_off(descriptor)


@contextlib.contextmanager
def _mapped(descriptor: int) -> Iterator[list[mmap.mmap]]:
    """The driver's buffers; it may grant fewer than it is asked for, or more."""
    buffers: list[mmap.mmap] = []
    try:
        granted = videodev2.request_buffers(descriptor, BUFFERS)
        buffers += (videodev2.map_buffer(descriptor, index) for index in range(granted))
        yield buffers
    finally:
        for buffer in buffers:
            with contextlib.suppress(BufferError):  # the traceback of an error in `decode` still holds the picture
                buffer.close()
        # A mapping keeps the node open beyond its descriptor. Should one be left, the camera is free all the same.
        with contextlib.suppress(OSError):
            videodev2.request_buffers(descriptor, 0)


def _stable_names(node: Path) -> list[Path]:
    """The names that udev gives a node, which do not change when it is replugged: by-id before by-path."""
    names: list[Path] = []
    for folder in ("by-id", "by-path"):
        with contextlib.suppress(FileNotFoundError):  # udev makes the folder with the first name in it
            names += sorted(name for name in Path("/dev/v4l", folder).iterdir() if _is_same(name, node))
    return names


def _is_same(name: Path, node: Path) -> bool:
    try:
        return name.samefile(node)
    except FileNotFoundError:  # the name of what has just been unplugged
        return False

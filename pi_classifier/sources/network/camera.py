"""A network camera, read by the FFmpeg inside OpenCV: RTSP, HTTP and bare H.264 over TCP."""

import itertools
import os
import socket
import struct
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Literal

import cv2
import numpy as np

from pi_classifier.config.network_url import Userinfo, shown, with_userinfo
from pi_classifier.contracts.frame import Frame
from pi_classifier.errors import CaptureError, NetworkCameraLost, NetworkCameraSilent, PictureFrozen
from pi_classifier.sources.ffmpeg import ffmpeg_options
from pi_classifier.sources.network.answer import connected
from pi_classifier.sources.network.frozen import FrozenPicture
from pi_classifier.sources.network.refusal import REMEDY, refusal, unreachable

SILENCE_SECONDS = 2.2
"""After which a camera that sends nothing is lost."""
OPEN_SECONDS = 4.0
READ_SECONDS = 10.0
"""Until a frame is complete while something does come: nothing can be decoded before a key frame, and some cameras send
one every ten seconds. With the time to open it is less than `capture.HUNG_SECONDS`."""
PROBE = "probesize;4096|analyzeduration;0"
"""FFmpeg looks at so many bytes to find out what comes, instead of at 3 s of it. RTSP says it by itself, and a format
that is given need not be found out."""
LOW_LATENCY = "flags;low_delay"
"""Without `fflags;nobuffer`, which throws away what was looked at, the first key frame among it."""

# Once, and before OpenCV first uses it: FFmpeg's messages hold the URL with its password. What they would say is asked
# of the camera where something fails (`answer`).
os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "-8"
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


class NetworkCamera:
    """A camera by its URL. A `FrameSource`.

    `Frame.captured_at` is the arrival of the whole frame: what the camera's encoder and the network took before is not
    in it, for no clock is common to both.
    """

    pace_fps: float | None = None  # frames come when the camera sends them

    def __init__(
        self,
        camera: str,
        url: str,
        *,
        userinfo: Userinfo | None = None,
        transport: Literal["tcp", "udp"] = "tcp",
        frozen_seconds: float = 0.0,
    ) -> None:
        """Take a camera.

        Args:
            camera: its name.
            url: rtsp, rtsps, http, https or tcp, without user name and password.
            userinfo: these.
            transport: of RTSP.
            frozen_seconds: how long the same picture may be sent; 0 for ever.
        """
        self._camera = camera
        self._url = url
        self._userinfo = userinfo
        self._options = options_for(url, transport)
        self._frozen = FrozenPicture(frozen_seconds)
        self._frozen_seconds = frozen_seconds
        self._numbers = itertools.count()

    def __str__(self) -> str:
        return f"network camera {shown(self._url)}"

    def frames(self) -> Generator[Frame, None, None]:
        """Connect and yield the frames.

        Raises:
            NetworkCameraLost: it cannot be reached, or the connection has ended.
            NetworkCameraSilent: nothing came for `SILENCE_SECONDS`, or no frame for `READ_SECONDS`.
            NetworkCameraForbidden: it refuses user name and password.
            PictureFrozen: the same picture for too long.
        """
        waits_since = time.monotonic()
        with self.opened() as capture:
            self._frozen.reconnected()
            memory, seen = None, False
            while True:
                complete = capture.grab()
                captured_at = time.monotonic()
                waited = captured_at - waits_since
                # FFmpeg holds each frame back until the next one begins. After a silence it lets the last one go, and
                # would be as long in finding out that there is silence still.
                if not complete or (seen and waited >= SILENCE_SECONDS):
                    raise self._ended(waited)
                seen = True
                _, memory = capture.retrieve(memory)
                pixels = np.asarray(memory, np.uint8)
                if self._frozen.is_frozen(pixels, captured_at):
                    raise self._stands_still()
                yield Frame(self._camera, next(self._numbers), captured_at, pixels)
                waits_since = time.monotonic()

    @contextmanager
    def opened(self) -> Iterator[cv2.VideoCapture]:
        """A connection, for the thread that opens it alone: to release it while another reads crashes the process.

        Raises:
            NetworkCameraLost, NetworkCameraSilent, NetworkCameraForbidden: as `frames`.
        """
        with ExitStack() as stack:
            try:
                # FFmpeg would hold up who waits for its options until it has found out that nobody is there.
                connection = stack.enter_context(closing(connected(self._url)))
            except OSError as error:
                raise unreachable(self._url, error) from None
            name = with_userinfo(self._url, self._userinfo)
            if self._url.lower().startswith("tcp:"):
                name = _as_pipe(connection)
            else:
                connection.close()
            with ffmpeg_options(self._options):
                capture = _capture(name)
            stack.callback(capture.release)
            if not capture.isOpened():
                raise refusal(self._url, self._userinfo)
            yield capture

    def _stands_still(self) -> PictureFrozen:
        return PictureFrozen(
            f"{shown(self._url)} sends the same picture for {self._frozen_seconds:g} s",
            remedy="restart the camera, or set frozen_seconds = 0 if nothing ever moves there",
        )

    def _ended(self, seconds: float) -> CaptureError:
        """What it means that the next frame failed after so long."""
        if seconds < SILENCE_SECONDS / 2:
            return NetworkCameraLost(f"{shown(self._url)}: the camera has closed the connection", remedy=REMEDY)
        return NetworkCameraSilent(f"{shown(self._url)} sends no picture for {seconds:.1f} s", remedy=REMEDY)


def options_for(url: str, transport: str) -> str:
    """FFmpeg's options for a URL (ffmpeg-protocols(1), ffmpeg-formats(1))."""
    scheme = url.partition(":")[0].lower()
    if scheme.startswith("rtsp"):
        return f"rtsp_transport;{transport}|{LOW_LATENCY}|{PROBE}|timeout;{SILENCE_SECONDS * 1e6:.0f}"
    if scheme == "tcp":
        return f"input_format;h264|{LOW_LATENCY}|{PROBE}"
    return f"{LOW_LATENCY}|rw_timeout;{SILENCE_SECONDS * 1e6:.0f}"


def _as_pipe(connection: socket.socket) -> str:
    """A name for a connection, for FFmpeg to read what it holds; it must stay open as long."""
    connection.setblocking(True)
    # Between two reads FFmpeg looks at OpenCV's clock, and not within one.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", 0, 200_000))  # struct timeval
    return f"pipe:{connection.fileno()}"


def _capture(name: str) -> cv2.VideoCapture:
    # A pipe has no silence of its own.
    read_seconds = SILENCE_SECONDS if name.startswith("pipe:") else READ_SECONDS
    limits = (
        (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, int(1000 * OPEN_SECONDS)),
        (cv2.CAP_PROP_READ_TIMEOUT_MSEC, int(1000 * read_seconds)),
        # A thread more decodes a frame later, not sooner.
        (cv2.CAP_PROP_N_THREADS, 1),
    )
    return cv2.VideoCapture(name, cv2.CAP_FFMPEG, list(itertools.chain(*limits)))

"""`auto`: the first camera that is nobody else's, now or as soon as there is one."""

import threading
from collections.abc import Callable, Generator, Iterable
from pathlib import Path

from pi_classifier.contracts.frame import Frame, FrameSource
from pi_classifier.errors import CameraAbsent
from pi_classifier.sources.csi.find import csi_cameras
from pi_classifier.sources.v4l2.camera import CameraInfo, find_cameras


class FreeCameras:
    """The cameras of this machine that no other `[[camera]]` has. Any thread may claim one."""

    def __init__(
        self,
        named: Iterable[str] = (),
        *,
        v4l2: Callable[[], list[CameraInfo]] = find_cameras,
        csi: Callable[[], list[str]] = csi_cameras,
    ) -> None:
        """Take what others have.

        Args:
            named: the URIs of the cameras that the configuration names: `v4l2:/dev/video0`, `csi:0`.
            v4l2: lists the V4L2 cameras that nobody uses.
            csi: lists the CSI cameras, in order of their numbers.
        """
        self._claimed = set(named)
        self._v4l2 = v4l2
        self._csi = csi
        self._lock = threading.Lock()

    def claim(self) -> str | None:
        """The URI of the best free camera, which is claimed by that: V4L2 before CSI. None if there is none."""
        with self._lock:
            # Resolved each time: a name under /dev/v4l is a link that comes and goes with its camera.
            taken = {_resolved(uri) for uri in self._claimed}
            for uri in self._found():
                if uri not in taken:
                    self._claimed.add(uri)
                    return uri
        return None

    def _found(self) -> Iterable[str]:
        yield from (f"v4l2:{camera.node}" for camera in self._v4l2())
        # Asked last, for it may take a child process.
        yield from (f"csi:{number}" for number, _ in enumerate(self._csi()))


class AwaitedCamera:
    """A camera that has yet to be found; the first one that is, it stays. A `FrameSource`."""

    pace_fps: float | None = None

    def __init__(self, camera: str, find: Callable[[], FrameSource | None]) -> None:
        """`camera`: its name. `find`: asked at every attempt until it has one."""
        self._camera = camera
        self._find = find
        self._found: FrameSource | None = None

    def __str__(self) -> str:
        return str(self._found or "the first camera that is plugged in")

    def frames(self) -> Generator[Frame, None, None]:
        """The frames of the camera that was found.

        Raises:
            CameraAbsent: there is none yet.
            CaptureError: what the camera raises.
        """
        self._found = self._found or self._find()
        if self._found is None:
            raise CameraAbsent(f"{self._camera}: no camera found", remedy="plug one in")
        yield from self._found.frames()


def _resolved(uri: str) -> str:
    scheme, _, place = uri.partition(":")
    return f"v4l2:{Path(place).resolve()}" if scheme == "v4l2" else uri

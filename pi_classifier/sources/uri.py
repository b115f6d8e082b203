"""A source URI becomes the source that it names."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pi_classifier.config.network_url import PORTS, Userinfo, is_network
from pi_classifier.config.schema import CameraSettings
from pi_classifier.contracts.frame import FrameSource
from pi_classifier.errors import ConfigError
from pi_classifier.sources.synthetic import Synthetic

if TYPE_CHECKING:
    # Each kind of source is imported where it is asked for.
    from pi_classifier.sources.auto import FreeCameras

SCHEMES = ("auto", "v4l2", "csi", "file", "synthetic")

logger = logging.getLogger(__name__)


def sources_for(cameras: Sequence[CameraSettings], *, wait: bool) -> list[FrameSource]:
    """The sources that the cameras' settings name, in their order; a camera need not be there yet.

    Each `auto` gets a camera of its own, and none that another settings name.

    Args:
        cameras: the settings.
        wait: whether an `auto` that finds no camera waits for one; else it shows a drawn scene.

    Raises:
        ConfigError, InputError, CameraUnsupported: as `source_for`.
    """
    if not any(map(_is_auto, cameras)):
        return [source_for(camera) for camera in cameras]
    from pi_classifier.sources.auto import FreeCameras

    free = FreeCameras(uri for camera in cameras if (uri := _camera_uri(camera)))
    return [_any_camera(camera, free, wait=wait) if _is_auto(camera) else source_for(camera) for camera in cameras]


def source_for(camera: CameraSettings) -> FrameSource:
    """The source that a camera's settings name, if it is not `auto`.

    Raises:
        ConfigError: a URI of an unknown kind, a file that does not exist, a node that is no camera, a scene or a CSI
            camera that has no number, a password's file that cannot be read.
        InputError: a file that is neither picture nor video, an empty folder.
        CameraUnsupported: a CSI camera on a machine that has nothing to drive it.
    """
    if is_network(camera.source):
        return _network(camera)
    scheme, place = _parsed(camera.source)
    if scheme == "v4l2":
        return _v4l2(camera, _node(place))
    if scheme == "csi":
        return _csi(camera, place)
    if scheme == "file":
        return _file(camera, Path(place))
    return _synthetic(camera, place)


def _is_auto(camera: CameraSettings) -> bool:
    return camera.source.partition(":")[0] == "auto"


def _camera_uri(camera: CameraSettings) -> str | None:
    """The one URI of a local camera that is named, whichever way that was done."""
    if is_network(camera.source):
        return None
    scheme, place = _parsed(camera.source)
    if scheme == "v4l2":
        return f"v4l2:{_node(place)}"
    return f"csi:{int(place or 0)}" if scheme == "csi" and place.isdecimal() | (not place) else None


def _any_camera(camera: CameraSettings, free: "FreeCameras", *, wait: bool) -> FrameSource:
    from pi_classifier.sources.auto import AwaitedCamera

    def find() -> FrameSource | None:
        uri = free.claim()
        return source_for(camera.model_copy(update={"source": uri})) if uri else None

    found = find()
    if found is not None:
        return found
    if wait:
        return AwaitedCamera(camera.name, find)
    logger.warning(
        "%s: NO CAMERA FOUND, so this is a drawn scene, which the demonstration model alone names rightly "
        "(--weights demo); plug a camera in and start again, or name one with --source",
        camera.name,
    )
    return _synthetic(camera, "")


def _parsed(source: str) -> tuple[str, str]:
    """Kind and place; a bare path or number is taken for what it looks like."""
    scheme, colon, place = source.partition(":")
    if source in SCHEMES:
        return source, ""
    if colon and scheme in SCHEMES:
        return scheme, place
    if "://" in source:
        raise ConfigError(
            f"camera.source = {source}: no such kind of source",
            remedy=f"take one of {', '.join((*SCHEMES, *PORTS))}",
        )
    if source.isdecimal() or source.startswith("/dev/"):
        return "v4l2", source
    return "file", source


def _node(place: str) -> Path:
    """`0` is `/dev/video0`."""
    return Path(f"/dev/video{place}") if place.isdecimal() else Path(place)


def _v4l2(camera: CameraSettings, node: Path) -> FrameSource:
    from pi_classifier.sources.v4l2.camera import V4L2Camera

    if node.exists() and not node.is_char_device():
        raise ConfigError(
            f"camera.source = {camera.source}: {node} is no camera", remedy="'ls /dev/video*' lists candidates"
        )
    return V4L2Camera(camera.name, node, width=camera.width, height=camera.height, fps=camera.fps)


def _csi(camera: CameraSettings, number: str) -> FrameSource:
    from pi_classifier.sources.csi.find import csi_camera

    if number and not number.isdecimal():
        raise ConfigError(
            f"camera.source = {camera.source}: a CSI camera goes by its number", remedy="the first is csi:0"
        )
    return csi_camera(camera.name, int(number or 0), width=camera.width, height=camera.height, fps=camera.fps)


def _network(camera: CameraSettings) -> FrameSource:
    from pi_classifier.sources.network.camera import NetworkCamera

    return NetworkCamera(
        camera.name,
        camera.source,
        userinfo=_userinfo(camera),
        transport=camera.transport,
        frozen_seconds=camera.frozen_seconds,
    )


def _userinfo(camera: CameraSettings) -> Userinfo | None:
    """User name and password; None where neither is given."""
    password = camera.password
    if camera.password_file:
        from pi_classifier.system.secret_file import read_named_secret

        key = f"password_file of {camera.name}"
        password = read_named_secret(camera.password_file, key, remedy="put the camera's password there")
    return Userinfo(camera.username, password) if camera.username or password else None


def _file(camera: CameraSettings, path: Path) -> FrameSource:
    from pi_classifier.sources.files.folder import Folder
    from pi_classifier.sources.files.opening import open_file, path_problem

    if problem := path_problem(path):
        raise ConfigError(f"camera.source = {camera.source}: {problem}", remedy="name a picture, video or folder")
    if path.is_dir():
        return Folder(camera.name, path, fps=camera.fps)
    return open_file(camera.name, path, fps=camera.fps)


def _synthetic(camera: CameraSettings, seed: str) -> Synthetic:
    if seed and not seed.isdecimal():
        raise ConfigError(
            f"camera.source = {camera.source}: a drawn scene goes by a number", remedy="the first is synthetic:0"
        )
    return Synthetic(camera.name, width=camera.width, height=camera.height, fps=camera.fps, seed=int(seed or 0))

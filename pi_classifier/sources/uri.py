"""A source URI becomes the source that it names."""

import logging
from pathlib import Path

from pi_classifier.config.schema import CameraSettings
from pi_classifier.contracts.frame import FrameSource
from pi_classifier.errors import ConfigError
from pi_classifier.sources.csi.find import csi_camera, csi_cameras
from pi_classifier.sources.files import Folder, open_file, path_problem
from pi_classifier.sources.synthetic import Synthetic
from pi_classifier.sources.v4l2.camera import V4L2Camera, find_cameras

SCHEMES = ("auto", "v4l2", "csi", "file", "synthetic")

logger = logging.getLogger(__name__)


def source_for(camera: CameraSettings) -> FrameSource:
    """The source that a camera's settings name; a camera need not be there yet.

    Raises:
        ConfigError: a URI of an unknown kind, a file that does not exist, a node that is no camera.
        InputError: a file that is neither picture nor video, an empty folder.
        CameraUnsupported: a CSI camera on a machine that has nothing to drive it.
    """
    scheme, place = _parsed(camera.source)
    if scheme == "v4l2":
        return _v4l2(camera, Path(place))
    if scheme == "csi":
        return _csi(camera, place)
    if scheme == "file":
        return _file(camera, Path(place))
    if scheme == "auto":
        return _best_camera(camera)
    return _synthetic(camera)


def _parsed(source: str) -> tuple[str, str]:
    """Kind and place; a bare path or number is taken for what it looks like."""
    scheme, colon, place = source.partition(":")
    if source in SCHEMES:
        return source, ""
    if colon and scheme in SCHEMES:
        return scheme, place
    if "://" in source:
        raise ConfigError(
            f"camera.source = {source}: no such kind of source", remedy=f"take one of {', '.join(SCHEMES)}"
        )
    if source.isdecimal() or source.startswith("/dev/"):
        return "v4l2", source
    return "file", source


def _v4l2(camera: CameraSettings, node: Path) -> V4L2Camera:
    if node.name.isdecimal() and len(node.parts) == 1:
        node = Path(f"/dev/video{node}")
    if node.exists() and not node.is_char_device():
        raise ConfigError(
            f"camera.source = {camera.source}: {node} is no camera", remedy="'ls /dev/video*' lists candidates"
        )
    return V4L2Camera(camera.name, node, width=camera.width, height=camera.height, fps=camera.fps)


def _csi(camera: CameraSettings, number: str) -> FrameSource:
    if number and not number.isdecimal():
        raise ConfigError(
            f"camera.source = {camera.source}: a CSI camera goes by its number", remedy="the first is csi:0"
        )
    return csi_camera(camera.name, int(number or 0), width=camera.width, height=camera.height, fps=camera.fps)


def _file(camera: CameraSettings, path: Path) -> FrameSource:
    if problem := path_problem(path):
        raise ConfigError(f"camera.source = {camera.source}: {problem}", remedy="name a picture, video or folder")
    if path.is_dir():
        return Folder(camera.name, path, fps=camera.fps)
    return open_file(camera.name, path, fps=camera.fps)


def _synthetic(camera: CameraSettings) -> Synthetic:
    return Synthetic(camera.name, width=camera.width, height=camera.height, fps=camera.fps)


def _best_camera(camera: CameraSettings) -> FrameSource:
    for found in find_cameras():
        return _v4l2(camera, found.node)
    if csi_cameras():
        return _csi(camera, "0")
    logger.warning(
        "%s: NO CAMERA FOUND, showing the synthetic test pattern: its labels mean nothing; "
        "plug a camera in and start again, or name one with --source",
        camera.name,
    )
    return _synthetic(camera)

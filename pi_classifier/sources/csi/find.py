"""Which way to a CSI camera this machine has."""

from pi_classifier.errors import CameraUnsupported
from pi_classifier.sources.csi import picamera2, rpicam
from pi_classifier.sources.csi.picamera2 import Picamera2Camera
from pi_classifier.sources.csi.rpicam import RpicamVid


def csi_cameras() -> list[str]:
    """The models of the CSI cameras, in order of their numbers; empty where nothing can tell."""
    library = picamera2.load_library()
    if library is not None:
        try:
            return picamera2.list_models(library)
        except RuntimeError:
            return []
    program = rpicam.find_program()
    return rpicam.list_models(program) if program else []


def csi_camera(camera: str, number: int, *, width: int, height: int, fps: float) -> Picamera2Camera | RpicamVid:
    """A CSI camera by its number, through what this machine has; the camera need not be there yet.

    Raises:
        CameraUnsupported: neither picamera2 nor rpicam-vid is there.
    """
    library = picamera2.load_library()
    if library is not None:
        return Picamera2Camera(camera, number, library, width=width, height=height, fps=fps)
    program = rpicam.find_program()
    if program is not None:
        return RpicamVid(camera, number, program, width=width, height=height, fps=fps)
    raise CameraUnsupported(
        f"CSI camera {number}: neither rpicam-vid nor picamera2 is there",
        remedy="'sudo apt install rpicam-apps-lite' (or python3-picamera2)",
    )

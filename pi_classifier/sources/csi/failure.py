"""How long a CSI camera may take, and what it means when it fails."""

from pi_classifier.errors import CameraAbsent, CameraBusy, CameraLost

SILENCE_SECONDS = 2.0
"""A camera that completes no picture for so long is taken for lost."""
START_SECONDS = 8.0
"""The first picture may take longer: libcamera tries every mode of the sensor before it starts."""
REMEDY = "check its cable, and 'pi-classifier boot-config status'"


def camera_failure(name: str, message: str) -> CameraLost:
    """The error for what libcamera says; `name` is the camera's.

    libcamera's programs and Python package tell kinds of failure apart in their messages alone.
    """
    problem, lower = f"{name}: {message}", message.lower()
    if "no cameras available" in lower or "no such camera" in lower:
        return CameraAbsent(problem, remedy=REMEDY)
    # The last is what picamera2 says of a busy camera.
    if any(words in lower for words in ("busy", "in use", "did not complete")):
        return CameraBusy(problem, remedy=f"close what else uses it, or {REMEDY}")
    return CameraLost(problem, remedy=REMEDY)

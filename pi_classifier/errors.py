"""Every expected failure, each naming one action and one exit code.

An error says what is wrong and, in a field of its own, the remedy; together they are the one line that the user gets to
see. Exit codes are those of sysexits.h, so that systemd can tell what a restart may heal (69, 75) from what only a
person can (78).
"""

import os


class PiClassifierError(Exception):
    """An expected failure; `str(error)` is one line for the user, `exit_code` what the process ends with."""

    exit_code = 1

    def __init__(self, problem: str, *, remedy: str) -> None:
        """`problem`: what is wrong, and with what. `remedy`: what the user can do. Each without a full stop."""
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return one_line(f"{self.problem}; {self.remedy}")


def one_line(text: str) -> str:
    """`text` as it can be printed on one line: a file's name may hold line breaks, control characters, or no text."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape", "surrogatepass").decode("ascii")
        for character in text
    )


class ConfigError(PiClassifierError):
    """The configuration (file, environment or flag) cannot be used. A restart does not help."""

    exit_code = os.EX_CONFIG


class InputError(PiClassifierError):
    """A picture or video cannot be read, or ends before its time. A restart does not help."""

    exit_code = os.EX_CONFIG


class DatasetError(PiClassifierError):
    """A folder of pictures is none that classes can be learnt from. A restart does not help."""

    exit_code = os.EX_CONFIG


class ModelError(PiClassifierError):
    """Weights or a bundle are not what they should be. A restart does not help."""

    exit_code = os.EX_CONFIG


class ActivationsUnsupported(ModelError):
    """This build of torch lacks the kernels that a program's activations need; the other type will do."""


class WeightsUnavailable(PiClassifierError):
    """No weights on this machine and none to be had from the network just now."""

    exit_code = os.EX_UNAVAILABLE


class NoPictures(PiClassifierError):
    """`collect`: the camera is not there, or has gone while pictures were taken; those taken before stay."""

    exit_code = os.EX_UNAVAILABLE


class CannotWrite(PiClassifierError):
    """A file cannot be written: no permission, no space, a read-only file system."""

    exit_code = os.EX_CANTCREAT


class AddressInUse(PiClassifierError):
    """Another process listens where the metrics should be served."""

    exit_code = os.EX_TEMPFAIL


class CaptureThreadDied(PiClassifierError):
    """A capture thread ended on an error of our own; its traceback has been printed. systemd restarts the service."""


class InferenceThreadDied(PiClassifierError):
    """A thread that runs the model ended on an error; its traceback has been printed. systemd restarts the service."""


class CameraUnsupported(PiClassifierError):
    """The device is no camera, or none whose pictures can be decoded. A restart does not help."""

    exit_code = os.EX_CONFIG


class CaptureError(PiClassifierError):
    """The camera is disconnected for now: count it, release it, reopen it with back-off. `kind` labels the metric."""

    kind = "error"
    first_retry_seconds = 0.5
    """Until the next attempt, at most; twice as long after each that fails."""
    longest_retry_seconds = 30.0
    """The same once many have failed."""


class CaptureTimeout(CaptureError):
    """The camera is open and sends nothing."""

    kind = "timeout"


class CameraLost(CaptureError):
    """The camera was unplugged, another took its place, or its driver gave up."""

    kind = "lost"


class CameraAbsent(CameraLost):
    """There is no such camera yet."""


class CameraReplaced(CameraLost):
    """Something else is where the camera was."""


class CameraBusy(CameraLost):
    """Another program is using the camera."""


class CameraForbidden(CameraLost):
    """This user may not open the camera."""


class NetworkCameraForbidden(CameraForbidden):
    """A network camera refuses the user name and password, and each attempt tells it so once more."""

    first_retry_seconds = 30.0


class NetworkCameraLost(CameraLost):
    """A network camera cannot be reached, or has closed the connection."""

    longest_retry_seconds = 2.0


class NetworkCameraSilent(CaptureTimeout):
    """A network camera is connected, and sends nothing."""

    longest_retry_seconds = 2.0


class PictureFrozen(CaptureError):
    """The camera sends the same picture again and again."""

    kind = "frozen"
    longest_retry_seconds = 10.0

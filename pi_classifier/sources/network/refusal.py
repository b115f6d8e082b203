"""Why a network camera cannot be opened, found out by asking it once more."""

from pi_classifier.config.network_url import Userinfo, host_and_port, shown
from pi_classifier.errors import CaptureError, NetworkCameraForbidden, NetworkCameraLost, NetworkCameraSilent
from pi_classifier.sources.network.answer import UNAUTHORISED, status_of

REMEDY = "check its power and network"
OK = 200


def unreachable(url: str, error: OSError) -> CaptureError:
    """`error`: with which no connection came about."""
    host, port = host_and_port(url)
    problem = "no answer" if isinstance(error, TimeoutError) else error.strerror or "cannot be reached"
    return NetworkCameraLost(f"{host} port {port}: {problem}", remedy=REMEDY)


def refusal(url: str, userinfo: Userinfo | None) -> CaptureError:
    """Of a camera that somebody listens at, and that FFmpeg cannot open. `url`: without user name and password."""
    place = shown(url)
    if url.lower().startswith("tcp:"):
        return NetworkCameraLost(f"{place}: no H.264 came", remedy="check what the camera sends there")
    try:
        return _by_status(place, *status_of(url, userinfo), known=userinfo is not None)
    except TimeoutError:
        return NetworkCameraSilent(f"{place}: no answer", remedy=REMEDY)
    except OSError as error:
        return NetworkCameraLost(f"{place}: {error.strerror or 'no answer'}", remedy=REMEDY)
    except ValueError as error:
        return NetworkCameraLost(f"{place}: {error}", remedy="check the address")


def _by_status(place: str, status: int, reason: str, *, known: bool) -> CaptureError:
    """`known`: whether a user name and a password were told."""
    if status == UNAUTHORISED:
        refused = "refuses the user name or the password" if known else "wants a user name and a password"
        return NetworkCameraForbidden(f"{place} {refused}", remedy="set username and password_file of this [[camera]]")
    if status == OK:
        return NetworkCameraLost(
            f"{place} answers, and no video comes", remedy="set it to H.264 or H.265, and close other clients of it"
        )
    return NetworkCameraLost(f"{place}: {status} {reason}".rstrip(), remedy="check the address and the camera")

"""Whether the live page can be served, and who can look."""

from pi_classifier.config.schema import WebSettings
from pi_classifier.doctor.finding import Finding, State
from pi_classifier.doctor.packages import Packages

NEEDED = ("starlette", "uvicorn", "wsproto", "python-multipart")
NAME = "live page"


def page(settings: WebSettings, installed: Packages) -> Finding:
    """Whether it is off, for this machine alone, or open to the network, where nothing is encrypted."""
    if settings.listen is None:
        return Finding(NAME, State.OK, "turned off")
    if missing := [name for name in NEEDED if installed.version(name) is None]:
        return Finding(
            NAME, State.PROBLEM, f"not installed: {', '.join(missing)}", "run: pip install 'pi-classifier[web]'"
        )
    address = settings.listen.ip
    if settings.listen.host == "localhost" or (address is not None and address.is_loopback):
        return Finding(NAME, State.OK, f"{settings.listen}, for this machine alone")
    who = "everybody in the network may look" if settings.auth == "none" else "pictures and token cross the network"
    return Finding(
        NAME,
        State.WARNING,
        f"{settings.listen}: {who}, and nothing is encrypted",
        "let it listen on 127.0.0.1, behind a proxy with TLS: deploy/nginx/pi-classifier.conf",
    )

"""What a network camera answers when it is asked once: FFmpeg, which is told to be quiet, does not say why it fails.

RTSP (RFC 2326) and HTTP (RFC 9112) have the same form; TLS is not verified, as FFmpeg does not do it either: cameras
sign for themselves.
"""

import base64
import hashlib
import re
import secrets
import socket
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from pi_classifier.config.network_url import Userinfo, host_and_port

SECONDS = 3.0
"""For all of it."""
LONGEST_HEAD = 16384
"""Bytes of a status line and headers."""
UNAUTHORISED = 401

_CHALLENGED = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')
_STATUS = re.compile(rb"(?:RTSP|HTTP)/\d\.\d (\d{3})(?: ([^\r\n]{0,80}))?")


def connected(url: str, seconds: float = SECONDS) -> socket.socket:
    """A connection to the port that a URL names, without TLS.

    Raises:
        OSError: nobody listens, no such host, no answer within `seconds`.
    """
    return socket.create_connection(host_and_port(url), timeout=seconds)


def status_of(url: str, userinfo: Userinfo | None, seconds: float = SECONDS) -> tuple[int, str]:
    """The status that a description of the stream has, and its reason: `(404, "Not Found")`.

    Args:
        url: rtsp, rtsps, http or https, without user name and password.
        userinfo: tells who asks, once the camera wants to know.
        seconds: for all of it.

    Raises:
        OSError: no connection, no answer in time.
        ValueError: what comes is neither RTSP nor HTTP.
    """
    until = time.monotonic() + seconds
    with _secured(url, until) as connection:
        status, reason, headers = _asked(connection, url, "", until)
        if status != UNAUTHORISED or userinfo is None:
            return status, reason
    with _secured(url, until) as connection:
        answer = authorisation(headers.get("www-authenticate", ""), userinfo, *_request(url))
        return _asked(connection, url, answer, until)[:2]


def authorisation(challenge: str, userinfo: Userinfo, method: str, target: str) -> str:
    """The header that answers a challenge, with its line end; empty for a scheme other than Basic and Digest.

    RFC 7617 and RFC 7616; MD5 and SHA-256, which are what cameras know.
    """
    username, password = userinfo
    scheme, _, rest = challenge.partition(" ")
    if scheme.lower() == "basic":
        token = base64.b64encode(f"{username}:{password}".encode()).decode()
        return f"Authorization: Basic {token}\r\n"
    if scheme.lower() != "digest":
        return ""
    said = {name.lower(): quoted or bare for name, quoted, bare in _CHALLENGED.findall(rest)}
    realm, nonce = said.get("realm", ""), said.get("nonce", "")
    name = "sha256" if said.get("algorithm", "").upper() == "SHA-256" else "md5"

    def digest(text: str) -> str:
        return hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()

    who, what = digest(f"{username}:{realm}:{password}"), digest(f"{method}:{target}")
    fields = {"username": username, "realm": realm, "nonce": nonce, "uri": target}
    bare = ""
    if "auth" in re.split(r"\s*,\s*", said.get("qop", "")):
        client = secrets.token_hex(8)
        response = digest(f"{who}:{nonce}:00000001:{client}:auth:{what}")
        bare, fields["cnonce"] = ", qop=auth, nc=00000001", client
    else:
        response = digest(f"{who}:{nonce}:{what}")
    fields |= {"response": response} | ({"opaque": said["opaque"]} if "opaque" in said else {})
    quoted = ", ".join(f'{key}="{value}"' for key, value in fields.items())
    return f"Authorization: Digest {quoted}{bare}\r\n"


def _secured(url: str, until: float) -> socket.socket:
    connection = connected(url, _left(until))
    if urlsplit(url).scheme not in ("rtsps", "https"):
        return connection
    import ssl  # noqa: PLC0415 - megabytes, for few

    context = ssl._create_unverified_context()  # noqa: S323, SLF001 - see above
    return context.wrap_socket(connection, server_hostname=host_and_port(url)[0])


def _request(url: str) -> tuple[str, str]:
    """Method and target."""
    parts = urlsplit(url)
    if parts.scheme.startswith("rtsp"):
        return "DESCRIBE", url
    return "GET", (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _asked(connection: socket.socket, url: str, authorisation: str, until: float) -> tuple[int, str, Mapping[str, str]]:
    """Status, reason, headers by their names in lower case."""
    method, target = _request(url)
    parts = urlsplit(url)
    if method == "DESCRIBE":
        head = f"{method} {target} RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n"
    else:
        head = f"{method} {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n"
    connection.sendall(f"{head}{authorisation}\r\n".encode())
    received = b""
    while b"\r\n\r\n" not in received and len(received) < LONGEST_HEAD:
        connection.settimeout(_left(until))
        more = connection.recv(4096)
        if not more:
            break
        received += more
    status = _STATUS.match(received)
    if not status:
        raise ValueError("what answers there speaks neither RTSP nor HTTP")
    lines = received.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
    named = (line.partition(":") for line in reversed(lines))  # of several of one name the first counts
    headers = {name.strip().lower(): value.strip() for name, _, value in named}
    return int(status[1]), (status[2] or b"").decode("latin-1"), headers


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("no answer in time")
    return left

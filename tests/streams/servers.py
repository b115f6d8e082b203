"""Real servers of H.264 and H.265, each a process of its own.

    with RtspServer({"front": Mount(), "yard": Mount(codec="h265")}, Credentials("user", "secret")) as server:
        server.url("front", "user", "secret")

A test skips where a Debian package lacks. `mjpeg.py` has a server of Motion JPEG, `proxy.py` what goes wrong on the
way.
"""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import pytest

from tests.streams.gst_process import GstProcess, Mount

CAMERA = "camera"
"""The one mount, where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Whom a server lets in, and how it asks."""

    user: str
    password: str
    scheme: Literal["digest", "basic"] = "digest"


class RtspServer(GstProcess):
    """gst-rtsp-server with any number of cameras, on one port; all clients of a camera get the same frames.

    A camera's pipeline runs while it has clients: the first of them begins with a key frame, another anywhere.
    """

    def __init__(
        self,
        mounts: Mapping[str, Mount] | None = None,
        credentials: Credentials | None = None,
        *,
        certificate: Path | None = None,
        port: int = 0,
    ) -> None:
        """Not started: the context does that, or `start`.

        Args:
            mounts: of each path the camera; one at `/camera` if nothing is said.
            credentials: without them everybody may come in.
            certificate: a PEM file with a certificate and its key (`certificate_in`): it is rtsps then, and nothing
                else.
            port: of 127.0.0.1; 0 for one that nobody uses.
        """
        super().__init__(
            mounts or {CAMERA: Mount()},
            port,
            transport="rtsp",
            user=credentials and credentials.user,
            password=credentials and credentials.password,
            scheme=credentials and credentials.scheme,
            certificate=certificate and str(certificate),
        )
        self._scheme = "rtsps" if certificate else "rtsp"

    def url(self, mount: str = CAMERA, user: str | None = None, password: str | None = None) -> str:
        """Of a camera, with these credentials in it, escaped."""
        return f"{self._scheme}://{userinfo(user, password)}127.0.0.1:{self.port}/{mount}"


class H264Server(GstProcess):
    """Raw H.264 over TCP, as `rpicam-vid --inline --listen` sends it, to any number of clients.

    Each begins with a key frame, before which stand its parameter sets. It encodes from the start on.
    """

    def __init__(self, mount: Mount | None = None, *, port: int = 0) -> None:
        """Not started: the context does that, or `start`. `port`: of 127.0.0.1; 0 for one that nobody uses."""
        super().__init__({CAMERA: mount or Mount()}, port, transport="tcp")

    def url(self) -> str:
        """Of the stream."""
        return f"tcp://127.0.0.1:{self.port}"


def userinfo(user: str | None, password: str | None) -> str:
    """What stands before the host in a URL."""
    return "" if user is None else f"{quote(user, safe='')}:{quote(password or '', safe='')}@"


def certificate_in(folder: Path) -> Path:
    """A new certificate of 127.0.0.1, signed by itself, and its key in one PEM file; skips without openssl."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = [
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate),
    ]  # fmt: skip
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed: apt install openssl")
    certificate.write_text(certificate.read_text() + key.read_text())
    return certificate

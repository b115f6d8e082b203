"""A certificate authority of one's own, and a server that it vouches for."""

import shutil
import ssl
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

EXTENSIONS = "basicConstraints=CA:FALSE\nsubjectAltName={name}\n"
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


class Certified(NamedTuple):
    """What both sides need."""

    authority: Path
    """For who asks, PEM."""
    server: ssl.SSLContext
    """For who answers."""


def certified(folder: Path, name: str = "IP:127.0.0.1") -> Certified:
    """Make an authority and the certificate of a server of that name, by OpenSSL's own program."""
    if not shutil.which("openssl"):
        pytest.skip("needs OpenSSL's program: apt install openssl")
    authority, authority_key, request, certificate, key, extensions = (
        folder / file for file in ("ca.pem", "ca.key", "server.csr", "server.pem", "server.key", "extensions")
    )
    extensions.write_text(EXTENSIONS.format(name=name))
    for command in (
        ["req", "-x509", *KEY, "-subj", "/CN=authority", "-out", authority, "-keyout", authority_key],
        ["req", "-new", *KEY, "-subj", "/CN=server", "-out", request, "-keyout", key],
        ["x509", "-req", "-in", request, "-CA", authority, "-CAkey", authority_key, "-CAcreateserial",
         "-extfile", extensions, "-out", certificate],
    ):  # fmt: skip
        subprocess.run(["openssl", *map(str, command)], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return Certified(authority, context)

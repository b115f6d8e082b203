"""A real mosquitto with the configuration, the access control list and the users that are shipped and documented."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.deploy.shipped import DEPLOY
from tests.live.mosquitto import mosquitto
from tests.running import unused_port

SHIPPED = DEPLOY / "mosquitto"
READER = "home-assistant"
USERS = ("garden", "door", READER)
PASSWORD = "cAnArY"  # noqa: S105
"""Of all of them; where it shows, a secret has got out."""


class ShippedBroker(NamedTuple):
    """One that runs as it is shipped, on other ports and in a folder of its own."""

    port: int
    """Of the listener for this machine alone."""
    tls_port: int
    authority: Path
    """Who is to be trusted, for the other one."""


@contextmanager
def shipped_broker(folder: Path) -> Iterator[ShippedBroker]:
    """With the users that docs/fleet.md makes, while the context lasts."""
    passwd, tls_port = shutil.which("mosquitto_passwd"), unused_port()
    if not passwd or not shutil.which("openssl"):
        pytest.skip("needs mosquitto and OpenSSL's program: apt install mosquitto openssl")
    (folder / "passwords").touch(0o600)
    for user in USERS:
        subprocess.run([passwd, "-b", str(folder / "passwords"), user, PASSWORD], check=True)
    shutil.copy(SHIPPED / "acl", folder)
    (folder / "certs").mkdir()
    certificate, key = folder / "certs" / "server.crt", folder / "certs" / "server.key"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-out", str(certificate), "-keyout", str(key)]
    subprocess.run([*made, *names], check=True, capture_output=True)
    settings = (SHIPPED / "mosquitto.conf").read_text(encoding="utf-8")
    for shipped, here in [
        ("listener 1883 127.0.0.1\n", ""),  # the test's own, which is of the loopback, too
        ("listener 8883\n", f"listener {tls_port} 127.0.0.1\n"),
        ("/etc/mosquitto", str(folder)),
        ("/var/lib/mosquitto/", f"{folder}/"),
        ("/run/mosquitto", str(folder)),
        ("/var/log/mosquitto/mosquitto.log", str(folder / "mosquitto.log")),
    ]:
        assert shipped in settings
        settings = settings.replace(shipped, here)
    with mosquitto(folder, settings=settings) as running:
        yield ShippedBroker(running.port, tls_port, certificate)

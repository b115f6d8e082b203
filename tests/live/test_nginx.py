"""A real nginx with the shipped configuration before the page."""

import json
import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from pi_classifier.config.schema import WebSettings
from tests.conftest import ROOT
from tests.running import unused_port
from tests.waiting import DEADLINE_SECONDS, eventually
from tests.web.site import Site, running

CONFIG = ROOT / "deploy" / "nginx" / "pi-classifier.conf"
NAME = "cameras.example.org"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """A page that knows the proxy's name."""
    with running(settings=WebSettings(allowed_hosts=(NAME,))) as one:
        yield one


@pytest.fixture(scope="module")
def proxy(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, ssl.SSLContext]]:
    """The port of an nginx with the shipped configuration, on other files and ports, and trust in its certificate."""
    executable = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    if not executable:
        pytest.skip("nginx is not installed: apt install nginx-light")
    folder, port = tmp_path_factory.mktemp("nginx"), unused_port()
    certificate = made_certificate(folder)
    text = CONFIG.read_text(encoding="utf-8").replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl")
    text = text.replace("http://127.0.0.1:8080", site.url).replace(f"/etc/ssl/certs/{NAME}.pem", str(certificate))
    text = text.replace(f"/etc/ssl/private/{NAME}.key", str(certificate))
    # Its workers would be somebody else, who may not write there.
    user = "user root; " if os.geteuid() == 0 else ""
    temporary = " ".join(f"{kind}_temp_path {folder};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "nginx.conf").write_text(
        f"{user}daemon off; pid {folder}/pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; {temporary}\n{text}\n}}\n"
    )
    process = subprocess.Popen([executable, "-p", folder, "-c", folder / "nginx.conf"])
    try:
        eventually(lambda: is_open(port), "nginx")
        yield port, ssl.create_default_context(cafile=certificate)
    finally:
        process.terminate()
        process.wait(DEADLINE_SECONDS)


def made_certificate(folder: Path) -> Path:
    """Key and certificate in one file, of this test alone."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={NAME}",
         "-addext", f"subjectAltName=DNS:{NAME}", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    certificate.write_text(certificate.read_text() + key.read_text())
    return certificate


def is_open(port: int) -> bool:
    """Whether somebody listens."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def secured(proxy: tuple[int, ssl.SSLContext]) -> tuple[socket.socket, ssl.SSLContext]:
    """A connection to it."""
    return socket.create_connection(("127.0.0.1", proxy[0]), timeout=DEADLINE_SECONDS), proxy[1]


def test_api_through_the_proxy(proxy: tuple[int, ssl.SSLContext]) -> None:
    """Protects who puts nginx before it: the API answers by TLS, and a stream begins at once."""
    port, trust = proxy
    extensions = {"sni_hostname": NAME}
    with httpx.Client(
        verify=trust, timeout=DEADLINE_SECONDS, headers={"Host": f"{NAME}:{port}"}, trust_env=False
    ) as client:
        address = f"https://127.0.0.1:{port}"
        assert client.get(f"{address}/api/v1/status", extensions=extensions).json()["cameras"]
        large = client.post(f"{address}/api/v1/classify", content=bytes(2_000_000), extensions=extensions,
                            headers={"Content-Type": "image/png"})  # fmt: skip
        assert large.status_code == 422
        mjpeg = client.stream("GET", f"{address}/api/v1/cameras/front/stream.mjpg", extensions=extensions)
        with mjpeg as stream:
            assert next(stream.iter_raw()).startswith(b"--frame")


def test_live_page_through_the_proxy(proxy: tuple[int, ssl.SSLContext]) -> None:
    """Protects the page behind nginx: its WebSocket opens with its own Origin, and not with that of another page."""
    address = f"wss://{NAME}:{proxy[0]}/api/v1/live"

    def page(origin: str) -> ClientConnection:
        connection, trust = secured(proxy)
        return connect(address, sock=connection, ssl=trust, origin=Origin(origin), proxy=None)

    with page(f"https://{NAME}:{proxy[0]}") as opened:
        assert json.loads(opened.recv(DEADLINE_SECONDS))["type"] == "hello"
        opened.send('{"camera": "front"}')
        while isinstance(opened.recv(DEADLINE_SECONDS), str):
            pass
    with pytest.raises(InvalidStatus), page("https://evil.example"):
        pass

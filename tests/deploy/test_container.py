"""docs/container.md and the Dockerfile, held to one another and to the configuration."""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from dockerfile_parse import DockerfileParser

from tests.conftest import ROOT
from tests.running import Program
from tests.waiting import DEADLINE_SECONDS

PAGE = (ROOT / "docs" / "container.md").read_text(encoding="utf-8")
SECRET = "/run/secrets/web-token"  # noqa: S105 - where it is
TOKEN = "not-much-of-a-secret"  # noqa: S105


def test_every_port_is_named_by_the_image() -> None:
    """Protects who publishes all ports of an image: those of the documents are among them, and no other."""
    parts = DockerfileParser(path=str(ROOT / "deploy" / "docker" / "Dockerfile")).structure
    exposed = [port for part in parts if part["instruction"] == "EXPOSE" for port in part["value"].split()]
    assert sorted(exposed) == sorted(set(re.findall(r"--publish [\d.:]*?(\d+)[ `\n]", PAGE)))


def test_page_opens_as_it_is_written(program: Callable[..., Program], tmp_path: Path, free_port: int) -> None:
    """Protects who copies the command: its variables turn the page on, and the token that it mounts opens it."""
    file = tmp_path / "web-token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o400)
    assert f":{SECRET}:ro" in PAGE
    variables = dict(re.findall(r"--env (\w+)=(\S+)", PAGE))
    address = f"127.0.0.1:{free_port}"
    mounted = {"0.0.0.0:8080": address, SECRET: str(file)}
    daemon = program(
        "run", "--source", "synthetic:", "--weights", "untrained", "--metrics-listen", "",
        environment={name: mounted[value] for name, value in variables.items()},
    )  # fmt: skip
    daemon.wait_for_line("camera")
    status = f"http://{address}/api/v1/status"
    with pytest.raises(HTTPError, match="401"):
        urlopen(status, timeout=DEADLINE_SECONDS)
    with urlopen(Request(status, headers={"Authorization": f"Bearer {TOKEN}"}), timeout=DEADLINE_SECONDS) as answer:
        assert answer.status == 200

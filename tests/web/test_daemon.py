"""The page as part of the program."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.conftest import ROOT
from tests.running import Program, unused_port
from tests.waiting import DEADLINE_SECONDS
from tests.web.conftest import TOKEN

RUN = ("run", "--source", "synthetic:", "--weights", "untrained")


def test_page_of_a_running_daemon(program: Callable[..., Program], free_port: int) -> None:
    """Protects the one option: the address is printed, the page is there, the API and the metrics know each other."""
    metrics = unused_port()
    daemon = program(*RUN, "--web", f"127.0.0.1:{free_port}", "--metrics-listen", f"127.0.0.1:{metrics}")
    daemon.wait_for_line("camera")
    assert any(f"http://127.0.0.1:{free_port}/" in line for line in daemon.notices)
    with urlopen(f"http://127.0.0.1:{free_port}/", timeout=DEADLINE_SECONDS) as page:
        assert b"<!doctype html>" in page.read().lower()
    with urlopen(f"http://127.0.0.1:{free_port}/api/v1/status", timeout=DEADLINE_SECONDS) as answer:
        assert json.load(answer)["model"]["weights"] == "untrained"
    with urlopen(f"http://127.0.0.1:{metrics}/metrics", timeout=DEADLINE_SECONDS) as answer:
        assert b'pi_classifier_web_requests_total{method="GET",route="/",status="200"} 1.0' in answer.read()
    daemon.stop()
    assert daemon.wait().returncode == 0


@pytest.mark.parametrize(
    ("settings", "code", "complaint"),
    [
        ('listen = "0.0.0.0:0"', 78, "there is no token"),
        ('listen = "0.0.0.0:0"\ntoken_file = "{token}"', 78, "chmod 600"),
        ('listen = "192.0.2.1:8080"', 78, "give an address of this machine"),
        ('listen = "8080"', 78, "HOST:PORT"),
        ('listen = ":0"\nallowed_hosts = ["pi:80"]', 78, "without a port"),
        ('listen = ":0"\nauth = "password"', 78, "auth"),
        ('listen = "127.0.0.1:0"\ncollect = "/proc/nowhere"', 78, "web.collect = /proc/nowhere: cannot be written"),
        ('listen = "127.0.0.1:0"\ncollect = "/etc/passwd"', 78, "web.collect = /etc/passwd"),
        ('listen = "127.0.0.1:0"\ncollect = "/tmp"\npictures = false', 78, "collects pictures and shows none"),
    ],
)
def test_what_cannot_be_served_is_one_line(
    program: Callable[..., Program], tmp_path: Path, settings: str, code: int, complaint: str
) -> None:
    """Protects the start: what is not fit is said in a line, before the model is loaded, and no secret is in it."""
    token, config = tmp_path / "token", tmp_path / "config.toml"
    token.write_text(TOKEN)
    token.chmod(0o644)
    config.write_text(f"[metrics]\nlisten = ''\n[web]\n{settings.format(token=token)}\n")
    ended = program(*RUN, "--config", config).wait()
    assert ended.returncode == code
    assert complaint in ended.stderr
    assert TOKEN not in ended.stderr + ended.stdout
    assert len(ended.stderr.splitlines()) == 1


def imported(variables: Mapping[str, str], *options: str) -> set[str]:
    """The modules that a run of three frames has imported by its end."""
    code = (
        "import sys\nimport pi_classifier.cli as cli\ncli._end_at_once = lambda: None\n"
        f"cli.app({[*RUN, '--frames', '3', '--metrics-listen', '', *options]!r}, standalone_mode=False)\n"
        "print(*sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=dict(variables), cwd=ROOT, capture_output=True, text=True,
        timeout=DEADLINE_SECONDS, check=True,
    )  # fmt: skip
    return set(done.stdout.splitlines()[-1].split())


def test_page_that_is_off_costs_nothing(variables: Mapping[str, str]) -> None:
    """Protects who does not want it: neither the page nor its libraries are imported."""
    modules = imported(variables)
    assert not [name for name in modules if name.startswith("pi_classifier.web")]
    assert not modules & {"starlette", "uvicorn", "h11", "wsproto", "asyncio", "anyio"}


def test_page_that_nobody_opens_costs_little(variables: Mapping[str, str]) -> None:
    """Protects the start with a page: what a viewer needs comes with the first, what is off does not come at all."""
    modules = imported(variables, "--web", "127.0.0.1:0")
    assert "pi_classifier.web.server" in modules
    assert not modules & {"PIL", "wsproto"}
    assert not [name for name in modules if name.startswith(("pi_classifier.collecting", "pi_classifier.web.collect"))]

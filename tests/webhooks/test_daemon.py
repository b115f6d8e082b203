"""The daemon with webhooks, as its user runs it: what receivers get, and what nobody does."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import ROOT
from tests.running import Program, unused_port
from tests.waiting import DEADLINE_SECONDS, eventually
from tests.web.test_daemon import imported
from tests.webhooks.certificates import certified
from tests.webhooks.receiving import KEY, SECRET, Receiving, Reply, receiving

standardwebhooks = pytest.importorskip("standardwebhooks", reason="standardwebhooks is not installed")
Run = Callable[..., Program]
PAGE = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")
SCENE = ("run", "--source", "synthetic:", "--weights", "demo")


def block(language: str) -> str:
    """The page's first block in a language."""
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return found[1]


def configured(folder: Path, *hooks: Mapping[str, str], metrics: int = 0) -> Path:
    """A configuration with webhooks; returns its file."""
    lines = [f'[metrics]\nlisten = "{f"127.0.0.1:{metrics}" if metrics else ""}"']
    for hook in hooks:
        lines += ["[[webhook]]", *(f'{name} = "{value}"' for name, value in hook.items())]
    file = folder / "config.toml"
    file.write_text("\n".join(lines) + "\n")
    return file


def scraped(port: int) -> dict[str, float]:
    """The daemon's metrics of the webhook `house`, by name."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=DEADLINE_SECONDS) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    samples = [sample for family in families for sample in family.samples if "_webhook_" in sample.name]
    return {one.name.partition("_webhook_")[2]: one.value for one in samples if one.labels["webhook"] == "house"}


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[tuple[Receiving, Path]]:
    """A receiver that speaks TLS, and the authority that vouches for it."""
    authority, server_side = certified(tmp_path)
    with receiving(server_side) as server:
        yield server, authority


def test_events_of_a_running_daemon_and_no_secret(
    program: Run, tls: tuple[Receiving, Path], tmp_path: Path, secret_file: Path
) -> None:
    """Protects homes: what the camera shows comes over TLS, signed, and again where it was not taken.

    And it protects the URL and the secret: neither is in any output.
    """
    server, authority = tls
    server.replies.put(Reply(503))
    metrics = unused_port()
    hook = {"name": "house", "url": server.url, "secret_file": str(secret_file), "ca_file": str(authority)}
    config = configured(tmp_path, hook, metrics=metrics)
    daemon = program(*SCENE, "--config", config, "--log-format", "json")
    eventually(lambda: server.received, "an event", every=0.05)
    first = server.received[0].id
    eventually(lambda: [one.id for one in server.received].count(first) == 2, "another attempt", every=0.05)
    eventually(lambda: scraped(metrics)["up"], "its end", every=0.05)
    figures = scraped(metrics)
    told = Path(f"/proc/{daemon.pid}/cmdline").read_text()
    daemon.stop()
    ended = daemon.wait()
    assert ended.returncode == 0
    verifier = standardwebhooks.Webhook(SECRET)
    events = [verifier.verify(one.body, dict(one.headers.items())) for one in server.received]
    lines = {line["id"]: line for line in map(json.loads, daemon.lines) if "id" in line}
    assert {event["id"] for event in events} <= set(lines)
    assert events[0]["type"] == "pi-classifier.started"
    assert events[0]["data"]["label"] == lines[events[0]["id"]]["label"]
    assert (figures["up"], figures["failed_attempts_total"], figures["events_lost_total"]) == (1, 1, 0)
    for command in (["check-config"], ["doctor", "--json"]):
        done = program(*command, "--config", config).wait()
        told += done.stdout + done.stderr
    assert "takes a signed message" in told
    told += ended.stdout + ended.stderr + repr(figures)
    for secret in ("cAnArY", SECRET, SECRET.removeprefix("whsec_"), KEY.hex()):
        assert secret not in told


def test_dead_receiver_does_not_hold_up_the_end(program: Run, tmp_path: Path, secret_file: Path) -> None:
    """Protects `systemctl stop`: while a receiver owes its answer the daemon ends, and says what was not taken."""
    with receiving() as server:
        server.replies.put(Reply(204, hold=(hold := threading.Event())))
        hook = {"name": "house", "url": server.url, "secret_file": str(secret_file)}
        daemon = program(*SCENE, "--config", configured(tmp_path, hook))
        eventually(lambda: server.received, "an event", every=0.05)
        daemon.stop()
        ended = daemon.wait()
        assert not hold.is_set()
        hold.set()
    assert ended.returncode == 0
    assert re.search(r"webhook house: http://127.0.0.1:\d+ has not taken \d+ events? by the end", ended.stderr)


@pytest.mark.parametrize(
    ("hook", "complaint"),
    [
        ({"url": "https://host/cAnArY"}, "the webhook 'webhook' has no secret_file"),
        (
            {"url": "https://host/cAnArY", "secret_file": "/nowhere/secret"},
            "webhook.0.secret_file = /nowhere",
        ),
        ({"url": "https://u:cAnArY@host/", "secret_file": "s"}, "https://host"),
        (
            {"url": "https://host/cAnArY", "secret_file": "{secret}", "ca_file": "/nowhere"},
            "webhook.0.ca_file",
        ),
    ],
)
def test_what_is_not_fit_is_one_line(
    program: Run, tmp_path: Path, secret_file: Path, hook: dict[str, str], complaint: str
) -> None:
    """Protects the start: what is not fit is said in a line, before the model is loaded, and no secret is in it."""
    hook = {name: value.format(secret=secret_file) for name, value in hook.items()}
    ended = program(*SCENE, "--config", configured(tmp_path, hook)).wait()
    assert ended.returncode == 78
    assert complaint in ended.stderr
    assert "cAnArY" not in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_webhooks_that_are_off_cost_nothing(variables: Mapping[str, str]) -> None:
    """Protects who has none: nothing of them is imported, nor what they ask with."""
    modules = imported(variables)
    assert not [name for name in modules if name.startswith("pi_classifier.webhooks")]
    assert "pi_classifier.sinks.metrics.webhooks" not in modules


def test_secret_and_receiver_of_the_page(program: Run, tmp_path: Path) -> None:
    """Protects who copies from the page: its secret is fit, and its receiver takes events as written."""
    subprocess.run(["bash", "-euc", block("sh")], cwd=tmp_path, check=True)
    (tmp_path / "receiver.py").write_text(block("python"), encoding="utf-8")
    port = unused_port()
    script = f"import os, runpy; os.chdir({str(tmp_path)!r}); runpy.run_path('receiver.py')"
    receiver = Program(
        [sys.executable, "-c", script], {"PATH": os.environ["PATH"], "PORT": str(port)}, DEADLINE_SECONDS
    )
    try:
        hook = {"url": f"http://127.0.0.1:{port}/", "secret_file": str(tmp_path / "house-secret")}
        daemon = program(*SCENE, "--config", configured(tmp_path, hook))
        line = receiver.wait_for_line("pi-classifier.started camera")
        assert json.loads(line.split(" ", 2)[2])["camera"] == "camera"
        daemon.stop()
        assert daemon.wait().returncode == 0
        # Whoever does not know the secret is turned away.
        hook["secret_file"] = str(tmp_path / "other-secret")
        subprocess.run(["bash", "-euc", block("sh").replace("house", "other")], cwd=tmp_path, check=True)
        done = program("doctor", "--json", "--config", configured(tmp_path, hook)).wait()
        (finding,) = [one for one in json.loads(done.stdout)["findings"] if one["name"] == "webhook webhook"]
        assert finding["seen"] == "answers 401 (Unauthorized)"
    finally:
        receiver.kill()

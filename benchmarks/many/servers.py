"""A real mosquitto and a real Prometheus, with what `deploy/` ships, on the loopback."""

import getpass
import json
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from benchmarks.endurance.daemon import free_port
from benchmarks.shared.child import ROOT

START_SECONDS = 60.0
SCRAPE_SECONDS = 15
READER = "home-assistant"
"""The user who may read all of it."""
DEPLOY = ROOT / "deploy"
RULES = ("rules.yml", "fleet_rules.yml")
"""Those of them that there are."""


class Server:
    """A process, and the port where it listens."""

    def __init__(self, command: Sequence[str], port: int, log: Path) -> None:
        """Start it. `log`: takes what it says."""
        self.port = port
        with log.open("wb") as said:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        deadline = time.monotonic() + START_SECONDS
        while not is_open(port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"fleet: {command[0]} does not start: {log.read_text(errors='replace')[-1000:]}")
            time.sleep(0.1)

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()


def is_open(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def program(name: str, package: str) -> str:
    """Where it is; ends the process where it is not."""
    found = shutil.which(name, path="/usr/bin:/usr/sbin:/usr/local/bin:/usr/local/sbin")
    if not found:
        sys.exit(f"fleet: {name} is not installed; run: apt install {package}")
    return found


def versions() -> list[str]:
    """Of the two programs, with their names."""
    asked = {"mosquitto": "-h", "prometheus": "--version"}
    said = [
        subprocess.run([program(name, name), option], capture_output=True, text=True, check=False)
        for name, option in asked.items()
    ]
    found = [re.search(r"version ([0-9.]+)", one.stdout + one.stderr) for one in said]
    return [f"{name} {match[1]}" for name, match in zip(asked, found, strict=True) if match]


@contextmanager
def mosquitto(folder: Path, users: Sequence[str], password: str) -> Iterator[Server]:
    """A broker with these users, the shipped access control list and the shipped limits, without TLS."""
    passwords, port = folder / "passwords", free_port()
    passwords.write_text("".join(f"{name}:{password}\n" for name in (*users, READER)), encoding="utf-8")
    subprocess.run([program("mosquitto_passwd", "mosquitto"), "-U", passwords], check=True, capture_output=True)
    shipped = (DEPLOY / "mosquitto" / "mosquitto.conf").read_text(encoding="utf-8")
    limits = [line for line in shipped.splitlines() if line.startswith(("max_", "persistent_", "allow_"))]
    files = [f"password_file {passwords}", f"acl_file {DEPLOY / 'mosquitto' / 'acl'}"]
    config = folder / "mosquitto.conf"
    config.write_text(
        "\n".join([f"user {getpass.getuser()}", f"listener {port} 127.0.0.1", *files, *limits, ""]), encoding="utf-8"
    )
    server = Server([program("mosquitto", "mosquitto"), "-c", str(config)], port, folder / "mosquitto.log")
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def prometheus(folder: Path, targets: Sequence[dict[str, object]]) -> Iterator[Server]:
    """One that scrapes these targets every 15 s, from a file, and evaluates the shipped rules."""
    port, data = free_port(), folder / "data"
    (folder / "targets.json").write_text(json.dumps(targets), encoding="utf-8")
    rules = [name for name in RULES if (DEPLOY / "prometheus" / name).exists()]
    for name in rules:
        shutil.copy(DEPLOY / "prometheus" / name, folder / name)
    config = {
        "global": {"scrape_interval": f"{SCRAPE_SECONDS}s", "evaluation_interval": f"{SCRAPE_SECONDS}s"},
        "rule_files": rules,
        "scrape_configs": [{"job_name": "pi-classifier", "file_sd_configs": [{"files": ["targets.json"]}]}],
    }
    # JSON is YAML as well.
    (folder / "prometheus.yml").write_text(json.dumps(config), encoding="utf-8")
    command = [
        program("prometheus", "prometheus"),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={data}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    server = Server(command, port, folder / "prometheus.log")
    try:
        yield server
    finally:
        server.stop()


def query(server: Server, expression: str) -> float:
    """The one number that Prometheus answers; 0 where it has none, or does not answer yet."""
    url = f"http://127.0.0.1:{server.port}/api/v1/query?{urlencode({'query': expression})}"
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - http
            found = json.load(answer)["data"]["result"]
    except urllib.error.HTTPError:
        return 0.0
    return float(found[0]["value"][1]) if found else 0.0


def awaited(condition: Callable[[], bool], seconds: float) -> float:
    """How many seconds it takes until a condition holds; so many as are given where it does not."""
    began = time.monotonic()
    while not condition() and time.monotonic() - began < seconds:
        time.sleep(0.25)
    return time.monotonic() - began

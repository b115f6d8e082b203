"""A real Prometheus, and what its HTTP API answers."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from tests.running import Program, unused_port
from tests.waiting import DEADLINE_SECONDS

T = TypeVar("T")


class Prometheus:
    """One that runs, by its address."""

    def __init__(self, address: str) -> None:
        self.address = address

    @property
    def is_ready(self) -> bool:
        """Whether it has read its configuration and answers."""
        try:
            with urlopen(f"{self.address}/-/ready", timeout=DEADLINE_SECONDS):
                return True
        except HTTPError as error:
            error.close()
            return False
        except (URLError, ConnectionError):
            return False

    def ask(self, path: str, **parameters: str) -> Any:
        """What its HTTP API answers."""
        try:
            with urlopen(f"{self.address}/api/v1/{path}?{urlencode(parameters)}", timeout=DEADLINE_SECONDS) as answer:
                return json.load(answer)["data"]
        except HTTPError as error:
            with error:
                raise AssertionError(f"{path} {parameters}: {error.read().decode()}") from None

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series that a query gives at this moment."""
        series: list[dict[str, Any]] = self.ask("query", query=expression)["result"]
        return series


@contextmanager
def scraping(folder: Path, config: str) -> Iterator[Prometheus]:
    """A Prometheus with this configuration, on a port of its own, while the context lasts.

    Args:
        folder: takes its data, and is where it looks for the files that the configuration names.
        config: the text of prometheus.yml.
    """
    executable = shutil.which("prometheus")
    if not executable:
        pytest.skip("prometheus is not installed: apt install prometheus")
    (folder / "prometheus.yml").write_text(config, encoding="utf-8")
    address = f"127.0.0.1:{unused_port()}"
    flags = (f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data")
    program = Program([executable, *flags, f"--web.listen-address={address}"], {"GOMAXPROCS": "1"}, DEADLINE_SECONDS)
    try:
        prometheus = Prometheus(f"http://{address}")
        program.wait_for(lambda: prometheus.is_ready, "readiness")
        yield prometheus
    finally:
        program.kill()


def awaited(condition: Callable[[], T], what: str) -> T:
    """The first truth that `condition` tells."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not (truth := condition()):
        assert time.monotonic() < deadline, f"not within {DEADLINE_SECONDS:g} s: {what}"
        time.sleep(0.1)
    return truth

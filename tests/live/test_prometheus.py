"""A real Prometheus scrapes the real daemon."""

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import DEADLINE_SECONDS
from tests.running import Program


@pytest.fixture
def prometheus(tmp_path: Path, free_port: int) -> Iterator[Callable[[int], Callable[[str], list[dict[str, object]]]]]:
    """Starts Prometheus on a port of its own, scraping another; gives a function that evaluates a query."""
    program = shutil.which("prometheus")
    if not program:
        pytest.skip("prometheus is not installed (Debian: prometheus)")
    processes: list[subprocess.Popen[bytes]] = []

    def start(target: int) -> Callable[[str], list[dict[str, object]]]:
        config = tmp_path / "prometheus.yml"
        config.write_text(
            "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
            f"scrape_configs: [{{job_name: pi, static_configs: [{{targets: ['127.0.0.1:{target}']}}]}}]\n",
            encoding="utf-8",
        )
        command = [
            program, f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{free_port}", "--log.level=error",
        ]  # fmt: skip
        processes.append(subprocess.Popen(command))

        def query(expression: str) -> list[dict[str, object]]:
            address = f"http://127.0.0.1:{free_port}/api/v1/query?query={urllib.parse.quote(expression)}"
            try:
                with urllib.request.urlopen(address, timeout=30) as answer:
                    result: list[dict[str, object]] = json.load(answer)["data"]["result"]
                    return result
            except (urllib.error.URLError, ConnectionError):
                return []  # not up yet

        return query

    yield start
    for process in processes:
        process.terminate()
        process.wait()


def wait_for(query: Callable[[str], list[dict[str, object]]], expression: str) -> list[dict[str, object]]:
    """The result of a query as soon as it has one."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        if result := query(expression):
            return result
        time.sleep(0.2)
    pytest.fail(f"no result for {expression}")


def test_real_scrapes_balance(
    program: Callable[..., Program],
    prometheus: Callable[[int], Callable[[str], list[dict[str, object]]]],
    tmp_path: Path,
) -> None:
    """Protects every scrape: in Prometheus' own store captured is classified plus dropped, and the rate is there."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program("run", "--source", "synthetic:", "--weights", "untrained", "--metrics-listen", f"127.0.0.1:{port}")
    query = prometheus(port)
    wait_for(query, "up == 1")
    wait_for(query, "rate(pi_classifier_frames_classified_total[10s]) > 0")
    wait_for(query, "histogram_quantile(0.99, rate(pi_classifier_frame_age_seconds_bucket[10s])) > 0")
    unbalanced = (
        "pi_classifier_frames_captured_total != ignoring(reason) "
        "pi_classifier_frames_classified_total + ignoring(reason) "
        "sum without(reason) (pi_classifier_frames_dropped_total)"
    )
    assert query(unbalanced) == []
    assert wait_for(query, "pi_classifier_frames_captured_total > 10")
    (info,) = wait_for(query, "pi_classifier_model_info")
    assert info["metric"]["weights"] == "untrained"  # type: ignore[index]

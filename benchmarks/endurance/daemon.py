"""The daemon as a process, and what its metrics and Linux say of it."""

import itertools
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import IO

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.endurance.soak_figures import Sample
from benchmarks.shared.child import with_project
from benchmarks.shared.process_figures import process_figures

SCRAPE_SECONDS = 1.0
START_SECONDS = 300.0
"""For the first prediction, which may mean preparing the model on a slow machine."""
PREFIX = "pi_classifier_"


@contextmanager
def daemon_process(command: Sequence[str], output: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """The daemon, in a session of its own: a Ctrl-C in the terminal is for the soak alone."""
    daemon = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=output, env=with_project(os.environ), start_new_session=True
    )
    try:
        yield daemon
    finally:
        daemon.kill()
        daemon.wait()


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def scrape(port: int) -> Counter[str]:
    """The samples of one scrape by name, those of several labels added up."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    values: Counter[str] = Counter()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            values[sample.name.removeprefix(PREFIX)] += sample.value  # type: ignore[assignment]
    return values


def sample(daemon: subprocess.Popen[bytes], port: int, started: float) -> Sample:
    """Look once. Raises OSError if the daemon does not answer."""
    # Before the scrape: while it is answered, it takes a descriptor and a thread itself.
    figures = process_figures(daemon.pid)
    values = scrape(port)
    return Sample(
        seconds=time.monotonic() - started,
        **asdict(figures),
        captured=int(values["frames_captured_total"]),
        classified=int(values["frames_classified_total"]),
        dropped=int(values["frames_dropped_total"]),
        age_sum=float(values["frame_age_seconds_sum"]),
        age_count=int(values["frame_age_seconds_count"]),
    )


def first_prediction(daemon: subprocess.Popen[bytes], port: int, stop: threading.Event) -> bool:
    """Wait for it; False if it will not come."""
    deadline = time.monotonic() + START_SECONDS
    while daemon.poll() is None and time.monotonic() < deadline and not stop.wait(SCRAPE_SECONDS / 4):
        try:
            if scrape(port)["frames_classified_total"]:
                return True
        except OSError:
            continue
    return False


def watch(daemon: subprocess.Popen[bytes], port: int, seconds: float, stop: threading.Event) -> Iterator[Sample]:
    """A sample a second, until the time is over, the daemon has ended, or `stop` is set."""
    if not first_prediction(daemon, port, stop):
        return
    started = time.monotonic()
    for number in itertools.count(1):
        try:
            yield sample(daemon, port, started)
        except OSError as error:
            # A machine's bad second is no finding; a daemon that has ended is found out by its exit code.
            print(f"no answer: {error}", file=sys.stderr)
        due = number * SCRAPE_SECONDS
        if due > seconds or stop.wait(max(0.0, started + due - time.monotonic())) or daemon.poll() is not None:
            return

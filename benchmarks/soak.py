"""Runs the daemon for a long time and looks for what grows: memory, file descriptors, threads, the age of frames.

    python benchmarks/soak.py [--minutes N] [--source URI] [--weights FILE] [--json]

A client scrapes /metrics once a second, as Prometheus would, only more often. The first tenth of the run is left out:
caches fill and allocators settle then. Of the rest, the medians of its first and its last tenth are compared, and a
straight line is laid through all of it by least squares. Ctrl-C ends the run early and prints what there is.

It exits with 1 where something grows or does not add up:

- memory, by more than 5 MB an hour *and* by more than 2 MB between the medians: an allocator that rounds up to pages
  and arenas wanders by a megabyte or so, which a line through a short run takes for a slope;
- file descriptors or threads, by one or more between the medians: a daemon that runs for months has none to give away;
- a scrape, or the totals, in which captured is not classified plus dropped;
- a daemon that ends before it is told to, or not with 0 when it is.

Rate and age are printed and not judged: they tell as much of what else the machine did in that time.
"""

import argparse
import itertools
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import IO, Any

from process_figures import command, machine, process_figures
from prometheus_client.parser import text_string_to_metric_families

SCRAPE_SECONDS = 1.0
START_SECONDS = 300.0
"""For the first prediction, which may mean preparing the model on a slow machine."""
STOP_SECONDS = 30.0
MEMORY_MB_PER_HOUR = 5.0
MEMORY_NOISE_MB = 2.0
PREFIX = "pi_classifier_"


@dataclass(frozen=True, slots=True)
class Sample:
    """The daemon at one scrape; counts are of all its cameras together, since its start."""

    seconds: float
    """Since the daemon's first prediction was seen."""
    rss_mb: float
    descriptors: int
    threads: int
    captured: int
    classified: int
    dropped: int
    age_sum: float
    """Seconds, of all predictions."""
    age_count: int


@dataclass(frozen=True, slots=True)
class Drift:
    """How a series moved, in the series' own unit."""

    first: float
    """Median of the first tenth."""
    last: float
    """Median of the last tenth."""
    per_hour: float
    """Slope of the least-squares line."""

    @property
    def rise(self) -> float:
        """From the first tenth to the last."""
        return self.last - self.first


@dataclass(slots=True)
class Run:
    """What came of one run of the daemon."""

    samples: list[Sample] = field(default_factory=list)
    exit_code: int | None = None
    ended_early: bool = False
    """The daemon ended before it was told to."""
    totals: dict[str, int] = field(default_factory=lambda: {"captured": 0, "classified": 0})
    """The daemon's own, from its closing lines."""
    dropped: Counter[str] = field(default_factory=Counter)


def drift(seconds: Sequence[float], values: Sequence[float]) -> Drift:
    """The drift of a series over time; both sequences have the same length, at least 2."""
    tenth = max(1, len(values) // 10)
    slope, _ = statistics.linear_regression(seconds, values)
    return Drift(statistics.median(values[:tenth]), statistics.median(values[-tenth:]), slope * 3600)


def drifts(samples: Sequence[Sample]) -> dict[str, Drift]:
    """The drift of everything that is watched, the first tenth of the samples left out; empty if there are too few."""
    steady = samples[len(samples) // 10 :]
    pairs = [(one, other) for one, other in itertools.pairwise(steady) if other.age_count > one.age_count]
    if len(pairs) < 2:
        return {}
    at = [sample.seconds for sample in steady]
    ends = [other.seconds for _, other in pairs]
    rates = [(other.classified - one.classified) / (other.seconds - one.seconds) for one, other in pairs]
    ages = [1e3 * (other.age_sum - one.age_sum) / (other.age_count - one.age_count) for one, other in pairs]
    return {
        "rss_mb": drift(at, [sample.rss_mb for sample in steady]),
        "descriptors": drift(at, [sample.descriptors for sample in steady]),
        "threads": drift(at, [sample.threads for sample in steady]),
        "fps": drift(ends, rates),
        "frame_age_ms": drift(ends, ages),
    }


def findings(run: Run) -> list[str]:
    """What is wrong, a sentence each; empty where all is well."""
    moved = drifts(run.samples)
    wrong = [] if moved else ["too few scrapes to judge by"]
    if moved:
        memory = moved["rss_mb"]
        if memory.per_hour > MEMORY_MB_PER_HOUR and memory.rise > MEMORY_NOISE_MB:
            wrong.append(f"memory grows by {memory.per_hour:.1f} MB an hour")
        wrong += [
            f"{name} grow from {moved[name].first:g} to {moved[name].last:g}"
            for name in ("descriptors", "threads")
            if moved[name].rise >= 1
        ]
    if unbalanced := sum(one.captured != one.classified + one.dropped for one in run.samples):
        wrong.append(f"{unbalanced} scrapes do not add up")
    if not balances(run):
        wrong.append("the totals do not add up")
    if run.ended_early or run.exit_code != 0:
        wrong.append(f"the daemon ended {'by itself ' if run.ended_early else ''}with code {run.exit_code}")
    return wrong


def balances(run: Run) -> bool:
    """Whether the daemon's totals add up, and are no less than what was scraped last."""
    captured, classified = run.totals["captured"], run.totals["classified"]
    scraped = run.samples[-1].captured if run.samples else 0
    return captured == classified + run.dropped.total() and captured >= scraped


def report(run: Run) -> dict[str, Any]:
    """Everything that is told of a run, as JSON takes it."""
    wrong = findings(run)
    return {
        "machine": f"{machine()}, torch {version('torch')}",
        "load": round(os.getloadavg()[2], 1),
        "command": command(),
        "minutes": round(run.samples[-1].seconds / 60, 2) if run.samples else 0.0,
        "scrapes": len(run.samples),
        "drift": {name: asdict(moved) for name, moved in drifts(run.samples).items()},
        "totals": {**run.totals, "dropped": dict(run.dropped), "balance": balances(run)},
        "exit_code": run.exit_code,
        "findings": wrong,
        "verdict": f"GROWS OR FAILS: {'; '.join(wrong)}" if wrong else "steady",
    }


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    names = {"rss_mb": "RSS, MB", "descriptors": "file descriptors", "threads": "threads", "fps": "frames a second",
             "frame_age_ms": "frame age, ms"}  # fmt: skip
    lines = ["| | first tenth | last tenth | slope an hour |", "|---|---|---|---|"]
    for name, moved in result["drift"].items():
        lines.append(f"| {names[name]} | {moved['first']:.2f} | {moved['last']:.2f} | {moved['per_hour']:+.3f} |")
    totals = result["totals"]
    reasons = ", ".join(f"{count} {reason}" for reason, count in totals["dropped"].items() if count) or "none"
    where = (
        f"{result['minutes']} minutes and {result['scrapes']} scrapes on {result['machine']}, with a load of "
        f"{result['load']} over the last quarter of an hour, other programs included"
    )
    return "\n".join(
        [
            *lines,
            "",
            f"{where}: {totals['captured']} captured, {totals['classified']} classified, dropped: {reasons}. "
            f"Verdict: {result['verdict']}; `{result['command']}`",
        ]
    )


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


def soak(command: Sequence[str], port: int, seconds: float, stop: threading.Event) -> Run:
    """One run of the daemon, watched until it is told to stop."""
    run, shown_at = Run(), 0.0
    with tempfile.TemporaryFile() as output, daemon_process(command, output) as daemon:
        for one in watch(daemon, port, seconds, stop):
            run.samples.append(one)
            # Sixty lines, however long it takes.
            if one.seconds >= shown_at:
                shown_at = one.seconds + seconds / 60
                show(run.samples, seconds)
        run.ended_early = daemon.poll() is not None
        daemon.terminate()
        # One that does not stop keeps its exit code to itself, and that is found out.
        with suppress(subprocess.TimeoutExpired):
            run.exit_code = daemon.wait(STOP_SECONDS)
        output.seek(0)
        for line in output.readlines()[-100:]:
            enter_totals(run, json.loads(line))
    return run


@contextmanager
def daemon_process(command: Sequence[str], output: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """The daemon, in a session of its own: a Ctrl-C in the terminal is for the soak alone."""
    daemon = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, start_new_session=True)
    try:
        yield daemon
    finally:
        daemon.kill()
        daemon.wait()


def enter_totals(run: Run, line: dict[str, object]) -> None:
    """Add a camera's closing line; other lines are passed over."""
    captured, classified, dropped = line.get("captured"), line.get("classified"), line.get("dropped")
    if isinstance(captured, int) and isinstance(classified, int) and isinstance(dropped, dict):
        run.totals["captured"] += captured
        run.totals["classified"] += classified
        run.dropped.update(dropped)


def show(samples: Sequence[Sample], seconds: float) -> None:
    """A line of progress on stderr."""
    now = samples[-1]
    before = samples[max(0, len(samples) - 61)]
    rate = (now.classified - before.classified) / ((now.seconds - before.seconds) or 1)
    print(
        f"{now.seconds / 60:.2f} of {seconds / 60:g} min: {now.rss_mb:.1f} MB, {now.descriptors} descriptors, "
        f"{now.threads} threads, {rate:.1f} fps, {now.dropped} of {now.captured} dropped",
        file=sys.stderr,
        flush=True,
    )


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def main() -> None:
    """Run, watch and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0, help="how long (default: 60)")
    parser.add_argument("--source", default="synthetic:", metavar="URI", help="as of 'run' (default: synthetic:)")
    parser.add_argument("--weights", default="default", metavar="FILE", help="as of 'run' (default: default)")
    parser.add_argument("--threads", default="1", metavar="N", help="as of 'run' (default: 1)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    arguments = parser.parse_args()
    stop, port = threading.Event(), free_port()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    daemon = [sys.executable, "-m", "pi_classifier", "run", "--source", arguments.source, "--weights",
               arguments.weights, "--threads", arguments.threads, "--log-format", "json",
               "--metrics-listen", f"127.0.0.1:{port}"]  # fmt: skip
    run = soak(daemon, port, arguments.minutes * 60, stop)
    result = report(run)
    print(json.dumps(result, indent=2) if arguments.json else table(result))
    sys.exit(1 if findings(run) else 0)


if __name__ == "__main__":
    main()

"""Runs the daemon for a long time and looks for what grows: memory, file descriptors, threads, the age of frames.

    python benchmarks/soak.py [--minutes N] [--source URI] [--runtime WHICH] [--weights FILE] [--json]

A client scrapes /metrics once a second, as Prometheus would, only more often. The first tenth of the run is left out:
caches fill and allocators settle then. Of the rest, the medians of its first and its last tenth are compared, and a
straight line is laid through all of it by least squares. Ctrl-C ends the run early and prints what there is.

It exits with 1 where something grows or does not add up:

- memory, by more than 5 MB an hour *and* by more than 2 MB between the medians: an allocator that rounds up to pages
  and arenas wanders by a megabyte or so, which a line through a short run takes for a slope;
- file descriptors or threads, by one or more between the medians: a daemon that runs for months has none to give away;
- a scrape, or the totals, in which captured is not classified plus dropped;
- a daemon that ends before it is asked to, or not with 0 when it is.

Rate and age are printed and not judged: they tell as much of what else the machine did in that time.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

if not __package__:  # run by its path: the package is found from the project's folder
    sys.path[0] = str(Path(__file__).parents[1])

from benchmarks.endurance.daemon import daemon_process, free_port, watch
from benchmarks.endurance.soak_figures import Run, Sample
from benchmarks.endurance.verdict import balances, drifts, findings
from benchmarks.shared.child import module_command
from benchmarks.shared.command_line import Parser, print_result
from benchmarks.shared.markdown import markdown_table
from benchmarks.shared.own_runtimes import LIBRARIES, libraries
from benchmarks.shared.provenance import Machine
from pi_classifier.contracts.model import Runtime

STOP_SECONDS = 30.0
NAMES = {
    "rss_mb": "RSS, MB",
    "descriptors": "file descriptors",
    "threads": "threads",
    "fps": "frames a second",
    "frame_age_ms": "frame age, ms",
}
"""Of what is watched, in the table."""


def soak(command: Sequence[str], port: int, seconds: float, stop: threading.Event) -> Run:
    """One run of the daemon, watched until it is asked to stop."""
    run, shown_at = Run(), 0.0
    with tempfile.TemporaryFile() as output, daemon_process(command, output) as daemon:
        for one in watch(daemon, port, seconds, stop):
            run.samples.append(one)
            # Sixty lines, however long it takes.
            if one.seconds >= shown_at:
                shown_at = one.seconds + seconds / 60
                show_progress(run.samples, seconds)
        run.ended_early = daemon.poll() is not None
        daemon.terminate()
        # One that does not stop keeps its exit code to itself, and that is found out.
        with suppress(subprocess.TimeoutExpired):
            run.exit_code = daemon.wait(STOP_SECONDS)
        output.seek(0)
        for line in output.readlines()[-100:]:
            add_totals(run, json.loads(line))
    return run


def add_totals(run: Run, line: dict[str, object]) -> None:
    """Add a camera's last line; other lines are passed over."""
    captured, classified, dropped = line.get("captured"), line.get("classified"), line.get("dropped")
    if isinstance(captured, int) and isinstance(classified, int) and isinstance(dropped, dict):
        run.totals["captured"] += captured
        run.totals["classified"] += classified
        run.dropped.update(dropped)


def show_progress(samples: Sequence[Sample], seconds: float) -> None:
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


def result_of(run: Run, runtime: Runtime) -> dict[str, Any]:
    """What came of a run on that runtime, as JSON takes it."""
    wrong, machine = findings(run), Machine.here()
    return {
        "machine": machine.briefly(*libraries(runtime)),
        "load": round(os.getloadavg()[2], 1),
        "command": machine.command,
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
    rows = [
        (NAMES[name], f"{moved['first']:.2f}", f"{moved['last']:.2f}", f"{moved['per_hour']:+.3f}")
        for name, moved in result["drift"].items()
    ]
    totals = result["totals"]
    reasons = ", ".join(f"{count} {reason}" for reason, count in totals["dropped"].items() if count) or "none"
    where = (
        f"{result['minutes']} minutes and {result['scrapes']} scrapes on {result['machine']}, with a load of "
        f"{result['load']} over the last quarter of an hour, other programs included"
    )
    return "\n".join(
        [
            *markdown_table(("", "first tenth", "last tenth", "slope an hour"), rows),
            "",
            f"{where}: {totals['captured']} captured, {totals['classified']} classified, dropped: {reasons}. "
            f"Verdict: {result['verdict']}; `{result['command']}`",
        ]
    )


def main() -> None:
    """Run, watch and print."""
    parser = Parser(__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="how long (default: 60)")
    parser.add_argument("--source", default="synthetic:", metavar="URI", help="as of 'run' (default: synthetic:)")
    parser.add_argument(
        "--runtime", choices=tuple(LIBRARIES), default="torchscript", help="as of 'run' (default: torchscript)"
    )
    parser.add_argument("--weights", default="default", metavar="FILE", help="as of 'run' (default: default)")
    parser.add_argument("--threads", default="1", metavar="N", help="as of 'run' (default: 1)")
    parser.add_json()
    arguments = parser.parse_args()
    stop, port = threading.Event(), free_port()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    daemon = module_command(
        "pi_classifier", "run", "--source", arguments.source, "--weights", arguments.weights,
        "--runtime", arguments.runtime, "--threads", arguments.threads, "--log-format", "json",
        "--metrics-listen", f"127.0.0.1:{port}",
    )  # fmt: skip
    run = soak(daemon, port, arguments.minutes * 60, stop)
    print_result(result_of(run, arguments.runtime), table, as_json=arguments.json)
    sys.exit(1 if findings(run) else 0)


if __name__ == "__main__":
    main()

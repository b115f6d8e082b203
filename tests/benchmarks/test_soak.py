"""The long run that looks for leaks: what it finds in made-up series, and a short real run."""

import json
import random
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.endurance.soak_figures import Run, Sample
from benchmarks.endurance.verdict import drift, findings
from tests.conftest import ROOT
from tests.running import Program
from tests.waiting import DEADLINE_SECONDS

FRAMES_A_SECOND = 36


def hour(
    *,
    rss: Callable[[float], float] = lambda _: 400.0,
    threads: Callable[[float], int] = lambda _: 5,
    descriptors: Callable[[float], int] = lambda _: 7,
    dropped: int = 0,
) -> Run:
    """An hour of a daemon that behaves, but for what is given: functions of the hours since its start."""
    counts = [(second, FRAMES_A_SECOND * (second + 1)) for second in range(0, 3600, 5)]
    samples = [
        Sample(
            seconds=second,
            rss_mb=rss(second / 3600),
            descriptors=descriptors(second / 3600),
            threads=threads(second / 3600),
            captured=count,
            classified=count,
            dropped=dropped,
            age_sum=0.02 * count,
            age_count=count,
        )
        for second, count in counts
    ]
    total = samples[-1].captured
    return Run(samples=samples, exit_code=0, totals={"captured": total, "classified": total})


@given(
    start=st.floats(-1e3, 1e3),
    per_hour=st.floats(-1e3, 1e3),
    times=st.lists(st.floats(0, 36000), min_size=20, max_size=200, unique_by=lambda seconds: int(seconds)),
)
def test_drift_of_a_line_is_its_slope(start: float, per_hour: float, times: list[float]) -> None:
    """Protects the figure itself: a series that grows steadily is given its own slope and the sign of its rise."""
    times.sort()
    moved = drift(times, [start + per_hour * seconds / 3600 for seconds in times])
    assert moved.per_hour == pytest.approx(per_hour, rel=1e-3, abs=1e-3)
    assert moved.rise * per_hour >= 0


@given(per_hour=st.floats(8, 500), seed=st.integers(0, 1000))
def test_growing_memory_is_found(per_hour: float, seed: int) -> None:
    """Protects the verdict: a leak is found under an allocator's noise, at any rate well over the threshold."""
    noise = random.Random(seed)  # noqa: S311 - no secret
    run = hour(rss=lambda hours: 400 + per_hour * hours + noise.uniform(-0.5, 0.5))
    assert [one for one in findings(run) if one.startswith("memory grows")] == findings(run) != []


@given(warm_up=st.floats(0, 100), seed=st.integers(0, 1000))
def test_memory_that_settles_is_no_leak(warm_up: float, seed: int) -> None:
    """Protects against false alarms: what fills in the first tenth and then only wanders does not grow."""
    noise = random.Random(seed)  # noqa: S311 - no secret
    run = hour(rss=lambda hours: 400 + warm_up * min(1, hours / 0.1) + noise.uniform(-0.5, 0.5))
    assert findings(run) == []


@given(since=st.floats(0.2, 0.85), kind=st.sampled_from(("threads", "descriptors")))
def test_one_thread_or_descriptor_is_found(since: float, kind: str) -> None:
    """Protects months of running: a single one that is never given back is found, whenever it was taken."""

    def held(hours: float) -> int:
        return 5 + (hours > since)

    run = hour(threads=held) if kind == "threads" else hour(descriptors=held)
    assert findings(run) == [f"{kind} grow from 5 to 6"]


def test_what_does_not_add_up_is_found() -> None:
    """Protects the other verdicts: counts that do not add up, a daemon that dies, and a run of no use."""
    assert findings(hour(dropped=1)) == ["720 scrapes do not add up"]
    lost = hour()
    lost.totals["captured"] += 1
    assert findings(lost) == ["the totals do not add up"]
    died = hour()
    died.exit_code, died.ended_early = -9, True
    assert findings(died) == ["the daemon ended by itself with code -9"]
    assert "too few scrapes to judge by" in findings(Run(exit_code=0))


@pytest.fixture
def soak(both_programs: Path, tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Starts a soak of so many minutes, with more options."""
    started: list[Program] = []

    def start(minutes: str, *options: str) -> Program:
        command = [sys.executable, str(ROOT / "benchmarks" / "soak.py"), "--json", "--minutes", minutes,
                   "--weights", str(both_programs), *options]  # fmt: skip
        environment = {"PATH": sys.exec_prefix, "HOME": str(tmp_path), "PYTHONWARNINGS": "error"}
        started.append(Program(command, environment, DEADLINE_SECONDS))
        return started[-1]

    yield start
    for one in started:
        one.kill()


def test_a_short_real_run_is_reported(soak: Callable[..., Program]) -> None:
    """Protects the benchmark: figures of the real daemon, totals that balance, an exit code that fits the verdict."""
    ended = soak("0.06").wait()
    result = json.loads(ended.stdout)
    assert result["scrapes"] >= 3, ended.stderr
    assert result["drift"].keys() == {"rss_mb", "descriptors", "threads", "fps", "frame_age_ms"}
    assert result["drift"]["rss_mb"]["last"] > 50
    assert result["drift"]["threads"]["last"] >= 4  # main, camera, ticker, metrics
    totals = result["totals"]
    assert totals["balance"]
    assert totals["captured"] == totals["classified"] + sum(totals["dropped"].values()) > 0
    assert result["exit_code"] == 0
    assert ended.returncode == bool(result["findings"])
    assert (result["verdict"] == "steady") == (not result["findings"])
    assert " of 0.06 min: " in ended.stderr


def test_runtime_is_the_daemons(soak: Callable[..., Program]) -> None:
    """Protects a long run on LiteRT: it is that runtime that is watched, and the result says so."""
    result = json.loads(soak("0.06", "--runtime", "litert").wait().stdout)
    assert "LiteRT" in result["machine"]
    assert "--runtime litert" in result["command"]
    assert result["exit_code"] == 0
    assert 50 < result["drift"]["rss_mb"]["last"] < 150, "with torch it would be twice that"


def test_an_interrupted_run_tells_what_it_has(soak: Callable[..., Program]) -> None:
    """Protects an hour's work: Ctrl-C ends the soak early, stops the daemon in order and prints the result."""
    running = soak("60")
    running.wait_for(lambda: any(" of 60 min: " in line for line in running.notices), "a first scrape")
    running.stop(signal.SIGINT)
    result = json.loads(running.wait().stdout)
    assert result["scrapes"] >= 1
    assert result["exit_code"] == 0
    assert result["totals"]["balance"]

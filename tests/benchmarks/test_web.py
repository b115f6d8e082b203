"""benchmarks/web.py: what the live page costs, on made-up figures."""

import subprocess
import sys
import time
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.viewing.case import QUALITY, Arrivals
from benchmarks.viewing.meter import WARM_UP_FRAMES, Meter
from benchmarks.viewing.report import Case, Measured, seen_by_viewers, summary, table
from benchmarks.viewing.scene import pictures
from benchmarks.web import MOST_VIEWERS, cases
from pi_classifier.web import jpeg, viewers
from tests.conftest import ROOT
from tests.waiting import DEADLINE_SECONDS

SIZE = (224, 224)
WHERE = {"machine": "here", "load": 0.0, "command": "python", "missing": []}


def program(*options: str | Path) -> "subprocess.CompletedProcess[str]":
    """The benchmark, run."""
    return subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "web.py", *options],
        capture_output=True, text=True, check=False, timeout=DEADLINE_SECONDS,
    )  # fmt: skip


def row(cpu_ms: float, fps: float = 36.0) -> dict[str, float]:
    """As of one case in one round."""
    return {
        "began": 0.0, "ended": 1.0, "fps": fps, "age_ms_p50": 1.0, "age_ms_p99": 2.0, "cpu_ms": cpu_ms, "rss_mb": 90.0,
        "peak_rss_mb": 100.0, "viewer_fps": fps, "least_viewer_fps": fps, "sent_kb_s": 10.0,
    }  # fmt: skip


def test_nonsense_is_refused_in_one_line() -> None:
    """Protects from a crowd that the page turns away: so many viewers are refused before anything is measured."""
    ended = program("--viewers", "9")
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert MOST_VIEWERS == viewers.MOST_VIEWERS


def test_jpegs_are_equally_good() -> None:
    """Protects the comparison: Flask's JPEGs have the page's quality, or they would be cheaper, or dearer, for that."""
    assert QUALITY == jpeg.QUALITY


def test_without_flask_the_page_is_measured_alone() -> None:
    """Protects whoever has no Flask: the same cases, but for the peer's."""
    without = cases((0, 1), flask=False)
    assert without == [one for one in cases((0, 1), flask=True) if one.site != "flask"]
    assert {one.site for one in without} == {"off", "page"}


def test_ratios_are_within_a_round() -> None:
    """Protects the ratios: each round is held to the page off of the same round and size, not to another hour's."""
    measured: Measured = {
        Case("off", SIZE, 0): [row(10.0), row(40.0), row(20.0)],
        Case("page", SIZE, 0): [row(11.0), row(36.0), row(20.0)],
        Case("page", SIZE, 1): [row(12.0, 35.0), row(48.0, 27.0), row(24.0, 36.0)],
        Case("page", SIZE, 8): [row(19.0), row(34.0), row(31.0)],
        Case("flask", SIZE, 8): [row(34.0, 18.0)] * 3,
        Case("off", (640, 480), 0): [row(1.0), row(1.0), row(1.0)],
    }
    result: dict[str, Any] = summary(measured)
    nobody, one, *_ = result["cases"][1:]
    assert nobody["cpu_of_off"] == {"median": 1.0, "least": 0.9, "most": 1.1}
    assert one["cpu_of_off"]["median"] == 1.2
    assert one["fps_of_off"]["median"] == 35 / 36
    shown = table(result | WHERE)
    assert "0.90 to 1.10 by round: no difference beyond noise" in shown
    assert "rate is 97.2% of that without the page" in shown
    assert "A viewer more costs pi-classifier 1.00 ms" in shown
    assert "8 viewers Flask takes 1.10 times the page's processor time" in shown


def test_slow_machine_tells_nothing_of_the_rate() -> None:
    """Protects honesty: where the camera's rate is not reached without the page, no rate is held to the target."""
    measured: Measured = {
        Case("off", SIZE, 0): [row(9.0, 30.0)],
        Case("page", SIZE, 1): [row(9.5, 31.0)],
        Case("flask", SIZE, 1): [row(9.5, 31.0)],
    }
    shown = table(summary(measured) | WHERE)
    assert "did not keep up with the camera (30.0 of 36 fps)" in shown
    assert "target" not in shown
    assert "times the page's processor time a frame." in shown


@given(rate=st.integers(1, 100), size=st.integers(1, 10**6), count=st.integers(1, 8))
def test_frames_outside_the_window_do_not_count(rate: int, size: int, count: int) -> None:
    """Protects what a viewer got: frames from before the measurement, and after it, are none of it."""
    seen: Arrivals = [(10 + number / rate, size) for number in range(-rate, 4 * rate)]
    figures = seen_by_viewers([seen] * count, 10.0, 12.0)
    assert figures["viewer_fps"] == figures["least_viewer_fps"] == rate
    assert figures["sent_kb_s"] == pytest.approx(count * rate * size / 1e3)


def test_meter_leaves_the_start_out() -> None:
    """Protects the figures: the first frames, which cost more, are not among them."""
    meter = Meter(seconds=0)
    for _ in range(WARM_UP_FRAMES):
        meter.frame(time.monotonic() - 1000)
        assert not meter.done
    meter.frame(time.monotonic() - 1)
    assert meter.done
    assert 1000 <= meter.figures().age_ms_p50 < 100_000


def test_pictures_differ_and_have_their_size() -> None:
    """Protects the camera: pictures of the size that was asked for, each with others' colours than the one before."""
    one, other = islice(pictures(640, 480), 2)
    assert one.shape == other.shape == (480, 640, 3)
    assert (one != other).any()

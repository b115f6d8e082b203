"""benchmarks/cameras.py in a short real run."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks.streams.processes import WORKERS
from tests.conftest import ROOT
from tests.streams.servers import RtspServer
from tests.waiting import DEADLINE_SECONDS


@pytest.mark.skipif(not find_spec("av"), reason="not installed: pip install --editable '.[peers]'")
def test_peer_classifies_what_the_cameras_show(both_programs: Path) -> None:
    """Protects the benchmark: its cameras play, the peer reads and classifies them all, and the figures add up."""
    with RtspServer():
        pass  # skips where the benchmark would find no server
    options = ("--contenders", "processes", "--cameras", "2", "--seconds", "2", "--rounds", "1", "--runtime", "litert")
    ended = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "cameras.py", *options, "--weights", both_programs, "--json"],
        capture_output=True, text=True, check=False, timeout=DEADLINE_SECONDS,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    one = json.loads(ended.stdout)["contenders"]["processes"]
    # The parent, of each camera who reads and who classifies, and what watches over shared memory.
    assert one["processes"] == 1 + 2 * (1 + WORKERS) + 1
    assert 0 < one["least_camera_fps"] <= one["most_camera_fps"] <= one["fps"]
    assert 0 < one["age_ms_p50"] <= one["age_ms_p99"]
    assert min(one["cpu_ms"], one["pss_mb"]) > 0

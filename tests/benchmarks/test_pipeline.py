"""benchmarks/pipeline.py: what it says of both sides must add up."""

import json
import subprocess
import sys

from tests.conftest import ROOT

SCRIPT = ROOT / "benchmarks" / "pipeline.py"


def test_both_sides_report_the_same_and_it_adds_up() -> None:
    """Protects the comparison: the same keys on both sides, parts that sum up, and counts that add up."""
    result = subprocess.run(
        [sys.executable, SCRIPT, "--frames", "20", "--paced-frames", "20", "--rounds", "1", "--json"],
        capture_output=True, text=True, check=True, timeout=600,
    )  # fmt: skip
    sides = json.loads(result.stdout)
    assert set(sides) == {"tutorial", "pipeline", "bare", "ratios", "machine", "command"}
    assert sides["tutorial"].keys() == sides["pipeline"].keys()
    for scene, figures in sides["pipeline"].items():
        if scene == "allocated_kb":
            continue
        assert figures.keys() == sides["tutorial"][scene].keys()
        assert abs(figures["cpu_ms"] - figures["model_cpu_ms"] - figures["other_cpu_ms"]) < 1e-6
        assert figures["captured"] >= 20 + sum(figures["dropped"].values()) - figures["dropped"]["overrun"]
        assert 0 < figures["age_ms_p50"] <= figures["age_ms_p99"]
    assert all(value >= 0 for value in sides["ratios"].values())

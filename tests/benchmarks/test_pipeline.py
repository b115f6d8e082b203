"""benchmarks/pipeline.py: what it says of all sides must add up."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.loops.contenders import TUTORIAL
from benchmarks.loops.report import summary, table
from benchmarks.loops.scenes import FITTING, RANKED, scenes
from tests.conftest import ROOT
from tests.waiting import DEADLINE_SECONDS

WITHOUT_TORCH = "import sys; sys.modules.update(torch=None); from benchmarks.loops.run_loop import main; main()"


def figures(milliseconds: float, *, captured: int = 100, stale: int = 0) -> dict[str, Any]:
    """As of a loop that takes so long for a frame, half of it in the model."""
    half = milliseconds / 2
    return {
        "fps": 1000 / milliseconds, "cpu_ms": milliseconds, "model_cpu_ms": half, "other_cpu_ms": half,
        "age_ms_p50": milliseconds, "age_ms_p99": milliseconds, "age_p99_over_interval_and_inference": 1.0,
        "captured": captured, "dropped": {"stale": stale, "shutdown": 1}, "rss_mb": milliseconds, "allocated_kb": 0.0,
    }  # fmt: skip


def test_ratios_are_those_of_the_right_two() -> None:
    """Protects the sentences: each pipeline is held to the tutorial and its own bare model, and LiteRT's to torch's."""
    costs = {TUTORIAL: 40.0, "pipeline": 20.0, "bare": 10.0, "pipeline, LiteRT": 4.0, "bare, LiteRT": 3.0}
    measured = {name: {scene: [figures(cost)] for scene in scenes(1, 1.0)} for name, cost in costs.items()}
    measured["pipeline"][FITTING] = measured[TUTORIAL][FITTING] = [figures(20.0, captured=50, stale=2)]
    result = summary(measured, dict.fromkeys(costs, 1.0))
    ratios = result["ratios"]
    assert ratios["pipeline"]["cpu_with_top_10"] == 0.5
    assert ratios["pipeline"]["fps_over_bare_model"] == 0.5
    assert ratios["pipeline"]["dropped_of_paced"] == 0.04
    assert ratios["pipeline, LiteRT"]["fps_over_tutorial"] == 10
    assert ratios["pipeline, LiteRT"]["fps_over_bare_model"] == 0.75
    assert result["litert_over_torchscript"] == {"cpu_ms": 0.2, "other_cpu_ms": 0.2, "fps": 5, "rss_mb": 0.2}
    shown = table(result | {"machine": "here", "command": "python"})
    assert f"| {FITTING} | pipeline, LiteRT |" not in shown
    assert "5.0 times its rate" in shown
    assert "busy" not in shown
    result["pipeline"][RANKED]["fps"] /= 3
    assert "3.0 times its CPU time" in table(result | {"machine": "here", "command": "python"})


def test_loops_on_litert_do_not_carry_torch(both_programs: Path) -> None:
    """Protects the comparison of memory: the pipeline and the bare model on LiteRT run where torch is not there."""
    task = json.dumps({"frames": 3, "fps": 0.0, "top_k": True})
    for name in ("pipeline, LiteRT", "bare, LiteRT"):
        ended = subprocess.run(
            [sys.executable, "-c", WITHOUT_TORCH, name, "mobilenet_v2", both_programs, "", ""],
            input=task, capture_output=True, text=True, check=False, timeout=DEADLINE_SECONDS, cwd=ROOT,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr
        assert json.loads(ended.stdout)["rss_mb"] > 0

"""Benchmarks in short real runs: what they say must add up."""

import json
import shutil
import subprocess
import sys
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import detection
from benchmarks.loops.contenders import BARE, PIPELINE, TUTORIAL
from benchmarks.loops.scenes import FITTING
from benchmarks.objects import report as objects
from benchmarks.runtimes.peer import OURS
from benchmarks.shared.child import daemon_environment
from benchmarks.viewing import report as viewing
from tests.benchmarks.test_detection import WHERE
from tests.conftest import ROOT
from tests.detection.files import ULTRALYTICS, detector, raw
from tests.runtimes.onnx.files import written
from tests.waiting import DEADLINE_SECONDS

NOT_INSTALLED = "not installed (pip install --editable '.[peers]')"


def test_all_sides_report_the_same_and_it_adds_up() -> None:
    """Protects the comparison: the same keys on every side, parts that sum up, and counts that add up."""
    result = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "pipeline.py",
         "--frames", "20", "--paced-frames", "20", "--rounds", "1", "--json"],
        capture_output=True, text=True, check=True, timeout=600,
    )  # fmt: skip
    sides = json.loads(result.stdout)
    pipelines = {*PIPELINE.values()}
    assert set(sides) == {
        TUTORIAL, *pipelines, *BARE.values(), "ratios", "litert_over_torchscript", "machine", "command"
    }  # fmt: skip
    assert sides[TUTORIAL].keys() == sides["pipeline"].keys()
    # The small model has no program for LiteRT.
    assert sides[TUTORIAL].keys() - {FITTING} == sides["pipeline, LiteRT"].keys()
    for name in pipelines:
        for scene in sides[name].keys() - {"allocated_kb"}:
            figures = sides[name][scene]
            assert figures.keys() == sides[TUTORIAL][scene].keys()
            assert abs(figures["cpu_ms"] - figures["model_cpu_ms"] - figures["other_cpu_ms"]) < 1e-6
            assert figures["captured"] >= 20 + sum(figures["dropped"].values()) - figures["dropped"]["overrun"]
            assert 0 < figures["age_ms_p50"] <= figures["age_ms_p99"]
    ratios = sides["ratios"]
    assert ratios["pipeline"].keys() - {"dropped_of_paced"} == ratios["pipeline, LiteRT"].keys()
    assert all(value >= 0 for name in pipelines for value in ratios[name].values())


def test_photographs_through_every_runtime_at_hand(test_data: Path, real_weights: Path) -> None:
    """Protects the comparison: each runtime is fed right, or it would see nothing, and a missing one is named."""
    files = sorted((test_data / "weights" / "tflite").glob("*.tflite"))
    command = [sys.executable, str(ROOT / "benchmarks" / "peers.py"), "--json", "--rounds", "1", "--limit", "12",
               "--photos", str(test_data / "photos_permissive"), "--weights", str(real_weights),
               *(["--tflite", *map(str, files)] if files else [])]  # fmt: skip
    ended = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False)
    assert ended.returncode == 0, ended.stderr
    result = json.loads(ended.stdout)
    ours, *others = result["contenders"]
    assert ours["inference_of_ours"] == ours["total_of_ours"] == ours["cpu_of_ours"] == ours["agrees"] == 1
    assert [one["name"] for one in (ours, *others)][:3] == [*OURS.values(), "ONNX Runtime, the same weights"]
    assert others[0]["agrees"] == others[1].get("agrees", 1) == 1
    assert len(others) == 2 + len(files)
    assert len(result["sentences"]) >= len(others)
    for one in (ours, *others):
        if "problem" in one:
            assert one["problem"] == NOT_INSTALLED
            continue
        # Twelve plain photographs; with labels off by one or colours swapped it would be none or few.
        assert one["top1"] >= 0.6, one
        assert one["total_ms"] == pytest.approx(one["preprocess_ms"] + one["inference_ms"], rel=0.2)
        assert min(one["preprocess_ms"], one["cpu_ms"], one["rss_mb"]) > 0


def test_fleet_adds_up() -> None:
    """Protects what is said of many daemons: each is in and scraped, and what was sent was heard by who may read it."""
    if not shutil.which("mosquitto_passwd") or not shutil.which("prometheus"):
        pytest.skip("mosquitto or prometheus is not installed: apt install mosquitto prometheus")
    ended = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "fleet.py",
         "--pis", "12", "--seconds", "6", "--change-seconds", "1", "--json"],
        capture_output=True, text=True, timeout=3 * DEADLINE_SECONDS, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    result = json.loads(ended.stdout)
    events = result["events"]
    assert events["sent"] > 12
    # What is on its way at the end is heard by one side only.
    assert abs(events["heard"] - events["sent"]) <= 12
    assert (events["lost"], events["refused"]) == (0, 0)
    assert 0 <= events["p50_ms"] <= events["p99_ms"] <= events["most_ms"]
    assert result["targets"]["up"] == 12
    assert all(one["rss_mb"] > 0 for one in result["servers"].values())


def test_detection_adds_up(tmp_path: Path) -> None:
    """Protects the benchmark: each site looks at frames, the model is a part of the cost, who looks gets frames."""
    arguments = Namespace(
        model=[str(written(detector(raw(), metadata=ULTRALYTICS), tmp_path))], labels="", photos=None, seconds=1
    )
    ((name, setting),) = detection.settings_of(arguments).items()
    all_cases = detection.cases({name: setting.decoder}, 100.0, predictor=False)
    measured: objects.Measured = {
        case: [detection.measure(case, replace(setting, seconds=0.3), daemon_environment())] for case in all_cases
    }
    for case, (one,) in measured.items():
        assert 0 < one["model_cpu_ms"] < one["loop_cpu_ms"]
        assert one["model_cpu_ms"] < one["cpu_ms"]
        assert one["other_cpu_ms"] == one["cpu_ms"] - one["model_cpu_ms"]
        assert 0 < one["age_ms_p50"] <= one["age_ms_p99"]
        assert (one["viewer_fps"] > 0) == (case.viewers > 0)
    assert len(objects.table(objects.summary(measured) | WHERE).splitlines()) > len(all_cases)


def test_page_and_flask_add_up(both_programs: Path) -> None:
    """Protects the benchmark: page off, page on and Flask at both sizes; who looks gets frames, and bytes of them."""
    ended = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "web.py", "--runtime", "litert", "--weights", both_programs,
         "--viewers", "2", "--seconds", "1", "--rounds", "1", "--json"],
        capture_output=True, text=True, check=False, timeout=DEADLINE_SECONDS,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    result = json.loads(ended.stdout)
    measured = {(one["site"], one["height"], one["viewers"]): one for one in result["cases"]}
    assert list(measured) == [
        (site, height, count) for height in (224, 480) for site, count in (("off", 0), ("page", 2), ("flask", 2))
    ]
    for (_, _, count), one in measured.items():
        assert 0 < one["age_ms_p50"] <= one["age_ms_p99"]
        assert min(one["fps"], one["cpu_ms"]) > 0
        assert 50 < one["rss_mb"] <= one["peak_rss_mb"] < 200
        # Nobody sees more than there is, but for one at either end.
        assert (one["viewer_fps"] > 0) == (one["sent_kb_s"] > 0) == (count > 0)
        assert one["least_viewer_fps"] <= one["viewer_fps"] <= one["fps"] * 1.1 + 2
    off = measured["off", 224, 0]
    assert off["fps_of_off"] == off["cpu_of_off"] == {"median": 1, "least": 1, "most": 1}
    assert "| Flask, 640x480 | 2 |" in viewing.table(result)

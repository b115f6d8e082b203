"""The tutorial's loop and this pipeline on the same frames, the same model and one compute thread each, in turn.

    python benchmarks/pipeline.py [--weights STATE_DICT] [--photos DIR] [--rounds N] [--json]

Five scenes: a camera that is always ready, with the tutorial's top ten of every frame and without; a camera at 36 fps,
before this model and before a small one that fits into its interval anywhere, so that what is dropped there is the
pipeline's doing; and a camera that is twice as fast as the model. Contenders are asked in turn, round after round, so
that a slow hour of the machine hits all alike; figures are medians, ratios are medians of the ratios within a round.

"Other" is the processor time outside the call of the model: here the capture thread's work, hand-over, ranking and
books. The tutorial's call of the model quantises and reorders its float input inside, this project's copies the frame
into the model's tensor; that counts as the model's.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from contenders import Task
from process_figures import command, machine
from rich.console import Console
from rich.progress import Progress

from pi_classifier.libraries import ENVIRONMENT
from pi_classifier.model_store import write_prepared
from pi_classifier.prepare import prepare
from pi_classifier.settings import ModelSettings

CAMERA_FPS = 36.0
MODEL = "mobilenet_v2"
SMALL_MODEL = "shufflenet_v2_x0_5"
FITTING = f"36 fps, {SMALL_MODEL}"
SCENES = ("unpaced, top 10", "unpaced, no ranking", "36 fps", FITTING, "overloaded")
NAMES = ("tutorial", "pipeline", "bare")
Measured = dict[str, dict[str, list[dict[str, Any]]]]
"""Figures by scene and contender, one a round."""


class Worker:
    """A contender's process."""

    def __init__(self, name: str, model: str, model_file: Path, state: Path | None, photos: Path | None) -> None:
        script = Path(__file__).with_name("contenders.py")
        command = [sys.executable, str(script), name, model, str(model_file), str(state or ""), str(photos or "")]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**ENVIRONMENT, **os.environ}
        )

    def ask(self, task: Task) -> dict[str, Any]:
        """Have a task done."""
        assert self._process.stdin is not None  # noqa: S101 - it was asked for
        assert self._process.stdout is not None  # noqa: S101
        self._process.stdin.write(json.dumps(asdict(task)) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        """Let it end."""
        self._process.communicate()


def tasks(frames: int, model_seconds: float) -> dict[str, Task]:
    """The task of each scene but FITTING."""
    return {
        "unpaced, top 10": Task(frames, 0.0, top_k=True),
        "unpaced, no ranking": Task(frames, 0.0, top_k=False),
        "36 fps": Task(frames, CAMERA_FPS, top_k=True),
        "overloaded": Task(frames, 2 / model_seconds, top_k=True),
    }


@contextmanager
def contenders(model: str, model_file: Path, state: Path | None, photos: Path | None) -> Iterator[dict[str, Worker]]:
    """All of them, running while the context lasts."""
    workers = {name: Worker(name, model, model_file, state, photos) for name in NAMES}
    yield workers
    for worker in workers.values():
        worker.close()


def measure(workers: dict[str, Worker], scenes: dict[str, Task], rounds: int) -> Measured:
    """Scenes, contender by contender, round by round."""
    measured: Measured = {scene: {name: [] for name in workers} for scene in scenes}
    with Progress(console=Console(stderr=True)) as progress:
        bar = progress.add_task("measuring", total=rounds * len(scenes) * len(workers))
        for _ in range(rounds):
            for scene, task in scenes.items():
                for name, worker in workers.items():
                    measured[scene][name].append(worker.ask(task))
                    progress.advance(bar)
    return measured


def ratio(scene: dict[str, list[dict[str, Any]]], key: str, over: str) -> float:
    """The pipeline's figure over another contender's, the median of the rounds."""
    return statistics.median(
        float(mine[key]) / float(other[key]) for mine, other in zip(scene["pipeline"], scene[over], strict=True)
    )


def summary(measured: Measured, allocated: dict[str, float]) -> dict[str, Any]:
    """Medians of both sides under the same keys, and their ratios."""
    sides: dict[str, Any] = {}
    for name in ("tutorial", "pipeline", "bare"):
        sides[name] = {scene: _medians(measured[scene][name]) for scene in SCENES}
        sides[name]["allocated_kb"] = allocated[name]
    ranked, plain = measured["unpaced, top 10"], measured["unpaced, no ranking"]
    fitting, loaded = measured[FITTING]["pipeline"], measured["overloaded"]
    captured = sum(row["captured"] for row in fitting)
    # What is on its way when the scene ends is entered as a drop too, and is none of the pace.
    dropped = sum(count for row in fitting for reason, count in row["dropped"].items() if reason != "shutdown")
    sides["ratios"] = {
        "other_cpu_with_top_10": ratio(ranked, "other_cpu_ms", "tutorial"),
        "other_cpu_without_ranking": ratio(plain, "other_cpu_ms", "tutorial"),
        "cpu_with_top_10": ratio(ranked, "cpu_ms", "tutorial"),
        "fps_over_bare_model": ratio(ranked, "fps", "bare"),
        "fps_over_tutorial": ratio(ranked, "fps", "tutorial"),
        "age_p99_overloaded": ratio(loaded, "age_ms_p99", "tutorial"),
        "age_p99_overloaded_over_interval_and_inference": sides["pipeline"]["overloaded"][
            "age_p99_over_interval_and_inference"
        ],
        "dropped_of_paced": dropped / captured,
    }
    sides["machine"] = f"{machine()}, torch {torch.__version__}"
    sides["command"] = command()
    return sides


def _medians(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    numbers = {
        key: statistics.median(row[key] for row in rows) for key, value in rows[0].items() if key != "dropped"
        if isinstance(value, int | float)
    }  # fmt: skip
    reasons = sorted({reason for row in rows for reason in row["dropped"]})
    return numbers | {"dropped": {reason: sum(row["dropped"].get(reason, 0) for row in rows) for reason in reasons}}


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    lines = [
        "| | | fps | CPU ms a frame | of that not the model | age ms p50 / p99 | dropped |",
        "|---|---|---|---|---|---|---|",
    ]
    for scene in SCENES:
        for name in ("tutorial", "pipeline"):
            row = result[name][scene]
            dropped = ", ".join(f"{count} {reason}" for reason, count in row["dropped"].items() if count) or "none"
            lines.append(
                f"| {scene} | {name} | {row['fps']:.1f} | {row['cpu_ms']:.2f} | {row['other_cpu_ms']:.3f} | "
                f"{row['age_ms_p50']:.1f} / {row['age_ms_p99']:.1f} | {dropped} |"
            )
    ratios = result["ratios"]
    lines += [
        "",
        f"What is not the model costs {ratios['other_cpu_with_top_10']:.3f} of what it costs in the tutorial's loop, "
        f"{ratios['other_cpu_without_ranking']:.2f} without the ranking on either side. A camera that is always ready "
        f"is classified at {ratios['fps_over_bare_model']:.1%} of the bare model's rate, "
        f"{ratios['fps_over_tutorial']:.2f} times the tutorial's. Overloaded, a frame's age at the 99th percentile is "
        f"{ratios['age_p99_overloaded']:.2f} of the tutorial's, and "
        f"{ratios['age_p99_overloaded_over_interval_and_inference']:.2f} of one camera interval plus the frame's own "
        "inference. At 36 fps, with a model that fits, "
        f"{ratios['dropped_of_paced']:.2%} of the frames were dropped while it ran. "
        f"Python's allocations peak at {result['pipeline']['allocated_kb']:.0f} KB within a frame, the tutorial's at "
        f"{result['tutorial']['allocated_kb']:.0f} KB.",
        "",
        f"{result['machine']}, one compute thread; `{result['command']}`",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, metavar="FILE", help="quantised MobileNetV2 state dict; else random")
    parser.add_argument("--photos", type=Path, metavar="DIR", help="JPEGs of at least 224x224 to show (default: noise)")
    parser.add_argument("--frames", type=int, default=150, help="frames a scene and round (default: 150)")
    parser.add_argument(
        "--paced-frames", type=int, default=400, help=f"a round, at 36 fps with {SMALL_MODEL} (default: 400)"
    )
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default: 5)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model_file, small_file = Path(folder) / "model.pt", Path(folder) / "small.pt"
        weights = str(arguments.weights.resolve()) if arguments.weights else "untrained"
        write_prepared(model_file, prepare(ModelSettings(weights=weights)))
        write_prepared(small_file, prepare(ModelSettings(name=SMALL_MODEL, weights="untrained")))
        with contenders(MODEL, model_file, arguments.weights, arguments.photos) as workers:
            model_seconds = 1 / workers["bare"].ask(Task(arguments.frames, 0.0, top_k=False))["fps"]
            measured = measure(workers, tasks(arguments.frames, model_seconds), arguments.rounds)
            traced = Task(50, 0.0, top_k=True, traced=True)
            allocated = {name: worker.ask(traced)["allocated_kb"] for name, worker in workers.items()}
        # After the others have gone: a Raspberry Pi need not hold six torches at once.
        with contenders(SMALL_MODEL, small_file, None, arguments.photos) as workers:
            paced = {FITTING: Task(arguments.paced_frames, CAMERA_FPS, top_k=True)}
            measured |= measure(workers, paced, arguments.rounds)
    result = summary(measured, allocated)
    print(json.dumps(result, indent=2) if arguments.json else table(result))


if __name__ == "__main__":
    main()

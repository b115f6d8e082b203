"""The tutorial's loop and this pipeline on the same frames, the same model and one compute thread each, in turn.

    python benchmarks/pipeline.py [--weights STATE_DICT] [--photos DIR] [--rounds N] [--json]

Five scenes: a camera that is always ready, with the tutorial's top ten of every frame and without; a camera at 36 fps,
before this model and before a small one that fits into its interval anywhere, so that what is dropped there is the
pipeline's doing; and a camera that is twice as fast as the model. Contenders are asked in turn, round after round, so
that a slow hour of the machine hits all alike; figures are medians, ratios are medians of the ratios within a round.

"Other" is the processor time outside the call of the model: here the capture thread's work, hand-over, ranking and
statistics. The tutorial's call of the model quantises and reorders its float input inside, this project's copies the
frame into the model's tensor; that counts as the model's.
"""

import json
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

if not __package__:  # run by its path: the package is found from the project's folder
    sys.path[0] = str(Path(__file__).parents[1])

from benchmarks.loops.loop_figures import Task
from benchmarks.shared.child import Child, daemon_environment
from benchmarks.shared.command_line import Parser, folder, positive, print_result, progress_bar
from benchmarks.shared.failure import errors_in_one_line
from benchmarks.shared.markdown import markdown_table
from benchmarks.shared.model_file import write_model
from benchmarks.shared.provenance import Machine
from pi_classifier.config.schema import Architecture, ModelSettings

CAMERA_FPS = 36.0
MODEL: Architecture = "mobilenet_v2"
SMALL_MODEL: Architecture = "shufflenet_v2_x0_5"
FITTING = f"36 fps, {SMALL_MODEL}"
SCENES = ("unpaced, top 10", "unpaced, no ranking", "36 fps", FITTING, "overloaded")
CONTENDERS = ("tutorial", "pipeline", "bare")
Measured = dict[str, dict[str, list[dict[str, Any]]]]
"""`Figures` by scene and contender, one a round."""


def tasks(frames: int, model_seconds: float) -> dict[str, Task]:
    """The task of each scene but FITTING."""
    return {
        "unpaced, top 10": Task(frames, 0.0, top_k=True),
        "unpaced, no ranking": Task(frames, 0.0, top_k=False),
        "36 fps": Task(frames, CAMERA_FPS, top_k=True),
        "overloaded": Task(frames, 2 / model_seconds, top_k=True),
    }


@contextmanager
def contenders(model: str, model_file: Path, state: Path | None, photos: Path | None) -> Iterator[dict[str, Child]]:
    """All of them, running while the context lasts."""
    about = (model, str(model_file), str(state or ""), str(photos or ""))
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(
                Child("benchmarks.loops.run_loop", name, *about, environment=daemon_environment())
            )
            for name in CONTENDERS
        }


def ask(contender: Child, task: Task) -> dict[str, Any]:
    """Have a task done; its figures."""
    return contender.ask(f"{json.dumps(asdict(task))}\n".encode())


def measure(children: Mapping[str, Child], scenes: Mapping[str, Task], rounds: int) -> Measured:
    """Scenes, contender by contender, round by round."""
    measured: Measured = {scene: {name: [] for name in children} for scene in scenes}
    with progress_bar() as progress:
        bar = progress.add_task("measuring", total=rounds * len(scenes) * len(children))
        for _ in range(rounds):
            for scene, task in scenes.items():
                for name, child in children.items():
                    measured[scene][name].append(ask(child, task))
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
    for name in CONTENDERS:
        sides[name] = {scene: _medians(measured[scene][name]) for scene in SCENES}
        sides[name]["allocated_kb"] = allocated[name]
    ranked, plain = measured["unpaced, top 10"], measured["unpaced, no ranking"]
    fitting, loaded = measured[FITTING]["pipeline"], measured["overloaded"]
    captured = sum(row["captured"] for row in fitting)
    # What is on its way when the scene ends is counted as a drop too, and is none of the pace.
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
    machine = Machine.here()
    sides["machine"] = machine.briefly(f"torch {torch.__version__}")
    sides["command"] = machine.command
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
    columns = ("", "", "fps", "CPU ms a frame", "of that not the model", "age ms p50 / p99", "dropped")
    rows = [_cells(scene, name, result[name][scene]) for scene in SCENES for name in ("tutorial", "pipeline")]
    ratios = result["ratios"]
    lines = [
        *markdown_table(columns, rows),
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


def _cells(scene: str, name: str, row: dict[str, Any]) -> tuple[str, ...]:
    return (
        scene,
        name,
        f"{row['fps']:.1f}",
        f"{row['cpu_ms']:.2f}",
        f"{row['other_cpu_ms']:.3f}",
        f"{row['age_ms_p50']:.1f} / {row['age_ms_p99']:.1f}",
        ", ".join(f"{count} {reason}" for reason, count in row["dropped"].items() if count) or "none",
    )


def main() -> None:
    """Measure and print."""
    parser = Parser(__doc__)
    parser.add_argument("--weights", type=Path, metavar="FILE", help="quantised MobileNetV2 state dict; else random")
    parser.add_argument("--photos", type=folder, metavar="DIR", help="JPEGs of at least 224x224 to show; else noise")
    parser.add_argument("--frames", type=positive, default=150, help="frames a scene and round (default: 150)")
    parser.add_argument(
        "--paced-frames", type=positive, default=400, help=f"a round, at 36 fps with {SMALL_MODEL} (default: 400)"
    )
    parser.add_rounds(5, "rounds")
    parser.add_json()
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, errors_in_one_line("pipeline"):
        weights = str(arguments.weights.resolve()) if arguments.weights else "untrained"
        model_file = write_model(Path(temporary), ModelSettings(name=MODEL, weights=weights))
        small_file = write_model(Path(temporary), ModelSettings(name=SMALL_MODEL, weights="untrained"))
        with contenders(MODEL, model_file, arguments.weights, arguments.photos) as children:
            model_seconds = 1 / ask(children["bare"], Task(arguments.frames, 0.0, top_k=False))["fps"]
            measured = measure(children, tasks(arguments.frames, model_seconds), arguments.rounds)
            traced = Task(50, 0.0, top_k=True, traced=True)
            allocated = {name: ask(child, traced)["allocated_kb"] for name, child in children.items()}
        # After the others have gone: a Raspberry Pi need not hold six torches at once.
        with contenders(SMALL_MODEL, small_file, None, arguments.photos) as children:
            paced = {FITTING: Task(arguments.paced_frames, CAMERA_FPS, top_k=True)}
            measured |= measure(children, paced, arguments.rounds)
    print_result(summary(measured, allocated), table, as_json=arguments.json)


if __name__ == "__main__":
    main()

"""The tutorial's loop and this pipeline on the same frames, the same model and one compute thread each, in turn.

    python benchmarks/pipeline.py [--runtime WHICH] [--weights STATE_DICT] [--photos DIR] [--rounds N] [--json]

The pipeline runs on TorchScript, on LiteRT, or once on each ("pipeline" and "pipeline, LiteRT"). Five scenes: a camera
that is always ready, with the tutorial's top ten of every frame and without; a camera at 36 fps, before this model and
before a small one that fits into its interval anywhere, so that what is dropped there is the pipeline's doing; and a
camera that is twice as fast as the contender's own model. LiteRT takes no part before the small model, which has no
program for it. Contenders are asked in turn, round after round, so that a slow hour of the machine hits all alike;
figures are medians, ratios are medians of the ratios within a round.

"Other" is the processor time outside the call of the model: here the capture thread's work, hand-over, ranking and
statistics. The tutorial's call of the model quantises and reorders its float input inside, this project's copies the
frame into the model's tensor; that counts as the model's.
"""

import json
import sys
import tempfile
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

if not __package__:  # run by its path: the package is found from the project's folder
    sys.path[0] = str(Path(__file__).parents[1])

from benchmarks.loops.contenders import BARE, PIPELINE, TUTORIAL
from benchmarks.loops.loop_figures import Task
from benchmarks.loops.report import Measured, summary, table
from benchmarks.loops.scenes import MODEL, SMALL_MODEL, fitting_scene, scenes
from benchmarks.shared.child import Child, daemon_environment
from benchmarks.shared.command_line import Parser, folder, positive, print_result, progress_bar
from benchmarks.shared.failure import errors_in_one_line
from benchmarks.shared.model_file import write_model
from benchmarks.shared.own_runtimes import libraries
from benchmarks.shared.provenance import Machine
from pi_classifier.config.schema import ModelSettings
from pi_classifier.contracts.model import Runtime

TRACED = Task(50, 0.0, top_k=True, traced=True)


def contenders(runtimes: Sequence[Runtime]) -> dict[str, Runtime]:
    """Those that take part, with what runs their model."""
    # The tutorial's bare model is TorchScript's, which is there whether this pipeline runs on it or not.
    models: tuple[Runtime, ...] = ("torchscript", *runtimes)
    pipelines = {PIPELINE[runtime]: runtime for runtime in runtimes}
    return {TUTORIAL: "torchscript", **pipelines, **{BARE[runtime]: runtime for runtime in models}}


@contextmanager
def running(names: Sequence[str], *about: object) -> Iterator[dict[str, Child]]:
    """These contenders, while the context lasts; `about`: what else `run_loop` wants to know, None for nothing."""
    words = [str(one or "") for one in about]
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(
                Child("benchmarks.loops.run_loop", name, *words, environment=daemon_environment())
            )
            for name in names
        }  # fmt: skip


def ask(contender: Child, task: Task) -> dict[str, Any]:
    """Have a task done; its figures."""
    return contender.ask(f"{json.dumps(asdict(task))}\n".encode())


def measure(children: Mapping[str, Child], tasks: Mapping[str, Mapping[str, Task]], rounds: int) -> Measured:
    """Scene by scene, contender by contender, round by round; `tasks`: of each contender, the same scenes."""
    shown = list(next(iter(tasks.values())))
    measured: Measured = {name: {scene: [] for scene in shown} for name in children}
    with progress_bar() as progress:
        bar = progress.add_task("measuring", total=rounds * len(shown) * len(children))
        for _ in range(rounds):
            for scene in shown:
                for name, child in children.items():
                    measured[name][scene].append(ask(child, tasks[name][scene]))
                    progress.advance(bar)
    return measured


def measure_model(arguments: Namespace, temporary: Path) -> tuple[Measured, dict[str, float]]:
    """All scenes before MODEL, and the kilobytes that Python allocates within a frame, by contender."""
    settings = ModelSettings(name=MODEL, weights=str(arguments.weights.resolve()) if arguments.weights else "untrained")
    runs_on = contenders(arguments.runtimes)
    model_file = write_model(temporary, settings, runtimes=set(runs_on.values()))
    with running(list(runs_on), MODEL, model_file, arguments.weights, arguments.photos) as children:
        plain = Task(arguments.frames, 0.0, top_k=False)
        # The processor's time of one thread, for on a busy machine the clock's would make a slow camera of it.
        seconds = {runtime: ask(children[BARE[runtime]], plain)["cpu_ms"] / 1e3 for runtime in set(runs_on.values())}
        tasks = {name: scenes(arguments.frames, seconds[runtime]) for name, runtime in runs_on.items()}
        measured = measure(children, tasks, arguments.rounds)
        return measured, {name: ask(child, TRACED)["allocated_kb"] for name, child in children.items()}


def measure_small_model(arguments: Namespace, temporary: Path) -> Measured:
    """The scene before SMALL_MODEL, which takes TorchScript."""
    names = (TUTORIAL, PIPELINE["torchscript"])
    model_file = write_model(temporary, ModelSettings(name=SMALL_MODEL, weights="untrained"), runtimes=["torchscript"])
    with running(names, SMALL_MODEL, model_file, None, arguments.photos) as children:
        return measure(children, dict.fromkeys(names, fitting_scene(arguments.paced_frames)), arguments.rounds)


def main() -> None:
    """Measure and print."""
    parser = Parser(__doc__)
    parser.add_runtime()
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
        measured, allocated = measure_model(arguments, Path(temporary))
        if "torchscript" in arguments.runtimes:
            # After the others have gone: a Raspberry Pi need not hold so many torches at once.
            for name, scene in measure_small_model(arguments, Path(temporary)).items():
                measured[name] |= scene
    machine = Machine.here()
    versions = libraries("torchscript", *arguments.runtimes)
    where = {"machine": machine.briefly(*versions), "command": machine.command}
    print_result(summary(measured, allocated) | where, table, as_json=arguments.json)


if __name__ == "__main__":
    main()

"""The table of PyTorch's tutorial 'Real Time Inference on Raspberry Pi 4 (30 fps!)', measured on this machine.

    python benchmarks/compare_models.py [--models NAME ...] [--threads N ...] [--frames N] [--rounds N]
                                        [--json | --markdown] [--csv FILE] [--plot FILE.png]

Each model runs in a process of its own, through the daemon's own inference loop. It is fed one frame after another and
as fast as it takes them: Total Time is everything a frame costs, Model Time is inference, FPS is frames by wall time.
Every round runs each model once, in turn, so that a slow hour of the machine hits all alike; the table shows medians.
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from rich.progress import Progress

if not __package__:  # run by its path: the package is found from the project's folder
    sys.path[0] = str(Path(__file__).parents[1])

from benchmarks.models.model_figures import Prepared, Round, Row, row
from benchmarks.models.output import markdown, plotter, show, write_csv, write_plot
from benchmarks.shared.child import Child, daemon_environment
from benchmarks.shared.command_line import Parser, folder, output, positive, print_result, progress_bar
from benchmarks.shared.provenance import Machine
from pi_classifier.config.schema import Architecture


def parsed() -> argparse.Namespace:
    """The command line; what would fail after an hour of measuring fails here."""
    parser = Parser(__doc__)
    add = parser.add_argument
    add("--models", type=_model, nargs="+", metavar="NAME", default=get_args(Architecture), help="default: all eleven")
    add("--threads", type=_threads, nargs="+", metavar="N", default=["auto"], help="one row each; default: auto")
    add("--frames", type=positive, default=100, metavar="N", help="measured, a model and round (default: 100)")
    add("--warm-up", type=positive, default=10, metavar="N", help="frames run before these (default: 10)")
    parser.add_rounds(3, "how often each model is run")
    add("--source", default="synthetic:", metavar="URI", help="as of 'run'; a file begins again at its end")
    add("--weights", choices=("default", "untrained"), default="default",
        help="default: the published ones, and random ones where these cannot be had")  # fmt: skip
    add("--weights-dir", type=folder, metavar="DIR", help="published files by their own names, for torch's hub folder")
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    shown.add_argument("--markdown", action="store_true", help="the table as Markdown, as it is where no terminal is")
    add("--csv", type=output, metavar="FILE", help="also write the rows as CSV")
    add("--plot", type=output, metavar="FILE.png", help="also draw speed against published accuracy; needs matplotlib")
    arguments = parser.parse_args()
    if arguments.plot:
        try:
            plotter()
        except ImportError as error:
            parser.error(f"--plot needs matplotlib ({error}); pip install 'matplotlib>=3.9,<4', or leave --plot out")
    return arguments


def _model(name: str) -> str:
    known = get_args(Architecture)
    if name not in known:
        near = get_close_matches(name, known, n=1, cutoff=0.0)[0]
        raise argparse.ArgumentTypeError(f"no model {name!r}; did you mean {near!r}? There are {', '.join(known)}")
    return name


def _threads(text: str) -> str:
    if text != "auto" and not (text.isdecimal() and 1 <= int(text) <= 256):
        raise argparse.ArgumentTypeError(f"{text!r} should be auto or 1 to 256")
    return text


def prepare(arguments: argparse.Namespace, cache: Path, progress: Progress) -> list[Prepared]:
    """All models as files in a folder, made by the torch that will run them."""
    environment = {**daemon_environment(), "CACHE_DIRECTORY": str(cache)}
    if arguments.weights_dir:
        (cache / "hub").mkdir()
        (cache / "hub" / "checkpoints").symlink_to(arguments.weights_dir.absolute())
        environment["TORCH_HOME"] = str(cache)
    words = (arguments.weights, *arguments.models)
    with Child("benchmarks.models.prepare_models", *words, environment=environment) as preparing:
        return [Prepared(**preparing.answer()) for _ in progress.track(arguments.models, description="preparing")]


def measure(arguments: argparse.Namespace, models: Sequence[Prepared], progress: Progress) -> list[Row]:
    """Every model with every number of threads, in turn, so many rounds."""
    contenders = [(model, threads) for model in models for threads in arguments.threads]
    measured: list[list[Round]] = [[] for _ in contenders]
    task = progress.add_task("measuring", total=arguments.rounds * len(contenders))
    for number in range(arguments.rounds):
        for (model, threads), rounds in zip(contenders, measured, strict=True):
            progress.update(task, description=f"round {number + 1} of {arguments.rounds}: {model.model}")
            words = (model.file, threads, arguments.source, str(arguments.warm_up), str(arguments.frames))
            with Child("benchmarks.models.run_model", *words, environment=daemon_environment()) as running:
                rounds.append(Round(**running.answer()))
            progress.advance(task)
    return [row(model, rounds) for (model, _), rounds in zip(contenders, measured, strict=True)]


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    rows = [Row(**one) for one in result["models"]]
    return markdown(rows, note(rows, result["settings"], Machine(**result["machine"])))


def note(rows: Sequence[Row], settings: Mapping[str, Any], machine: Machine) -> str:
    """What must be known to read the table."""
    others = ", ".join(sorted({f"{one.model} at {one.input_size}" for one in rows if one.input_size != 224}))
    lines = [
        f"Medians of {settings['rounds']} round(s) of {settings['frames']} frames from `{settings['source']}`, "
        "unpaced, each in a process of its own. Total Time: fetching the frame (from a camera: waiting for it), "
        "pre-processing, model and ranking, one after another. CPU: of all threads; if one thread's is far below "
        "Total Time, other programs had the core.",
        f"Input sizes are those of the published transforms: {others + ', else ' if others else ''}224; the tutorial's "
        f"were 224 throughout. Activations: {', '.join(sorted({one.activations for one in rows}))}.",
        f"{machine}",
    ]
    if any(one.published_top1 is None for one in rows):
        lines.insert(1, "Random weights stand in where the published ones were not used: timing only, no accuracy.")
    return "\n".join(lines)


def write_report(rows: Sequence[Row], arguments: argparse.Namespace, machine: Machine) -> None:
    """On stdout first, then into the files that were asked for."""
    settings = {key: getattr(arguments, key) for key in ("frames", "warm_up", "rounds", "source", "weights")}
    if arguments.json or arguments.markdown or not sys.stdout.isatty():
        result = {"machine": asdict(machine), "settings": settings, "models": [asdict(one) for one in rows]}
        print_result(result, table, as_json=arguments.json)
    else:
        show(rows, note(rows, settings, machine))
    if arguments.csv:
        write_csv(arguments.csv, rows, machine)
    if arguments.plot:
        write_plot(arguments.plot, rows, machine)


def main() -> None:
    """Measure and print, and write what is asked for."""
    arguments = parsed()
    machine = Machine.here()
    with tempfile.TemporaryDirectory() as cache, progress_bar() as progress:
        rows = measure(arguments, prepare(arguments, Path(cache), progress), progress)
    try:
        write_report(rows, arguments, machine)
    except OSError as error:
        sys.exit(f"compare_models: {error.filename}: {error.strerror}; name another file")


if __name__ == "__main__":
    main()

"""The table of PyTorch's tutorial 'Real Time Inference on Raspberry Pi 4 (30 fps!)', measured on this machine.

    python benchmarks/compare_models.py [--models NAME ...] [--threads N ...] [--frames N] [--rounds N]
                                        [--json | --markdown] [--csv FILE] [--plot FILE.png]

Each model runs in a process of its own, through the daemon's own hot loop. The loop is fed one frame after another and
as fast as it takes them: Total Time is everything a frame costs, Model Time is inference, FPS is frames by wall time.
Every round runs each model once, in turn, so that a slow hour of the machine hits all alike; the table shows medians.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn, get_args

from model_figures import Machine, Prepared, Round, Row, row
from model_table import markdown, plotter, show, write_csv, write_plot
from process_figures import command
from rich.console import Console
from rich.progress import Progress

from pi_classifier.libraries import ENVIRONMENT
from pi_classifier.settings import Architecture

HERE = Path(__file__).parent


class Parser(argparse.ArgumentParser):
    """Says in one line what it did not understand."""

    def error(self, message: str) -> NoReturn:
        """End with code 2."""
        self.exit(2, f"{self.prog}: {message}\n")


def parsed() -> argparse.Namespace:
    """The command line; what would fail after an hour of measuring fails here."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--models", type=_model, nargs="+", metavar="NAME", default=get_args(Architecture), help="default: all eleven")
    add("--threads", type=_threads, nargs="+", metavar="N", default=["auto"], help="one row each; default: auto")
    add("--frames", type=_positive, default=100, metavar="N", help="measured, a model and round (default: 100)")
    add("--warm-up", type=_positive, default=10, metavar="N", help="frames run before these (default: 10)")
    add("--rounds", type=_positive, default=3, metavar="N", help="default: 3")
    add("--source", default="synthetic:", metavar="URI", help="as of 'run'; a file begins anew at its end")
    add("--weights", choices=("default", "untrained"), default="default",
        help="default: the published ones, and random ones where these cannot be had")  # fmt: skip
    add("--weights-dir", type=_folder, metavar="DIR", help="published files by their own names, for torch's hub folder")
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    shown.add_argument("--markdown", action="store_true", help="the table as Markdown, as it is where no terminal is")
    add("--csv", type=_output, metavar="FILE", help="also write the rows as CSV")
    add("--plot", type=_output, metavar="FILE.png", help="also draw speed against published accuracy; needs matplotlib")
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


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} should be 1 or more")
    return int(text)


def _folder(text: str) -> Path:
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"{text} is no folder; name the one that holds the weights")
    return Path(text)


def _output(text: str) -> Path:
    if not Path(text).absolute().parent.is_dir():
        raise argparse.ArgumentTypeError(f"{text}: there is no such folder; make it first")
    return Path(text)


@contextmanager
def running(script: str, *arguments: str, environment: dict[str, str]) -> Iterator[Iterator[str]]:
    """The lines of one of our scripts. When it fails it has said why, and its exit code is ours."""
    command = [sys.executable, str(HERE / script), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None  # noqa: S101 - for mypy
        yield iter(process.stdout)
    if process.returncode:
        sys.exit(process.returncode)


def prepare(arguments: argparse.Namespace, folder: Path, progress: Progress) -> list[Prepared]:
    """All models as files in a folder, made by the torch that will run them."""
    environment = {**ENVIRONMENT, **os.environ, "CACHE_DIRECTORY": str(folder)}
    if arguments.weights_dir:
        (folder / "hub").mkdir()
        (folder / "hub" / "checkpoints").symlink_to(arguments.weights_dir.absolute())
        environment["TORCH_HOME"] = str(folder)
    with running("prepare_models.py", arguments.weights, *arguments.models, environment=environment) as lines:
        models = progress.track(lines, total=len(arguments.models), description="preparing")
        return [Prepared(**json.loads(line)) for line in models]


def measure(arguments: argparse.Namespace, models: Sequence[Prepared], progress: Progress) -> list[Row]:
    """Every model with every number of threads, in turn, so many rounds."""
    contenders = [(model, threads) for model in models for threads in arguments.threads]
    measured: list[list[Round]] = [[] for _ in contenders]
    task = progress.add_task("measuring", total=arguments.rounds * len(contenders))
    for number in range(arguments.rounds):
        for (model, threads), rounds in zip(contenders, measured, strict=True):
            progress.update(task, description=f"round {number + 1} of {arguments.rounds}: {model.model}")
            words = (model.file, threads, arguments.source, str(arguments.warm_up), str(arguments.frames))
            with running("run_model.py", *words, environment={**ENVIRONMENT, **os.environ}) as lines:
                rounds.extend(Round(**json.loads(line)) for line in lines)
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


def report(rows: Sequence[Row], arguments: argparse.Namespace, machine: Machine) -> None:
    """On stdout first, then into the files that were asked for."""
    settings = {key: getattr(arguments, key) for key in ("frames", "warm_up", "rounds", "source", "weights")}
    remark = note(rows, settings, machine)
    if arguments.json:
        result = {"machine": asdict(machine), "settings": settings, "models": [asdict(one) for one in rows]}
        print(json.dumps(result, indent=2))
    elif arguments.markdown or not sys.stdout.isatty():
        print(markdown(rows, remark))
    else:
        show(rows, remark)
    if arguments.csv:
        write_csv(arguments.csv, rows, machine)
    if arguments.plot:
        write_plot(arguments.plot, rows, machine)


def main() -> None:
    """Measure and print, and write what is asked for."""
    arguments = parsed()
    machine = Machine.here(command())
    bar = Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True)
    with tempfile.TemporaryDirectory() as folder, bar as progress:
        rows = measure(arguments, prepare(arguments, Path(folder), progress), progress)
    try:
        report(rows, arguments, machine)
    except OSError as error:
        sys.exit(f"compare_models: {error.filename}: {error.strerror}; name another file")


if __name__ == "__main__":
    main()

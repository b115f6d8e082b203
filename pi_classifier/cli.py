"""The command line: one function a command, which reads its options and calls the part that does the work."""

import atexit
import logging
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, Optional

import typer

from pi_classifier import __version__
from pi_classifier.config import Configuration, Key, load
from pi_classifier.errors import PiClassifierError
from pi_classifier.libraries import ENVIRONMENT

if TYPE_CHECKING:
    from pi_classifier.system.boot import Change

app = typer.Typer(
    help="Names what a camera sees, on every frame, and says how fast.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

ConfigFile = Annotated[
    Optional[Path],  # noqa: UP045 - typer reads the annotation
    typer.Option("--config", metavar="FILE", help="Configuration; /etc/pi-classifier/config.toml if there is one."),
]
Source = Annotated[
    str | None,
    typer.Option(metavar="URI", help="auto, v4l2:/dev/video0, file:PATH, synthetic:, or a bare path."),
]
ModelName = Annotated[
    str | None, typer.Option("--model", metavar="NAME", help="Architecture, as torchvision calls it: mobilenet_v2.")
]
Weights = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="State dict or prepared file; 'default' fetches, 'untrained' is random."),
]
Threads = Annotated[str | None, typer.Option(metavar="N", help="Compute threads; 'auto' leaves one core for capture.")]
TopK = Annotated[int | None, typer.Option("--top-k", metavar="N", help="Classes named for each frame.")]
Frames = Annotated[int | None, typer.Option(metavar="N", help="Stop after N predictions; 0 never stops.")]
Listen = Annotated[
    str | None, typer.Option("--metrics-listen", metavar="HOST:PORT", help='Where to serve metrics; "" turns them off.')
]
LogFormat = Annotated[
    str | None, typer.Option("--log-format", metavar="text|json", help="One line a second as text or JSON.")
]
Activations = Annotated[
    str | None, typer.Option(metavar="auto|quint8|qint8", help="Type of the quantised activations.")
]


@app.callback(invoke_without_command=True)
def _version(
    *, version: Annotated[bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)] = False
) -> None:
    if version:
        typer.echo(f"pi-classifier {__version__}")
        raise typer.Exit


@app.command()
def run(
    config: ConfigFile = None,
    source: Source = None,
    model: ModelName = None,
    weights: Weights = None,
    threads: Threads = None,
    top_k: TopK = None,
    frames: Frames = None,
    metrics_listen: Listen = None,
    log_format: LogFormat = None,
) -> None:
    """Classify what a camera sees, until stopped: a line a second, metrics for Prometheus."""
    flags = _run_flags(source, model, weights, threads, top_k, frames, metrics_listen, log_format)
    configuration = _load(config, flags)
    from pi_classifier import daemon

    daemon.run(configuration.settings)
    _end_at_once()


@app.command()
def classify(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT...", help="Pictures, videos, folders; - is stdin.")],
    *,
    config: ConfigFile = None,
    json_lines: Annotated[bool, typer.Option("--json", help="One JSON object a line instead of a table.")] = False,
    model: ModelName = None,
    weights: Weights = None,
    threads: Threads = None,
    top_k: TopK = None,
    output: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="DIR", help="Write each input with its labels drawn on it."),
    ] = None,
) -> None:
    """Classify pictures and videos, every frame; exit 1 if any of them could not be read."""
    configuration = _load(
        config,
        {
            ("model", "name"): model,
            ("model", "weights"): weights,
            ("model", "threads"): threads,
            ("model", "top_k"): top_k,
        },
    )
    from pi_classifier import batch

    if not batch.classify(inputs, configuration.settings, json_lines=json_lines, output=output):
        raise typer.Exit(1)


@app.command()
def prepare(
    *,
    config: ConfigFile = None,
    model: ModelName = None,
    weights: Weights = None,
    activations: Activations = None,
    output: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="FILE", help="Where to write; the cache that 'run' looks into if left out."),
    ] = None,
    if_missing: Annotated[
        bool, typer.Option("--if-missing", help="Do nothing where the file is in the cache.")
    ] = False,
) -> None:
    """Write the one file that 'run' needs: quantised, scripted, frozen, with labels and pre-processing inside."""
    configuration = _load(
        config,
        {("model", "name"): model, ("model", "weights"): weights, ("model", "activations"): activations},
    )
    from pi_classifier.model_loading import resolve_activations
    from pi_classifier.model_store import ModelStore, write_prepared
    from pi_classifier.prepare import prepare as prepared

    settings = configuration.settings.model
    kind = resolve_activations(settings)
    if if_missing and output is None and (there := ModelStore.default().find(settings, kind)):
        typer.echo(f"{there}: is there already")
        return
    content = prepared(settings, activations=kind, progress=True)
    path = output or ModelStore.default().path_for(settings, kind)
    write_prepared(path, content)
    typer.echo(f"{path}: {len(content) / 1e6:.1f} MB, {settings.name}, {settings.weights} weights, {kind} activations")


@app.command("check-config")
def check_config(
    config: ConfigFile = None,
    source: Source = None,
    model: ModelName = None,
    weights: Weights = None,
    threads: Threads = None,
    top_k: TopK = None,
    frames: Frames = None,
    metrics_listen: Listen = None,
    log_format: LogFormat = None,
) -> None:
    """Print the configuration in force as TOML, each value with the place that it comes from."""
    flags = _run_flags(source, model, weights, threads, top_k, frames, metrics_listen, log_format)
    configuration = _load(config, flags)
    typer.echo(configuration.to_toml(), nl=False)


@app.command()
def doctor(
    config: ConfigFile = None,
    *,
    json_output: Annotated[bool, typer.Option("--json", help="One JSON object, to go with a bug report.")] = False,
) -> None:
    """Say what is wrong with this machine, and the remedy; exit 1 if something must be mended.

    PYTHONPATH=FOLDER before it asks about a torch that lies elsewhere.
    """
    from rich.console import Console

    from pi_classifier.doctor import examine

    report = examine(config)
    if json_output:
        typer.echo(report.to_json())
    else:
        report.print(Console())
    if not report.ok:
        raise typer.Exit(1)


@app.command()
def health(
    config: ConfigFile = None,
    metrics_listen: Annotated[
        str | None, typer.Option("--metrics-listen", metavar="HOST:PORT", help="Where the daemon serves its metrics.")
    ] = None,
    within: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="A prediction older than this is a hang.")
    ] = 30.0,
) -> None:
    """Ask the running daemon how it is; exit 1 if it hangs or does not answer. A camera that is away is no fault."""
    configuration = _load(config, {("metrics", "listen"): metrics_listen})
    from pi_classifier.health import health as ask

    answer = ask(configuration.settings.metrics.listen, within_seconds=within)
    typer.echo("\n".join(answer.messages), err=not answer.ok)
    if not answer.ok:
        raise typer.Exit(1)


boot_config = typer.Typer(
    help="The camera's lines in config.txt: see, write, take back.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(boot_config, name="boot-config")

DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the change without making it.")]


@boot_config.command("status")
def boot_status() -> None:
    """Say what the camera needs in config.txt and what is there; exit 1 if something must be mended."""
    from pi_classifier.system import boot

    status = boot.status()
    typer.echo("\n".join(status.messages))
    if not status.ok:
        raise typer.Exit(1)


@boot_config.command("apply")
def boot_apply(
    *,
    comment_out: Annotated[
        bool, typer.Option("--comment-out", help="Also comment out lines of others that keep the camera from working.")
    ] = False,
    dry_run: DryRun = False,
) -> None:
    """Write the missing lines into config.txt, in one marked block, after a backup."""
    from pi_classifier.system import boot

    _show(boot.apply(comment_out=comment_out, dry_run=dry_run))


@boot_config.command("revert")
def boot_revert(*, dry_run: DryRun = False) -> None:
    """Take back what 'apply' did; edits made since stay."""
    from pi_classifier.system import boot

    _show(boot.revert(dry_run=dry_run))


def _show(change: "Change") -> None:
    typer.echo(change.diff, nl=False)
    typer.echo("\n".join(change.messages))


def _end_at_once() -> NoReturn:
    """Leave without taking the interpreter down.

    Everything is closed and told by now. To take torch down module by module would take another half a second on a
    fast machine, and seconds on a Raspberry Pi, while somebody waits for the stop.
    """
    atexit._run_exitfuncs()  # noqa: SLF001 - what os._exit leaves out
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _run_flags(
    source: str | None,
    model: str | None,
    weights: str | None,
    threads: str | None,
    top_k: int | None,
    frames: int | None,
    metrics_listen: str | None,
    log_format: str | None,
) -> dict[Key, object]:
    """The flags of `run`, which `check-config` takes too, by the key of the same name."""
    return {
        ("camera", 0, "source"): source,
        ("model", "name"): model,
        ("model", "weights"): weights,
        ("model", "threads"): threads,
        ("model", "top_k"): top_k,
        ("run", "frames"): frames,
        ("metrics", "listen"): metrics_listen,
        ("log", "format"): log_format,
    }


def _load(config: Path | None, flags: dict[Key, object]) -> Configuration:
    return load(file=config, environment=os.environ, flags=flags)


def main() -> None:
    """Run the command line; an expected failure is one line on stderr and its exit code."""
    logging.basicConfig(level=logging.INFO, format="pi-classifier: %(message)s", stream=sys.stderr)
    os.environ.update({**ENVIRONMENT, **os.environ})
    # Pillow warns of what it then raises an error for, or can live with.
    warnings.simplefilter("ignore", UserWarning)
    try:
        app()
    except PiClassifierError as error:
        sys.stdout.flush()
        typer.echo(f"pi-classifier: {error}", err=True)
        sys.exit(error.exit_code)

"""The command line: one function a command, which reads its options and calls the part that does the work."""

import atexit
import contextlib
import functools
import logging
import os
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn, Optional

import typer

from pi_classifier import __version__
from pi_classifier.config.layers import Configuration, Key, Origin, choices, load
from pi_classifier.config.schema import is_onnx, is_published_detector
from pi_classifier.errors import CannotWrite, ConfigError, PiClassifierError, one_line
from pi_classifier.system.standard_streams import ReaderGone, StdoutFailed, discard_stdout, secure_standard_streams

if TYPE_CHECKING:
    # Not imported: numpy comes with it, which many a command does without.
    from pi_classifier.contracts.model import Runtime
    from pi_classifier.system.config_txt import Change

FLUSH_SECONDS = 0.2
"""How long the end of `run` waits for what is still to be written."""

app = typer.Typer(
    help="Names what a camera sees, on every frame, and says how fast.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

ConfigFile = Annotated[
    Optional[Path],  # noqa: UP045 - typer reads the annotation
    typer.Option("--config", metavar="FILE", help="Configuration; /etc/pi-classifier/config.toml if there is one."),
]


class Flag:
    """An option of the command line that sets a value of the configuration."""

    def __init__(self, name: str, key: Key, kind: type, metavar: str, meaning: str) -> None:
        """`kind`: of its value."""
        self.name = name
        self.place = f"flag {name}"
        self.key = key
        self.metavar = metavar
        self.meaning = meaning
        offered = self._offered if choices(key) else None
        option = typer.Option(name, metavar=metavar, help=meaning, autocompletion=offered)
        self.parameter = Parameter(
            name.removeprefix("--").replace("-", "_"),
            Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[Optional[kind], option],  # noqa: UP045
        )
        """Of a command; None where it was not given."""

    def _offered(self, incomplete: str) -> list[str]:
        """What a shell offers where there are but a few values."""
        return [choice for choice in choices(self.key) if choice.startswith(incomplete)]


SOURCE = Flag(
    "--source",
    ("camera", 0, "source"),
    str,
    "URI",
    "auto, v4l2:/dev/video0, csi:0, rtsp://HOST/PATH, file:PATH, synthetic:, or a bare path.",
)
MODEL = Flag("--model", ("model", "name"), str, "NAME", "Architecture, as torchvision calls it, or yolox_nano.")
WEIGHTS = Flag(
    "--weights",
    ("model", "weights"),
    str,
    "FILE",
    "State dict, bundle or .onnx file; 'default' fetches, 'demo' names drawn scenes, 'untrained' is random.",
)
LABELS = Flag("--labels", ("model", "labels"), str, "FILE", "Of an .onnx file: a label a line.")
RUNTIME = Flag(
    "--runtime", ("model", "runtime"), str, "torchscript|litert|onnx|auto", "What runs the model; auto prefers LiteRT."
)
THREADS = Flag("--threads", ("model", "threads"), str, "N", "Compute threads; 'auto' leaves one core for capture.")
TOP_K = Flag("--top-k", ("model", "top_k"), int, "N", "Classes named for each frame.")
ACTIVATIONS = Flag(
    "--activations", ("model", "activations"), str, "auto|quint8|qint8", "Type of the quantised activations."
)
DECODER = Flag(
    "--decoder",
    ("detect", "decoder"),
    str,
    "NAME",
    "Of a detector that cannot be told: ultralytics, end-to-end, yolox, nanodet, ssd, torchvision.",
)
CONFIDENCE = Flag("--confidence", ("detect", "confidence"), float, "P", "Of a detector: the least of an object.")
IOU = Flag("--iou", ("detect", "iou"), float, "P", "Overlap above which two boxes of a label are one object.")
MAX_DETECTIONS = Flag("--max-detections", ("detect", "max_detections"), int, "N", "Objects told of one picture.")
FRAMES = Flag("--frames", ("run", "frames"), int, "N", "Stop after N predictions; 0 never stops.")
METRICS_LISTEN = Flag(
    "--metrics-listen", ("metrics", "listen"), str, "HOST:PORT", 'Where metrics are served; "" turns them off.'
)
DAEMON = Flag("--metrics-listen", ("metrics", "listen"), str, "HOST:PORT", "Where the daemon serves its metrics.")
WEB = Flag("--web", ("web", "listen"), str, "HOST:PORT", "Where the live page and the HTTP API are; off by default.")
MQTT = Flag("--mqtt", ("mqtt", "host"), str, "HOST", "Broker that is told of events and states; none by default.")
LOG_FORMAT = Flag("--log-format", ("log", "format"), str, "text|json", "One line a second as text or JSON.")
RUN_FLAGS = (
    SOURCE, MODEL, WEIGHTS, LABELS, RUNTIME, THREADS, TOP_K, DECODER, CONFIDENCE, IOU, MAX_DETECTIONS, FRAMES,
    METRICS_LISTEN, WEB, MQTT, LOG_FORMAT,
)  # fmt: skip
"""The flags of `run`; `check-config` takes them, too."""


Programs = Literal["torchscript", "litert", "both"]
"""What a bundle can be made for."""
PROGRAMS: "dict[Programs, tuple[Runtime, ...]]" = {
    "torchscript": ("torchscript",),
    "litert": ("litert",),
    "both": ("torchscript", "litert"),
}


def configured_by(*flags: Flag) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command `--config` and these flags; it is called with the `configuration` that they make."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def with_configuration(*, config: Path | None = None, **options: object) -> None:
            given = {
                flag.key: Origin(value, flag.place)
                for flag in flags
                if (value := options.pop(flag.parameter.name)) is not None
            }
            configuration = load(file=config, environment=os.environ, flags=given)
            model = configuration.settings.model
            _check_runtime(f"{model.name}.onnx" if is_published_detector(model) else model.weights, configuration)
            command(configuration=configuration, **options)

        own = [one for one in signature(command).parameters.values() if one.name != "configuration"]
        configuring = [
            Parameter("config", Parameter.KEYWORD_ONLY, default=None, annotation=ConfigFile),
            *(flag.parameter for flag in flags),
        ]
        # What typer makes the options from.
        with_configuration.__signature__ = Signature([*own, *configuring])  # type: ignore[attr-defined]
        with_configuration.__annotations__ = {one.name: one.annotation for one in (*own, *configuring)}
        return with_configuration

    return decorate


def _check_runtime(weights: str, configuration: Configuration) -> None:
    """Refuse a flag that wants another runtime than a file has; the key may stand in config.toml for other weights."""
    origin = configuration.origins.get(RUNTIME.key)
    if is_onnx(weights) and origin and origin.place == RUNTIME.place and origin.value not in ("onnx", "auto"):
        problem = f"{origin.place}: an .onnx file runs on ONNX Runtime, not on {origin.value}"
        raise ConfigError(problem, remedy="leave it out")


@app.callback(invoke_without_command=True)
def _version(
    *, version: Annotated[bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)] = False
) -> None:
    if version:
        typer.echo(f"pi-classifier {__version__}")
        raise typer.Exit


@app.command()
@configured_by(*RUN_FLAGS)
def run(*, configuration: Configuration) -> None:
    """Classify what a camera sees, until stopped: a line a second, metrics for Prometheus."""
    from pi_classifier import daemon

    daemon.run(configuration.settings)
    _end_at_once()


@app.command()
@configured_by(MODEL, WEIGHTS, LABELS, RUNTIME, THREADS, TOP_K, DECODER, CONFIDENCE, IOU, MAX_DETECTIONS)
def classify(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT...", help="Pictures, videos, folders; - is stdin.")],
    *,
    configuration: Configuration,
    json_lines: Annotated[bool, typer.Option("--json", help="One JSON object a line instead of a table.")] = False,
    results: Annotated[
        Optional[Literal["coco"]],  # noqa: UP045
        typer.Option("--format", help="Of a detector: coco, one JSON array of COCO's results."),
    ] = None,
    output: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="DIR", help="Write each input with its labels, or boxes, drawn on it."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Let these copies replace files of DIR, though never an input.")
    ] = False,
) -> None:
    """Classify pictures and videos, every frame; exit 1 if any of them could not be read."""
    from pi_classifier.model import open_detector
    from pi_classifier.offline.classify import classify as classify_files

    coco = results is not None
    detector = open_detector(configuration.settings, progress=sys.stderr.isatty())
    if detector is not None:
        # Not imported for a classifier.
        from pi_classifier.offline.detect import detect

        good = detect(inputs, detector, json_lines=json_lines, coco=coco, output=output, overwrite=overwrite)
    elif coco:
        raise ConfigError("--format coco is for a detector's boxes", remedy="leave it out, or name a detector")
    else:
        settings = configuration.settings
        good = classify_files(inputs, settings, json_lines=json_lines, output=output, overwrite=overwrite)
    if not good:
        raise typer.Exit(1)


@app.command()
@configured_by(MODEL, WEIGHTS, ACTIVATIONS)
def prepare(
    *,
    configuration: Configuration,
    runtime: Annotated[
        Optional[Programs],  # noqa: UP045
        typer.Option(help="What the bundle shall run on; if left out, what the configuration takes."),
    ] = None,
    check: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="FOLDER", help="Pictures to prove on, too, that LiteRT gives torch's logits bit for bit."),
    ] = None,
    output: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="FILE", help="Where to write; the cache that 'run' looks into if left out."),
    ] = None,
    if_missing: Annotated[
        bool, typer.Option("--if-missing", help="Do nothing where the file is in the cache.")
    ] = False,
) -> None:
    """Write the one file that 'run' needs, a bundle: the quantised model with its labels and its pre-processing."""
    from pi_classifier.model import (
        check_architecture,
        check_preparable,
        check_torch,
        resolve_activations,
        runtimes_to_prepare,
    )
    from pi_classifier.prepare.store import ModelStore, write_bundle
    from pi_classifier.runtimes.bundle import holds_programs

    settings, store = configuration.settings.model, ModelStore.default()
    check_preparable(settings)
    kind, wanted = resolve_activations(settings), PROGRAMS[runtime] if runtime else runtimes_to_prepare(settings)
    found = store.find(settings, kind)
    if if_missing and output is None and found and holds_programs(found, wanted):
        typer.echo(f"{found}: is there already")
        return
    check_architecture(settings)
    check_torch("to prepare a bundle")
    # Not before it is needed: torch takes its time.
    from pi_classifier.prepare.bundle import prepare as prepared

    bundle = prepared(settings, runtimes=wanted, activations=kind, check=check, progress=True)
    path = output or store.path_for(settings, kind)
    write_bundle(path, bundle)
    size = path.stat().st_size / 1e6
    typer.echo(f"{path}: {size:.1f} MB, {settings.name}, {settings.weights} weights, for {' and '.join(wanted)}")
    if bundle.proof:
        typer.echo(str(bundle.proof))


@app.command()
@configured_by(SOURCE)
def collect(
    label: Annotated[str, typer.Argument(metavar="LABEL", help="The class that the camera shows.")],
    *,
    configuration: Configuration,
    dataset: Annotated[Path, typer.Option(metavar="DIR", help="Takes the pictures: DIR/LABEL/SESSION_N.jpg.")],
    every: Annotated[float, typer.Option(metavar="SECONDS", min=0.01, max=86400, help="Between two pictures.")] = 0.5,
    seconds: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.01, max=86400, help="How long; Ctrl-C ends it sooner.")
    ] = 20.0,
    keep_similar: Annotated[
        bool, typer.Option("--keep-similar", help="Keep pictures that are practically the same, too.")
    ] = False,
    countdown: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, max=3600, help="Before the first, if it is a camera.")
    ] = 3.0,
) -> None:
    """Take pictures of a class of your own, for 'train'; of several cameras that are configured, by the first.

    Ctrl-C ends it; what was taken stays.
    """
    from pi_classifier.offline.collect import Pace
    from pi_classifier.offline.collect import collect as take

    camera = configuration.settings.camera[0]
    take(label, dataset, camera, Pace(every, seconds, countdown), keep_similar=keep_similar)


@app.command()
@configured_by(ACTIVATIONS)
def train(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Pictures: DIR/CLASS/SESSION_N.jpg.")],
    *,
    configuration: Configuration,
    output: Annotated[Path, typer.Option(metavar="FILE", help="Where to write the bundle of these classes.")],
    method: Annotated[
        Literal["head", "finetune"],
        typer.Option(
            help="What is learnt: head is a new last layer, in seconds; finetune the last blocks, in minutes."
        ),
    ] = "head",
    epochs: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(
            metavar="N",
            min=1,
            max=100_000,
            help="How often all pictures are seen (default: 200; for finetune, 12).",
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a training that was stopped.")] = False,
    seed: Annotated[
        int, typer.Option(metavar="N", min=0, max=2**32 - 1, help="Of the division into learning and judging.")
    ] = 0,
    weights: Annotated[
        str, typer.Option(metavar="BASE", help="State dict of the network to build on; 'default' fetches it.")
    ] = "default",
) -> None:
    """Learn own classes from a folder of pictures for each, and say how good the result is.

    Ctrl-C while it learns ends that and writes what was learnt so far.
    """
    from pi_classifier.model import check_torch, resolve_activations, runtimes_at_hand

    check_torch("to learn own classes")
    from pi_classifier.offline.to_learn import dataset_to_learn

    dataset = dataset_to_learn(folder, output, configuration.settings)
    from pi_classifier.offline.train import Wishes
    from pi_classifier.offline.train import train as learn

    activations = resolve_activations(configuration.settings.model)
    wishes = Wishes(weights, method, epochs, seed, resume, runtimes_at_hand(), activations)
    learn(dataset, output, wishes)


@app.command()
@configured_by(LABELS, RUNTIME, THREADS)
def evaluate(
    bundle: Annotated[
        Path, typer.Argument(metavar="FILE", help="A bundle, of own classes or others, or an .onnx file.")
    ],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Pictures: DIR/CLASS/NAME.jpg.")],
    *,
    configuration: Configuration,
    json_output: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    report: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="FILE", help="Write a page of HTML, with the worst mistakes as pictures."),
    ] = None,
) -> None:
    """Say what a bundle is worth on pictures; on those that it learnt from, only the others judge."""
    from pi_classifier.offline.evaluate import evaluate_bundle

    _check_runtime(str(bundle), configuration)
    evaluate_bundle(bundle, folder, configuration.settings, json_output=json_output, report=report)


def _print_defaults(wanted: bool) -> None:
    """Before the configuration is read: who asks for its keys may have one that cannot be."""
    if wanted:
        from pi_classifier.config.reference import documented_defaults

        typer.echo(documented_defaults(), nl=False)
        raise typer.Exit


@app.command("check-config")
@configured_by(*RUN_FLAGS)
def check_config(
    *,
    configuration: Configuration,
    defaults: Annotated[  # noqa: ARG001 - its callback does it
        bool,
        typer.Option(
            "--defaults",
            is_eager=True,
            callback=_print_defaults,
            help="Print every key with its default and what it is for, instead.",
        ),
    ] = False,
) -> None:
    """Print the configuration in force as TOML, each value with the place that it comes from."""
    typer.echo(configuration.to_toml(), nl=False)


@app.command()
def doctor(
    config: ConfigFile = None,
    *,
    json_output: Annotated[bool, typer.Option("--json", help="One JSON object, to go with a bug report.")] = False,
) -> None:
    """Say what is wrong with this machine, and the remedy; exit 1 if something must be fixed.

    PYTHONPATH=FOLDER before it asks about a torch that lies elsewhere.
    """
    from rich.console import Console

    from pi_classifier.doctor.examination import examine

    report = examine(config)
    if json_output:
        typer.echo(report.to_json())
    else:
        report.print(Console())
    if not report.ok:
        raise typer.Exit(1)


@app.command()
@configured_by(DAEMON)
def health(
    *,
    configuration: Configuration,
    within: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="A prediction older than this is a hang.")
    ] = 30.0,
) -> None:
    """Ask the running daemon how it is; exit 1 if it hangs or does not answer. A disconnected camera is no fault."""
    from pi_classifier.doctor.health import health as ask

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
    """Say what the camera needs in config.txt and what is there; exit 1 if something must be fixed."""
    from pi_classifier.system import config_txt

    status = config_txt.status()
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
    from pi_classifier.system import config_txt

    _show(config_txt.apply(comment_out=comment_out, dry_run=dry_run))


@boot_config.command("revert")
def boot_revert(*, dry_run: DryRun = False) -> None:
    """Take back what 'apply' did; edits made since stay."""
    from pi_classifier.system import config_txt

    _show(config_txt.revert(dry_run=dry_run))


def _show(change: "Change") -> None:
    typer.echo(change.diff, nl=False)
    typer.echo("\n".join(change.messages))


def _end_at_once() -> NoReturn:
    """Leave without taking the interpreter down.

    Everything is closed and reported by now. To take torch down module by module would take another half a second on a
    fast machine, and seconds on a Raspberry Pi, while somebody waits for the stop.
    """
    atexit._run_exitfuncs()  # noqa: SLF001 - what os._exit leaves out
    # On a thread, for a pipe may be full whose reader has stopped reading.
    flush = threading.Thread(target=_flush, daemon=True)
    flush.start()
    flush.join(FLUSH_SECONDS)
    sys.stderr.flush()
    os._exit(0)


def _flush() -> None:
    with contextlib.suppress(OSError):  # what could not be written was reported when it was lost
        sys.stdout.flush()


def main() -> None:
    """Run the command line; an expected failure is one line on stderr and its exit code."""
    secure_standard_streams()
    logging.basicConfig(level=logging.INFO, format="pi-classifier: %(message)s", stream=sys.stderr)
    # Pillow warns of what it then raises an error for, or can live with.
    warnings.simplefilter("ignore", UserWarning)
    _leave_out_others(sys.argv[1:])
    try:
        try:
            code = app(standalone_mode=False)
        except SystemExit as end:
            code = end.code
        sys.stdout.flush()
        sys.exit(code)
    except ReaderGone:
        discard_stdout()
        sys.exit(0)
    except StdoutFailed as error:
        _fail(CannotWrite(f"stdout: {error.strerror}", remedy="make room there, or write to another place"))
    except PiClassifierError as error:
        _fail(error)
    except typer.TyperException as error:
        _misused(error)


def _leave_out_others(arguments: Sequence[str]) -> None:
    """Where a command is named: typer would make the options of all others, too, for nobody, at every start."""
    named = [one for one in app.registered_commands if arguments[:1] == [one.name or one.callback.__name__]]  # type: ignore[union-attr]
    if named:
        app.registered_commands, app.registered_groups = named, []


def _fail(error: PiClassifierError) -> NoReturn:
    try:
        sys.stdout.flush()
    except OSError:
        discard_stdout()
    typer.echo(f"pi-classifier: {error}", err=True)
    sys.exit(error.exit_code)


def _misused(error: typer.TyperException) -> NoReturn:
    """What typer does not understand, in one line; a bare `pi-classifier` has got its help by now."""
    if message := one_line(error.format_message()).rstrip("."):
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "pi-classifier"
        typer.echo(f"pi-classifier: {message}; see '{command} --help'", err=True)
    sys.exit(error.exit_code)

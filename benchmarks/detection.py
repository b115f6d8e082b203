"""Objects with boxes in whole frames of 1280x720: the daemon's pipeline with a detector, and what people usually build.

    python benchmarks/detection.py --model FILE... [--labels FILE] [--photos DIR] [--fps N] [--rounds N] [--seconds N]
        [--json]

The camera sends YUYV, which all decode with OpenCV. It is one that is always ready, which shows the rate, and one of 10
frames a second, as a USB camera has it for such frames, which shows what a frame costs.

pi-classifier runs without its page, with it and nobody looking, and with a viewer, for whom boxes are drawn in the
browser; it has one watch. The usual loop has the same ONNX file, runtime and thread: it decodes, letterboxes, runs the
model, decodes boxes in numpy and draws them, in one thread, and a Flask app sends Motion JPEG of the same quality. It
encodes for those who look; another one does so with every frame. Before and after the model it does what the model's
authors show: of a YOLOX what its demonstration for ONNX Runtime does (`preproc`, `demo_postprocess`, suppression in
numpy), of an Ultralytics export their example for ONNX Runtime, which loops over all rows.
Ultralytics' own predictor takes part where it is installed, with files of theirs.

"Not the model" is the processor time outside the call of the runtime, of all threads: decoding the camera's bytes,
pre-processing, boxes, what holds still, statistics, drawing, and what viewers get. Viewers are a process of their own.

Each case is a process of its own; all take turns, round after round, so that a slow hour of the machine hits all alike.
Figures are medians, ratios are medians of the ratios within a round.
"""

import json
import sys
import tempfile
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import asdict, replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import cv2

if not __package__:  # run by its path: the package is found from the project's folder
    sys.path[0] = str(Path(__file__).parents[1])

from benchmarks.objects.case import Setting, SiteName, opened
from benchmarks.objects.report import PIPELINES, Case, Measured, summary, table
from benchmarks.objects.scene import HEIGHT, WIDTH
from benchmarks.shared.child import Child, daemon_environment
from benchmarks.shared.command_line import Parser, folder, positive, print_result, progress_bar
from benchmarks.shared.failure import errors_in_one_line
from benchmarks.shared.provenance import Machine
from benchmarks.viewing.report import seen_by_viewers
from benchmarks.viewing.viewers import viewers_of
from pi_classifier.errors import ModelError

NEEDED = ("onnxruntime", "starlette", "uvicorn", "wsproto", "websockets", "flask")
INSTALL = "pip install --editable '.[onnx,web,peers]'"
KINDS = ("yolox", "ultralytics")
"""Decoders of the models that a usual loop is known for."""
QUIET = {"YOLO_VERBOSE": "false", "YOLO_AUTOINSTALL": "false", "YOLO_OFFLINE": "true"}
"""For Ultralytics' predictor: stdout is for figures, and it shall neither install nor ask anything."""


def cases(models: Mapping[str, str], fps: float, *, predictor: bool) -> list[Case]:
    """What is measured in a round.

    Args:
        models: their decoders, by name.
        fps: of the camera that has a pace.
        predictor: whether Ultralytics' takes part.
    """
    beside: dict[float, SiteName] = {0.0: "bare", fps: "decoding"}
    sites: list[tuple[SiteName, int]] = [*PIPELINES, ("loop", 0), ("encoding", 0), ("loop", 1)]
    peer: list[tuple[SiteName, int]] = [("predictor", 0), ("predictor", 1)]
    return [
        Case(model, camera_fps, site, viewers)
        for model, decoder in models.items()
        for camera_fps, alone in beside.items()
        for site, viewers in [(alone, 0), *sites, *(peer if predictor and decoder == "ultralytics" else ())]
    ]


def settings_of(arguments: Namespace) -> dict[str, Setting]:
    """For each model by its name, what its sites have in common. Raises PiClassifierError."""
    settings = {}
    for file in arguments.model:
        known = opened(file, arguments.labels).metadata
        if known.decoder not in KINDS:
            wanted = " or ".join(KINDS)
            problem = f"{known.weights}: is read as {known.decoder}, for which no usual loop is known"
            raise ModelError(problem, remedy=f"name a model that is read as {wanted}")
        settings[known.name] = Setting(
            site="bare",
            model_file=file,
            labels=arguments.labels,
            decoder=known.decoder,
            height=known.input_height,
            width=known.input_width,
            categories=known.categories,
            photos=str(arguments.photos or ""),
            fps=0.0,
            seconds=arguments.seconds,
        )
    return settings


def measure(case: Case, common: Setting, environment: Mapping[str, str]) -> dict[str, float]:
    """One case, once."""
    setting = replace(common, site=case.site, fps=case.camera_fps)
    command = ("benchmarks.objects.run_objects", json.dumps(asdict(setting)))
    with (
        Child(*command, environment=environment) as site,
        viewers_of("page" if case.site == "page" else "flask", site.answer()["port"], case.viewers) as viewers,
    ):
        answer = site.ask(b"\n")
        arrivals = viewers.ask(b"\n")["viewers"] if viewers else []
    seen = seen_by_viewers(arrivals, answer.pop("began"), answer.pop("ended"))
    return answer | seen | {"other_cpu_ms": answer["cpu_ms"] - answer["model_cpu_ms"]}


def measure_all(settings: Mapping[str, Setting], arguments: Namespace, config: str, *, predictor: bool) -> Measured:
    """All cases in turn, round by round. `config`: a folder for what Ultralytics' predictor writes down."""
    models = {name: setting.decoder for name, setting in settings.items()}
    measured: Measured = {case: [] for case in cases(models, arguments.fps, predictor=predictor)}
    environment = daemon_environment() | QUIET | {"YOLO_CONFIG_DIR": config}
    with progress_bar() as progress:
        bar = progress.add_task("measuring", total=arguments.rounds * len(measured))
        for _ in range(arguments.rounds):
            for case, rounds in measured.items():
                rounds.append(measure(case, settings[case.model], environment))
                progress.advance(bar)
    return measured


def parsed_arguments() -> Namespace:
    """What the user asks for."""
    parser = Parser(__doc__)
    parser.add_argument("--model", nargs="+", required=True, metavar="FILE", help="ONNX files, as of 'run --weights'")
    parser.add_argument("--labels", default="", metavar="FILE", help="as of 'run', for files that have none in them")
    parser.add_argument("--photos", type=folder, metavar="DIR", help="JPEGs to show; else blobs without objects")
    parser.add_argument("--fps", type=positive, default=10, metavar="N", help="of the camera's pace (default: 10)")
    parser.add_argument("--seconds", type=positive, default=4, metavar="N", help="a case and round (default: 4)")
    parser.add_rounds(3, "rounds")
    parser.add_json()
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    arguments = parsed_arguments()
    if missing := [name for name in NEEDED if not find_spec(name)]:
        sys.exit(f"detection: {', '.join(missing)} not installed; run: {INSTALL}")
    predictor = find_spec("ultralytics") is not None
    with tempfile.TemporaryDirectory() as config, errors_in_one_line("detection"):
        measured = measure_all(settings_of(arguments), arguments, config, predictor=predictor)
    machine = Machine.here()
    versions = [f"ONNX Runtime {version('onnxruntime')}", f"OpenCV {cv2.__version__}"]
    versions += [f"Ultralytics {version('ultralytics')}"] if predictor else []
    where = {
        "size": f"{WIDTH}x{HEIGHT}",
        "shown": "photographs" if arguments.photos else "blobs without objects",
        "machine": machine.briefly(*versions),
        "load": machine.load,
        "command": machine.command,
        "missing": [] if predictor else ["Ultralytics is not installed: its predictor is left out."],
    }
    print_result(summary(measured) | where, table, as_json=arguments.json)


if __name__ == "__main__":
    main()

"""Several network cameras at once: this project's pipeline, and what people usually build.

    python benchmarks/cameras.py [--cameras N] [--contenders NAME...] [--runtime WHICH] [--weights FILE] [--rounds N]
        [--seconds N] [--json]

A real RTSP server on this machine plays the cameras, H.264 at 15 frames a second, which are not synchronised. Each
frame shows its number and the server tells when it sent it: a frame's age is from then to its result, with encoder,
transport and decoder.

`workers` is the daemon's pipeline with a model on each of several threads, `loop` with one model. `processes` is the
peer: for each camera a process that reads it by PyAV into shared memory, and three processes that run the same model on
the same runtime, with one thread each.

Each contender is a process of its own, with what it starts; all take turns, round after round. Processor time and
memory are those of all its processes together; what they share is counted once.
"""

import json
import os
import sys
import tempfile
import threading
import time
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path
from typing import get_args

if not __package__:  # run by its path: the package is found from the project's folder
    sys.path[0] = str(Path(__file__).parents[1])

from benchmarks.shared.child import Child, daemon_environment
from benchmarks.shared.command_line import Parser, positive, print_result, progress_bar
from benchmarks.shared.failure import errors_in_one_line
from benchmarks.shared.model_file import write_model
from benchmarks.shared.own_runtimes import LIBRARIES, at_hand, libraries
from benchmarks.shared.process_tree import cpu_seconds, process_tree, pss_mb
from benchmarks.shared.provenance import Machine
from benchmarks.streams.case import Arrivals, ContenderName, GroupFigures, Setting
from benchmarks.streams.report import Measured, Window, figures, in_step, summary, table
from pi_classifier.config.schema import ModelSettings

WIDTH, HEIGHT, FPS = 640, 360, 15.0
Sent = Callable[[str], dict[int, float]]
INSTALL = "pip install --editable '.[test,peers]'"


def measure(setting: Setting, seconds: float) -> tuple[Window, Arrivals, list[GroupFigures]]:
    """One contender, once."""
    command = ("benchmarks.streams.run_cameras", json.dumps(asdict(setting)))
    with Child(*command, environment=daemon_environment()) as child:
        child.answer()
        pids = process_tree(child.pid)
        began, cpu_began = time.monotonic(), cpu_seconds(pids)
        threading.Event().wait(seconds)
        ended, cpu_ended = time.monotonic(), cpu_seconds(pids)
        window = Window(began, ended, cpu_ended - cpu_began, pss_mb(pids), len(pids))
        result = child.ask(b"\n")
        return window, result["arrivals"], result["groups"]


def measure_all(contenders: Sequence[ContenderName], setting: Setting, sent: Sent, arguments: Namespace) -> Measured:
    """All in turn, round by round. `sent`: of a camera, when it sent what."""
    measured: Measured = {name: [] for name in contenders}
    with progress_bar() as progress:
        bar = progress.add_task("measuring", total=arguments.rounds * len(measured))
        for _ in range(arguments.rounds):
            for name, rounds in measured.items():
                window, arrivals, groups = measure(replace(setting, contender=name), arguments.seconds)
                when = {camera: sent(camera) for camera in setting.urls}
                rounds.append(figures(window, arrivals, when) | in_step(window, groups))
                progress.advance(bar)
    return measured


def parsed_arguments() -> Namespace:
    """What the user asks for."""
    parser = Parser(__doc__)
    parser.add_argument("--cameras", type=positive, default=4, metavar="N", help="how many (default: 4)")
    parser.add_argument(
        "--contenders",
        choices=get_args(ContenderName),
        nargs="+",
        default=get_args(ContenderName),
        metavar="NAME",
        help=f"who takes part (default: {' '.join(get_args(ContenderName))})",
    )
    parser.add_argument(
        "--runtime",
        choices=tuple(LIBRARIES),
        default="litert" if at_hand() == "both" else "torchscript",
        help="of all contenders (default: litert where it is installed)",
    )
    parser.add_argument(
        "--workers", type=positive, default=os.cpu_count(), metavar="N", help="of the first (default: one a processor)"
    )
    parser.add_argument("--weights", default="", metavar="FILE", help="as of 'run', best a bundle; else random")
    parser.add_argument("--seconds", type=positive, default=20, metavar="N", help="a contender and round (default: 20)")
    parser.add_rounds(3, "rounds")
    parser.add_json()
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    arguments = parsed_arguments()
    if not find_spec("pytest") or not find_spec("hypothesis"):
        sys.exit(f"cameras: the server that plays them is the tests'; run: {INSTALL}")
    from benchmarks.streams.played_cameras import playing  # noqa: PLC0415 - it takes its time, and --help shall not

    av = find_spec("av") is not None
    contenders: list[ContenderName] = [one for one in arguments.contenders if av or one != "processes"]
    names = [f"camera{number}" for number in range(1, arguments.cameras + 1)]
    with tempfile.TemporaryDirectory() as temporary, errors_in_one_line("cameras"):
        settings = ModelSettings(weights="untrained")
        model_file = arguments.weights or str(write_model(Path(temporary), settings, runtimes=[arguments.runtime]))
        with playing(names, WIDTH, HEIGHT, FPS) as server:
            urls = {name: server.url(name) for name in names}
            setting = Setting(contenders[0], urls, WIDTH, HEIGHT, model_file, arguments.runtime, arguments.workers)
            measured = measure_all(contenders, setting, server.sent, arguments)
    machine = Machine.here()
    where = {
        "cameras": len(names),
        "size": f"{WIDTH}x{HEIGHT}",
        "camera_fps": FPS,
        "workers": arguments.workers,
        "machine": machine.briefly(*libraries(arguments.runtime)),
        "load": machine.load,
        "command": machine.command,
        "missing": [] if av else [f"PyAV is not installed ({INSTALL}): the peer is left out."],
    }
    print_result(summary(measured) | where, table, as_json=arguments.json)


if __name__ == "__main__":
    main()

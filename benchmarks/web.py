"""What the live page costs: the daemon's pipeline without it, and with it before none, one and more viewers.

    python benchmarks/web.py [--runtime WHICH] [--weights FILE] [--viewers N...] [--rounds N] [--seconds N] [--json]

The camera gives 36 frames a second, of 224x224 and of 640x480. Viewers of the page read its WebSocket and ask for the
next frame as soon as they have one; they are in a process of their own, so that their work is none of the daemon's.

Beside it, what people usually build: one loop that captures, classifies and draws the labels, and a Flask app that
sends Motion JPEG, each client's generator encoding every frame for itself. It runs the same model on the same runtime
and thread, and its JPEGs have the page's quality, so that what differs is the way to the viewers.

Each case is a process of its own; all take turns, round after round, so that a slow hour of the machine hits all alike.
Figures are medians, ratios are medians of the ratios within a round.
"""

import json
import sys
import tempfile
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict
from importlib.util import find_spec
from itertools import product
from pathlib import Path

if not __package__:  # run by its path: the package is found from the project's folder
    sys.path[0] = str(Path(__file__).parents[1])

from benchmarks.shared.child import Child, daemon_environment
from benchmarks.shared.command_line import Parser, positive, print_result, progress_bar
from benchmarks.shared.failure import errors_in_one_line
from benchmarks.shared.model_file import write_model
from benchmarks.shared.own_runtimes import LIBRARIES, at_hand, libraries
from benchmarks.shared.provenance import Machine
from benchmarks.viewing.case import Setting, SiteFigures, SiteName
from benchmarks.viewing.report import Case, Measured, seen_by_viewers, summary, table
from benchmarks.viewing.viewers import viewers_of
from pi_classifier.config.schema import ModelSettings

SIZES = ((224, 224), (640, 480))
MOST_VIEWERS = 8
"""That the page lets in."""
NEEDED = ("starlette", "uvicorn", "wsproto", "websockets")
INSTALL = "pip install --editable '.[web,peers]'"


def cases(viewers: Sequence[int], *, flask: bool) -> list[Case]:
    """What is measured in a round. `flask`: whether the peer takes part."""
    sites: tuple[SiteName, ...] = ("page", "flask") if flask else ("page",)
    return [
        Case(site, size, count)
        for size in SIZES
        for site, count in (("off", 0), *product(sites, viewers))
    ]  # fmt: skip


def measure(case: Case, model_file: str, arguments: Namespace) -> dict[str, float]:
    """One case, once."""
    width, height = case.size
    setting = Setting(case.site, width, height, model_file, arguments.runtime, arguments.seconds)
    command = ("benchmarks.viewing.run_site", json.dumps(asdict(setting)))
    with (
        Child(*command, environment=daemon_environment()) as site,
        viewers_of("flask" if case.site == "flask" else "page", site.answer()["port"], case.viewers) as viewers,
    ):
        figures = SiteFigures(**site.ask(b"\n"))
        arrivals = viewers.ask(b"\n")["viewers"] if viewers else []
    return asdict(figures) | seen_by_viewers(arrivals, figures.began, figures.ended)


def measure_all(model_file: str, arguments: Namespace, *, flask: bool) -> Measured:
    """All cases in turn, round by round."""
    measured: Measured = {case: [] for case in cases(arguments.viewers, flask=flask)}
    with progress_bar() as progress:
        bar = progress.add_task("measuring", total=arguments.rounds * len(measured))
        for _ in range(arguments.rounds):
            for case, rounds in measured.items():
                rounds.append(measure(case, model_file, arguments))
                progress.advance(bar)
    return measured


def parsed_arguments() -> Namespace:
    """What the user asks for."""
    parser = Parser(__doc__)
    parser.add_argument(
        "--runtime",
        choices=tuple(LIBRARIES),
        default="litert" if at_hand() == "both" else "torchscript",
        help="of all contenders (default: litert where it is installed)",
    )
    parser.add_argument("--weights", default="", metavar="FILE", help="as of 'run', best a bundle; else random")
    parser.add_argument(
        "--viewers",
        type=int,
        choices=range(MOST_VIEWERS + 1),
        nargs="+",
        default=(0, 1, 4, MOST_VIEWERS),
        metavar="N",
        help=f"how many look (default: 0 1 4 {MOST_VIEWERS})",
    )
    parser.add_argument("--seconds", type=positive, default=3, metavar="N", help="a case and round (default: 3)")
    parser.add_rounds(3, "rounds")
    parser.add_json()
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    arguments = parsed_arguments()
    if missing := [name for name in NEEDED if not find_spec(name)]:
        sys.exit(f"web: {', '.join(missing)} not installed; run: {INSTALL}")
    flask = find_spec("flask") is not None
    with tempfile.TemporaryDirectory() as temporary, errors_in_one_line("web"):
        settings = ModelSettings(weights="untrained")
        model_file = arguments.weights or str(write_model(Path(temporary), settings, runtimes=[arguments.runtime]))
        measured = measure_all(model_file, arguments, flask=flask)
    machine = Machine.here()
    where = {
        "machine": machine.briefly(*libraries(arguments.runtime)),
        "load": machine.load,
        "command": machine.command,
        "missing": [] if flask else [f"Flask is not installed ({INSTALL}): the peer is left out."],
    }
    print_result(summary(measured) | where, table, as_json=arguments.json)


if __name__ == "__main__":
    main()

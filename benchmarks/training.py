"""What it costs to learn own classes, and what the result is worth: a new head, the last blocks, and the usual way.

    python benchmarks/training.py --weights FILE --set DIR... [--strangers DIR] [--seeds N] [--peer MODEL[=FILE]...]
        [--peer-seconds N] [--json]

Each --set is a folder with a folder of pictures for each class. A quarter of the pictures judges, chosen over groups of
near-twins, another one for each seed; every figure of accuracy is that of the int8 network. Each learning is a process
of its own. Times are CPU seconds of all its processes, so a busy machine changes them little.

The usual way is that of NVIDIA's course (jetson-inference's train.py): all layers of a float network of torchvision, by
SGD. It learns the first seed's pictures for --peer-seconds, from random weights or from those of =FILE.

--strangers is a folder of pictures of other things, which ought to be unknown.
"""

import json
import sys
import tempfile
from argparse import ArgumentTypeError, Namespace
from pathlib import Path

if not __package__:  # run by its path: the package is found from the project's folder
    sys.path[0] = str(Path(__file__).parents[1])

from rich.progress import Progress

from benchmarks.learning.case import OwnFigures, OwnOrder, PeerFigures, PeerOrder
from benchmarks.learning.report import Measured, summary, table
from benchmarks.shared.child import Child
from benchmarks.shared.command_line import Parser, folder, positive, print_result, progress_bar
from benchmarks.shared.failure import errors_in_one_line
from benchmarks.shared.provenance import Machine

METHODS = ("head", "finetune")


def own(order: OwnOrder) -> OwnFigures:
    """One learning of pi-classifier."""
    with Child("benchmarks.learning.run_own", json.dumps(order)) as child:
        return OwnFigures(**child.answer())


def peer(order: PeerOrder) -> list[PeerFigures]:
    """The usual way, after each epoch."""
    found: list[PeerFigures] = []
    with Child("benchmarks.learning.run_peer", json.dumps(order)) as child:
        while not found or found[-1].cpu < order.seconds:
            found.append(PeerFigures(**child.answer()))
    return found


def linked(source: Path, to: Path) -> Path:
    """A folder with a dataset's classes: features are kept in it, and the dataset stays as it is."""
    to.mkdir()
    for place in source.iterdir():
        if place.name[0] != ".":
            (to / place.name).symlink_to(place.resolve())
    return to


def measure(source: Path, temporary: Path, arguments: Namespace, progress: Progress) -> Measured:
    """One set."""
    data = str(linked(source, temporary / source.name))
    bar = progress.add_task(source.name, total=len(METHODS) * arguments.seeds + len(arguments.peers))
    owns: dict[str, list[OwnFigures]] = {method: [] for method in METHODS}
    for seed in range(arguments.seeds):
        for method, found in owns.items():
            found.append(own(OwnOrder(data, method, seed, arguments.weights, arguments.strangers)))
            progress.advance(bar)
    peers: dict[str, list[PeerFigures]] = {}
    for model, weights in arguments.peers:
        start = f"{model}, {'weights of ' + Path(weights).name if weights else 'random weights'}"
        peers[start] = peer(PeerOrder(data, model, weights, owns["head"][0].learnt, arguments.peer_seconds))
        progress.advance(bar)
    return Measured(source.name, owns, peers)


def model_and_weights(text: str) -> tuple[str, str]:
    """MODEL or MODEL=FILE."""
    model, _, weights = text.partition("=")
    if weights and not Path(weights).is_file():
        raise ArgumentTypeError(f"{weights} is no file; name a state dict of torchvision's {model}")
    return model, weights


def parsed_arguments() -> Namespace:
    """What the user asks for."""
    parser = Parser(__doc__)
    parser.add_argument("--weights", default="default", metavar="FILE", help="as of 'train' (default: fetched)")
    parser.add_argument("--set", dest="sets", type=folder, nargs="+", required=True, metavar="DIR", help="own classes")
    parser.add_argument("--strangers", type=folder, metavar="DIR", help="pictures of none of the classes")
    parser.add_argument("--seeds", type=positive, default=5, metavar="N", help="divisions of each set (default: 5)")
    parser.add_argument(
        "--peer", dest="peers", type=model_and_weights, nargs="*", default=[("resnet18", "")], metavar="MODEL[=FILE]",
        help="the usual way's network, and its weights (default: resnet18, random)",
    )  # fmt: skip
    parser.add_argument(
        "--peer-seconds", type=positive, default=600, metavar="N", help="CPU seconds of each peer (default: 600)"
    )
    parser.add_json()
    arguments = parser.parse_args()
    arguments.strangers = str(arguments.strangers or "")
    return arguments


def main() -> None:
    """Measure and print."""
    arguments = parsed_arguments()
    with tempfile.TemporaryDirectory() as temporary, errors_in_one_line("training"), progress_bar() as progress:
        measured = [measure(source, Path(temporary), arguments, progress) for source in arguments.sets]
    machine = Machine.here()
    where = {"machine": machine.briefly(f"torch {machine.torch}"), "load": machine.load, "command": machine.command}
    print_result(summary(measured) | where, table, as_json=arguments.json)


if __name__ == "__main__":
    main()

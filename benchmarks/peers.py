"""The same photographs through this project's pipeline and through other runtimes for the same processors.

    python benchmarks/peers.py --photos DIR [--runtime WHICH] [--weights FILE] [--tflite FILE...] [--threads N]

- pi-classifier: the quantised MobileNetV2 of --weights, prepared as `run` prepares it on this machine, on LiteRT, on
  TorchScript, or on both; the first of them is called "ours";
- ONNX Runtime: the same weights, exported to ONNX, their biases rounded as they are here;
- LiteRT: each --tflite, a quantised MobileNetV2 of TensorFlow's own training, fed as that model wants it.

Each runs in a process of its own with the same number of threads. Every photograph is decoded, scaled and cropped to
224x224 once, outside of what is measured, and is then shown to each of them in turn before the next photograph, the
first one first at one photograph and last at the next: so that a slow second of the machine hits all alike. Times are
medians of all frames, ratios are medians of the ratios frame by frame, CPU time is the mean.

DIR holds a labels.csv with the columns file and class_index. What is not installed is said and left out.
"""

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

if not __package__:  # run by its path: the package is found from the project's folder
    sys.path[0] = str(Path(__file__).parents[1])

from benchmarks.runtimes.peer import Peer, all_peers
from benchmarks.runtimes.report import figures, sentences, table
from benchmarks.shared.command_line import Parser, positive, print_result, progress_bar
from benchmarks.shared.failure import errors_in_one_line
from benchmarks.shared.photographs import SIZE, Photograph, labelled_photographs
from benchmarks.shared.provenance import Machine
from pi_classifier.contracts.frame import Pixels
from pi_classifier.runtimes.reference_transform import reference_crop
from pi_classifier.sources.files.picture import read_picture

FIRST_FRAMES = 5
"""Of each runtime, not counted: they cost more."""
SETTLE_SECONDS = 0.02
"""After a frame, a pool's idle threads spin for some milliseconds; the next runtime is not to share the cores."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A photograph as a camera would deliver it, and what it shows."""

    pixels: Pixels
    class_id: int


def shown(photograph: Photograph) -> Shown:
    """Decoded, scaled and cropped as the weights' authors do."""
    pixels = reference_crop(read_picture(photograph.file), resize_size=256, crop_size=SIZE)
    return Shown(np.ascontiguousarray(pixels), photograph.class_id)


@contextmanager
def running(everyone: Sequence[Peer], threads: int) -> Iterator[list[Peer]]:
    """Those that take part, started."""
    with ExitStack() as stack:
        for peer in everyone:
            if not peer.problem:
                stack.enter_context(peer.started(threads))
        yield [peer for peer in everyone if not peer.problem]


def measure(present: Sequence[Peer], frames: Sequence[Shown], rounds: int, threads: int) -> None:
    """Show every photograph to everyone, in every round."""
    for peer in present:
        for _ in range(FIRST_FRAMES):
            peer.classify(frames[0].pixels)
    with progress_bar() as progress:
        for number, frame in enumerate(progress.track(list(frames) * rounds, description="photographs")):
            first = number % len(present)
            for peer in (*present[first:], *present[:first]):
                peer.answers.append(peer.classify(frame.pixels))
                if threads > 1:
                    time.sleep(SETTLE_SECONDS)


def main() -> None:
    """Measure and print."""
    parser = Parser(__doc__)
    parser.add_labelled_photos()
    parser.add_runtime()
    parser.add_argument("--weights", default="default", metavar="FILE", help="a state dict, as of 'run'")
    parser.add_argument("--tflite", type=Path, nargs="+", default=[], metavar="FILE", help="models for LiteRT")
    parser.add_argument("--threads", type=positive, default=1, metavar="N", help="of each runtime (default: 1)")
    parser.add_rounds(3, "how often each photograph is shown")
    parser.add_argument("--limit", type=positive, metavar="N", help="only the first N photographs")
    parser.add_json()
    arguments = parser.parse_args()
    frames = [shown(photograph) for photograph in labelled_photographs(arguments.photos, arguments.limit)]
    with tempfile.TemporaryDirectory() as folder, errors_in_one_line("peers"):
        everyone = all_peers(arguments.weights, arguments.runtimes, arguments.tflite, Path(folder))
        with running(everyone, arguments.threads) as present:
            measure(present, frames, arguments.rounds, arguments.threads)
    truth = [frame.class_id for frame in frames]
    compared = [figures(peer, everyone[0], truth) for peer in everyone]
    machine = Machine.here()
    result = {
        "machine": machine.briefly(),
        "command": machine.command,
        "where": f"{len(frames)} photographs, rounds: {arguments.rounds}, threads: {arguments.threads}",
        "contenders": compared,
        "sentences": sentences(compared),
    }
    print_result(result, table, as_json=arguments.json)


if __name__ == "__main__":
    main()

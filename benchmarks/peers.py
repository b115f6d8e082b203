"""The same photographs through this project's pipeline and through other runtimes for the same processors.

    python benchmarks/peers.py --photos DIR [--weights FILE] [--tflite FILE...] [--threads N] [--json]

- pi-classifier: the quantised MobileNetV2 of --weights, prepared as `run` prepares it on this machine;
- ONNX Runtime: the same weights, exported to ONNX;
- LiteRT: each --tflite, a quantised MobileNetV2 of TensorFlow's own training, fed as that model wants it.

Each runs in a process of its own with the same number of threads. Every photograph is decoded, scaled and cropped to
224x224 once, outside of what is measured, and is then shown to each of them in turn before the next photograph, the
first one first at one photograph and last at the next: so that a slow second of the machine hits all alike. Times are
medians of all frames, ratios are medians of the ratios frame by frame, CPU time is the mean.

DIR holds a labels.csv with the columns file and class_index. What is not installed is said and left out.
"""

import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

if not __package__:  # run by its path: the package is found from the project's folder
    sys.path[0] = str(Path(__file__).parents[1])

from benchmarks.runtimes.peer import Peer, all_peers
from benchmarks.shared.command_line import Parser, positive, print_result, progress_bar
from benchmarks.shared.failure import errors_in_one_line
from benchmarks.shared.markdown import markdown_table
from benchmarks.shared.photographs import SIZE, Photograph, labelled_photographs
from benchmarks.shared.provenance import Machine
from pi_classifier.contracts.frame import Pixels
from pi_classifier.offline.reference_transform import reference_crop
from pi_classifier.sources.files.picture import read_picture

FIRST_FRAMES = 5
"""Of each runtime, not counted: they cost more."""
SETTLE_SECONDS = 0.02
"""After a frame, a pool's idle threads spin for some milliseconds; the next runtime is not to share the cores."""
EQUAL = 1.03
"""Two that differ by less are called equally fast."""
BUSY = 1.2
"""Time over CPU time, from which on the machine is said to be busy."""
CAUTION = (
    "Pre-processing starts at the cropped BGR pixels; decoding is excluded. The photographs are very probably training "
    "images: top-1 compares implementations and is no accuracy. LiteRT's files hold weights of their own."
)


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


def figures(peer: Peer, ours: Peer, frames: Sequence[Shown]) -> dict[str, Any]:
    """What was measured of one of them."""
    if peer.problem:
        return {"name": peer.name, "problem": peer.problem}
    answers, truth = peer.answers, [frame.class_id for frame in frames]
    pairs = list(zip(answers, ours.answers, strict=True))
    seen, seen_by_us = ([one.class_id for one in each.answers[: len(frames)]] for each in (peer, ours))
    return {
        "name": peer.name,
        "version": peer.version,
        "preprocess_ms": statistics.median(one.preprocess_ms for one in answers),
        "inference_ms": statistics.median(one.inference_ms for one in answers),
        "total_ms": statistics.median(one.total_ms for one in answers),
        "total_of_ours": statistics.median(one.total_ms / other.total_ms for one, other in pairs),
        "mean_ms": statistics.fmean(one.total_ms for one in answers),
        "cpu_ms": statistics.fmean(one.cpu_ms for one in answers),
        "cpu_of_ours": statistics.fmean(one.cpu_ms for one in answers)
        / statistics.fmean(one.cpu_ms for one in ours.answers),
        "rss_mb": answers[-1].rss_mb,
        "top1": statistics.fmean(one == right for one, right in zip(seen, truth, strict=True)),
        "agrees": statistics.fmean(one == other for one, other in zip(seen, seen_by_us, strict=True)),
    }


def comparison(peer: dict[str, Any], ours: dict[str, Any]) -> str:
    """One sentence: which of the two is faster, and by how much."""
    if "problem" in peer:
        return f"{peer['name']}: {peer['problem']}."
    ratio, cpu_ratio = peer["total_of_ours"], peer["cpu_of_ours"]
    slower, faster = (peer, ours) if ratio > 1 else (ours, peer)
    cost = "{total_ms:.2f} ms, {cpu_ms:.2f} ms of CPU, {rss_mb:.0f} MB".format_map
    sides = f"{cost(faster)} against {cost(slower)}"
    if 1 / EQUAL <= ratio <= EQUAL:
        return f"{peer['name']} is as fast as pi-classifier, within {EQUAL - 1:.0%}: {sides}."
    if ratio < 1:
        ratio, cpu_ratio = 1 / ratio, 1 / cpu_ratio
    by_how_much = f"{ratio:.2f} times as fast as {slower['name']} ({cpu_ratio:.2f} times by CPU time)"
    return f"{faster['name']} is {by_how_much}: {sides}."


def foreign() -> list[str]:
    """A sentence on a machine that this project is not made for."""
    if platform.machine() == "aarch64":
        return []
    return [
        f"These are ratios on {platform.machine()}. The kernels that pi-classifier runs on, QNNPACK's and XNNPACK's in "
        "torch, are made for ARM, and torch runs XNNPACK's only there: measure again on a Raspberry Pi."
    ]


def busy(compared: Sequence[dict[str, Any]]) -> list[str]:
    """A sentence where the machine had other things to do: a frame then waits, and a long one waits more often."""
    waited = max(one["mean_ms"] / one["cpu_ms"] for one in compared if "problem" not in one)
    if waited < BUSY:
        return []
    return [f"The machine was busy: a frame took up to {waited:.1f} times its CPU time. Go by the CPU time."]


def sentences(compared: Sequence[dict[str, Any]]) -> list[str]:
    """What the figures say."""
    ours, *peers = compared
    return [*(comparison(peer, ours) for peer in peers), *busy(compared), *foreign()]


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    columns = ("", "pre-processing, ms", "inference, ms", "both", "of ours", "CPU, ms", "of ours", "RSS", "top-1",
               "class as ours")  # fmt: skip
    return "\n".join(
        [
            *markdown_table(columns, map(_cells, result["contenders"])),
            "",
            *(f"- {sentence}" for sentence in result["sentences"]),
            "",
            f"{result['where']}, on {result['machine']}. {CAUTION}",
            "",
            f"`{result['command']}`",
        ]
    )


def _cells(one: dict[str, Any]) -> tuple[str, ...]:
    if "problem" in one:
        return (one["name"], one["problem"], *[""] * 8)
    return (
        f"{one['name']} ({one['version']})",
        *(f"{one[key]:.2f}" for key in ("preprocess_ms", "inference_ms", "total_ms", "total_of_ours", "cpu_ms")),
        f"{one['cpu_of_ours']:.2f}",
        f"{one['rss_mb']:.0f} MB",
        f"{one['top1']:.1%}",
        f"{one['agrees']:.1%}",
    )


def main() -> None:
    """Measure and print."""
    parser = Parser(__doc__)
    parser.add_labelled_photos()
    parser.add_argument("--weights", default="default", metavar="FILE", help="a state dict, as of 'run'")
    parser.add_argument("--tflite", type=Path, nargs="+", default=[], metavar="FILE", help="models for LiteRT")
    parser.add_argument("--threads", type=positive, default=1, metavar="N", help="of each runtime (default: 1)")
    parser.add_rounds(3, "how often each photograph is shown")
    parser.add_argument("--limit", type=positive, metavar="N", help="only the first N photographs")
    parser.add_json()
    arguments = parser.parse_args()
    frames = [shown(photograph) for photograph in labelled_photographs(arguments.photos, arguments.limit)]
    with tempfile.TemporaryDirectory() as folder, errors_in_one_line("peers"):
        everyone = all_peers(arguments.weights, arguments.tflite, Path(folder))
        with running(everyone, arguments.threads) as present:
            measure(present, frames, arguments.rounds, arguments.threads)
    compared = [figures(peer, everyone[0], frames) for peer in everyone]
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

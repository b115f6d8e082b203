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

import argparse
import csv
import importlib.util
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from peer_runtime import SIZE, Answer
from process_figures import command, machine
from rich.console import Console
from rich.progress import track

from pi_classifier.model_loading import resolve_activations
from pi_classifier.model_store import write_prepared
from pi_classifier.prepare import prepare
from pi_classifier.prepare.architectures import ARCHITECTURES
from pi_classifier.prepare.quantise import quantised
from pi_classifier.prepare.weights_file import default_weights, read_state
from pi_classifier.settings import ModelSettings
from pi_classifier.sources.files import read_picture
from pi_classifier.still import reference_crop

WARM_UP_FRAMES = 5
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

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Photo:
    """A photograph as a camera would deliver it, and what it shows."""

    pixels: Pixels
    class_id: int


@dataclass(slots=True)
class Contender:
    """A runtime with its model, and what was measured of it."""

    name: str
    runtime: str
    model: Path
    version: str = ""
    problem: str = ""
    """Why it does not take part; empty if it does."""
    answers: list[Answer] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None

    def start(self, threads: int) -> None:
        """Start its process, and find out whether it takes part."""
        program = Path(__file__).with_name("peer_runtime.py")
        command = [sys.executable, str(program), self.runtime, str(self.model), str(threads)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        told = self._line()
        self.version, self.problem = told.get("version", ""), told.get("problem", "")

    def classify(self, pixels: Pixels) -> Answer:
        """Show it one frame."""
        if self.process is None or self.process.stdin is None:
            raise RuntimeError(f"{self.name} was not started")
        self.process.stdin.write(pixels.tobytes())
        self.process.stdin.flush()
        return Answer(**self._line())

    def end(self) -> None:
        """No more frames."""
        if self.process is not None:
            self.process.communicate()

    def _line(self) -> dict[str, Any]:
        line = self.process.stdout.readline() if self.process and self.process.stdout else b""
        if not line:
            raise RuntimeError(f"{self.name} ended; what it said is above")
        told: dict[str, Any] = json.loads(line)
        return told


def read_photos(folder: Path, limit: int | None) -> list[Photo]:
    """The photographs of labels.csv, decoded, scaled and cropped as the weights' authors do."""
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[:limit]
    return [
        Photo(
            np.ascontiguousarray(reference_crop(read_picture(folder / row["file"]), resize_size=256, crop_size=SIZE)),
            int(row["class_index"]),
        )
        for row in rows
    ]


def export_onnx(weights: str, path: Path) -> bool:
    """Write the quantised MobileNetV2 of these weights as ONNX; False if there is no exporter."""
    if not importlib.util.find_spec("onnx"):
        return False
    architecture = ARCHITECTURES["mobilenet_v2"]
    source = default_weights(architecture, progress=True) if weights == "default" else Path(weights)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.backends.quantized.engine = "qnnpack"
        model = quantised(architecture, read_state(source)[0], source)
        torch.onnx.export(model, (torch.zeros(1, 3, SIZE, SIZE),), path, dynamo=False, opset_version=17)
    return True


def contenders(weights: str, tflite: Sequence[Path], folder: Path) -> list[Contender]:
    """All that are to be compared, this project first; models that must be made are put into the folder."""
    settings = ModelSettings(weights=weights)
    ours, exported = folder / "model.pt", folder / "model.onnx"
    write_prepared(ours, prepare(settings, activations=resolve_activations(settings)))
    onnx = Contender("ONNX Runtime, the same weights", "onnxruntime", exported)
    if not export_onnx(weights, exported):
        onnx.problem = "not installed (pip install --editable '.[peers]')"
    return [
        Contender("pi-classifier", "pi-classifier", ours),
        onnx,
        *(Contender(f"LiteRT, {file.stem}", "litert", file) for file in tflite),
    ]


@contextmanager
def running(everyone: Sequence[Contender], threads: int) -> Iterator[list[Contender]]:
    """Those that take part, started."""
    with ExitStack() as stack:
        for contender in everyone:
            if not contender.problem:
                stack.callback(contender.end)
                contender.start(threads)
        yield [contender for contender in everyone if not contender.problem]


def measure(present: Sequence[Contender], photos: Sequence[Photo], rounds: int, threads: int) -> None:
    """Show every photograph to everyone, in every round."""
    for contender in present:
        for _ in range(WARM_UP_FRAMES):
            contender.classify(photos[0].pixels)
    turns = list(photos) * rounds
    for number, photo in enumerate(track(turns, description="photographs", console=Console(stderr=True))):
        first = number % len(present)
        for contender in (*present[first:], *present[:first]):
            contender.answers.append(contender.classify(photo.pixels))
            if threads > 1:
                time.sleep(SETTLE_SECONDS)


def figures(contender: Contender, ours: Contender, photos: Sequence[Photo]) -> dict[str, Any]:
    """What is told of one contender."""
    if contender.problem:
        return {"name": contender.name, "problem": contender.problem}
    answers, truth = contender.answers, [photo.class_id for photo in photos]
    pairs = list(zip(answers, ours.answers, strict=True))
    seen, seen_by_us = ([one.class_id for one in each.answers[: len(photos)]] for each in (contender, ours))
    return {
        "name": contender.name,
        "version": contender.version,
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


def busy(told: Sequence[dict[str, Any]]) -> list[str]:
    """A sentence where the machine had other things to do: a frame then waits, and a long one waits more often."""
    waited = max(one["mean_ms"] / one["cpu_ms"] for one in told if "problem" not in one)
    if waited < BUSY:
        return []
    return [f"The machine was busy: a frame took up to {waited:.1f} times its CPU time. Go by the CPU time."]


def sentences(told: Sequence[dict[str, Any]]) -> list[str]:
    """What the figures say."""
    ours, *peers = told
    return [*(comparison(peer, ours) for peer in peers), *busy(told), *foreign()]


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    told = result["contenders"]
    row = (
        "| {name} ({version}) | {preprocess_ms:.2f} | {inference_ms:.2f} | {total_ms:.2f} | {total_of_ours:.2f} | "
        "{cpu_ms:.2f} | {cpu_of_ours:.2f} | {rss_mb:.0f} MB | {top1:.1%} | {agrees:.1%} |"
    )
    return "\n".join(
        [
            "| | pre-processing, ms | inference, ms | both | of ours | CPU, ms | of ours | RSS | top-1 "
            "| class as ours |",
            "|---|---|---|---|---|---|---|---|---|---|",
            *("| {name} | {problem} | | | | | | | | |".format_map(one) if "problem" in one else row.format_map(one)
              for one in told),
            "",
            *(f"- {sentence}" for sentence in result["sentences"]),
            "",
            f"{result['where']}, on {result['machine']}. {CAUTION}",
            "",
            f"`{result['command']}`",
        ]
    )  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, metavar="DIR", help="pictures and their labels.csv")
    parser.add_argument("--weights", default="default", metavar="FILE", help="a state dict, as of 'run'")
    parser.add_argument("--tflite", type=Path, nargs="+", default=[], metavar="FILE", help="models for LiteRT")
    parser.add_argument("--threads", type=int, default=1, help="of each runtime (default: 1)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each photograph is shown (default: 3)")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N photographs")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    arguments = parser.parse_args()
    photos = read_photos(arguments.photos, arguments.limit)
    with tempfile.TemporaryDirectory() as folder:
        everyone = contenders(arguments.weights, arguments.tflite, Path(folder))
        with running(everyone, arguments.threads) as present:
            measure(present, photos, arguments.rounds, arguments.threads)
    told = [figures(contender, everyone[0], photos) for contender in everyone]
    result = {
        "machine": machine(),
        "command": command(),
        "where": f"{len(photos)} photographs, rounds: {arguments.rounds}, threads: {arguments.threads}",
        "contenders": told,
        "sentences": sentences(told),
    }
    print(json.dumps(result, indent=2) if arguments.json else table(result))


if __name__ == "__main__":
    main()

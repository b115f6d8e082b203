"""One of those that `peers` compares: a runtime, its model, and what was measured of it."""

import importlib.util
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.runtimes.runtime_figures import NOT_INSTALLED, Answer
from benchmarks.shared.child import Child
from benchmarks.shared.model_file import write_model
from benchmarks.shared.own_runtimes import NAMES
from pi_classifier.config.schema import ModelSettings
from pi_classifier.contracts.frame import Pixels
from pi_classifier.contracts.model import Runtime
from pi_classifier.model import resolve_activations

OURS: dict[Runtime, str] = {
    "litert": f"pi-classifier on {NAMES['litert']}",
    "torchscript": f"pi-classifier on {NAMES['torchscript']}",
}
"""What this project is called on each of its runtimes, the one first that `--runtime auto` prefers."""


@dataclass(slots=True)
class Peer:
    """A runtime with its model, and what was measured of it."""

    name: str
    runtime: str
    model: Path
    version: str = ""
    problem: str = ""
    """Why it does not take part; empty if it does."""
    answers: list[Answer] = field(default_factory=list)
    process: Child | None = None

    @contextmanager
    def started(self, threads: int) -> Iterator[None]:
        """Its process runs while the context lasts; now it is known whether it takes part."""
        with Child("benchmarks.runtimes.run_runtime", self.runtime, str(self.model), str(threads)) as self.process:
            first = self.process.answer()
            self.version, self.problem = first.get("version", ""), first.get("problem", "")
            yield

    def classify(self, pixels: Pixels) -> Answer:
        """Show it one frame."""
        if self.process is None:
            raise RuntimeError(f"{self.name} was not started")
        return Answer(**self.process.ask(pixels.tobytes()))


def all_peers(weights: str, runtimes: Collection[Runtime], tflite: Sequence[Path], folder: Path) -> list[Peer]:
    """All that are to be compared, this project first; models that must be made are put into the folder."""
    settings = ModelSettings(weights=weights)
    ours = write_model(folder, settings, runtimes=runtimes, activations=resolve_activations(settings))
    return [
        *(Peer(OURS[runtime], f"pi-classifier-{runtime}", ours) for runtime in OURS if runtime in runtimes),
        _onnx_runtime(settings, folder / f"{settings.name}.onnx"),
        *(Peer(f"LiteRT, {file.stem}", "litert", file) for file in tflite),
    ]


def _onnx_runtime(settings: ModelSettings, file: Path) -> Peer:
    """With the quantised model of these weights, written to the file."""
    peer = Peer("ONNX Runtime, the same weights", "onnxruntime", file)
    if not importlib.util.find_spec("onnx"):
        peer.problem = NOT_INSTALLED
        return peer
    from benchmarks.runtimes.onnx_export import export_model  # noqa: PLC0415 - an extra

    export_model(settings, file)
    return peer

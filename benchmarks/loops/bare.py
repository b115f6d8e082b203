"""The model alone, again and again on the same input: no camera, no pre-processing, no ranking."""

import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.loops.camera import Camera
from benchmarks.loops.loop_figures import Figures, Task
from benchmarks.loops.stopwatch import Stopwatch
from pi_classifier.runtimes.bundle import read_bundle


class BareTorchScript:
    """A bundle's frozen module, called."""

    def __init__(self, model_file: Path) -> None:
        import torch  # noqa: PLC0415 - here, for LiteRT's process shall not carry it

        from pi_classifier.runtimes.torchscript import TorchScriptModel, new_input  # noqa: PLC0415

        bundle = read_bundle(model_file, ("torchscript",))
        # It also sets the engine and the number of threads, which are torch's own.
        self._input, _ = new_input(TorchScriptModel(bundle, threads=1, top_k=1).metadata)
        self._module: Any = torch.jit.load(io.BytesIO(bundle.program("torchscript")))
        self._inference_mode: Any = torch.inference_mode

    def run(self, task: Task, camera: Camera) -> Figures:  # noqa: ARG002 - it takes no frames
        """Do a task."""
        with self._inference_mode():
            return _repeated(lambda _: self._module(self._input), task)


class BareLiteRT:
    """An interpreter of a bundle's TFLite file, invoked."""

    def __init__(self, model_file: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415 - an extra

        program = read_bundle(model_file, ("litert",)).program("litert")
        self._interpreter = Interpreter(model_content=program, num_threads=1)
        self._interpreter.allocate_tensors()

    def run(self, task: Task, camera: Camera) -> Figures:  # noqa: ARG002 - it takes no frames
        """Do a task."""
        return _repeated(lambda _: self._interpreter.invoke(), task)


def _repeated(model: Callable[[object], object], task: Task) -> Figures:
    watch = Stopwatch(task)
    timed, frames = watch.timed(model), 0
    while not watch.done:
        started = time.monotonic()
        timed(None)
        frames += 1
        watch.frame(started)
    return watch.figures(frames, {})

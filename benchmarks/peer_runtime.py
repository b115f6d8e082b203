"""One runtime in a process of its own, for peers.py: frames come on stdin, an answer to each goes to stdout.

    python benchmarks/peer_runtime.py pi-classifier|litert|onnxruntime MODEL THREADS < frames > answers

A frame is 224 x 224 x 3 bytes, BGR, as from a camera; an answer is a line of JSON. The first line says whether the
runtime is there at all.
"""

import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from process_figures import process_figures

SIZE = 224
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the weights that ONNX Runtime is given: this project's."""

Pixels = NDArray[np.uint8]


class Refused(Exception):
    """A model that cannot be fed fairly."""


class Runtime(Protocol):
    """A model and its own way to it from a camera's frame."""

    version: str

    def preprocess(self, pixels: Pixels) -> None:
        """Fill the model's input."""

    def infer(self) -> NDArray[Any]:
        """A score for each of the 1000 classes."""


class PiClassifier:
    """This project, as the daemon runs it."""

    def __init__(self, model: Path, threads: int) -> None:
        # Here and not above: torch's memory is no part of the others.
        from pi_classifier.model import Model  # noqa: PLC0415
        from pi_classifier.preprocess import Preprocessor  # noqa: PLC0415

        self._model = Model(model, threads=threads)
        self._preprocess = Preprocessor(self._model.input_table, self._model.card.input_size)
        self._input = np.empty((SIZE, SIZE, 3), np.uint8)
        self.version = f"torch {Model.torch_version}, {self._model.card.activations}"

    def preprocess(self, pixels: Pixels) -> None:
        """One table look-up a byte."""
        self._preprocess(pixels, self._input)

    def infer(self) -> NDArray[Any]:
        """Logits."""
        return self._model(self._input)


class LiteRt:
    """A .tflite file of TensorFlow's MobileNetV2: bytes in, probabilities out, class 0 of 1001 the background."""

    def __init__(self, model: Path, threads: int) -> None:
        package = importlib.import_module("ai_edge_litert.interpreter")
        self.version = version("ai-edge-litert")
        self._interpreter = package.Interpreter(str(model), num_threads=threads)
        self._interpreter.allocate_tensors()
        (source,), (answer,) = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        self._input, self._output = source["index"], answer["index"]
        scale, zero_point = source["quantization"]
        # TensorFlow's models take [-1, 1]. With this scale and zero point a byte stands, to half a step, for its own
        # value there, and nothing is left to be done to it.
        ends = (scale * (0 - zero_point), scale * (255 - zero_point)) if source["dtype"] is np.uint8 else (0.0, 0.0)
        if list(source["shape"]) != [1, SIZE, SIZE, 3] or not np.allclose(ends, (-1, 1), atol=0.01):
            raise Refused(f"input {source['dtype'].__name__} {list(source['shape'])}, {ends[0]:.2f} to {ends[1]:.2f}")
        classes = int(answer["shape"][-1])
        if classes not in (1000, 1001):
            raise Refused(f"{classes} classes")
        self._background = classes - 1000

    def preprocess(self, pixels: Pixels) -> None:
        """BGR to RGB, straight into the model's memory."""
        cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB, dst=self._interpreter.tensor(self._input)()[0])

    def infer(self) -> NDArray[Any]:
        """Probabilities, quantised."""
        self._interpreter.invoke()
        scores: NDArray[Any] = self._interpreter.get_tensor(self._output)[0, self._background :]
        return scores


class OnnxRuntime:
    """The same quantised weights as this project's, exported: floats in, logits out."""

    def __init__(self, model: Path, threads: int) -> None:
        package = importlib.import_module("onnxruntime")
        self.version = package.__version__
        options = package.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = package.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        (source,) = self._session.get_inputs()
        self._name = source.name
        self._input = np.empty((1, 3, SIZE, SIZE), np.float32)
        values = np.arange(256, dtype=np.float32) / np.float32(255)
        self._tables = [
            (values - np.float32(mean)) / np.float32(std) for mean, std in zip(MEAN, STD, strict=True)
        ]  # fmt: skip

    def preprocess(self, pixels: Pixels) -> None:
        """A table look-up a byte, to float planes in order RGB."""
        for plane, table, channel in zip(self._input[0], self._tables, (2, 1, 0), strict=True):
            cv2.LUT(cv2.extractChannel(pixels, channel), table, dst=plane)

    def infer(self) -> NDArray[Any]:
        """Logits."""
        logits: NDArray[Any] = self._session.run(None, {self._name: self._input})[0][0]
        return logits


RUNTIMES: dict[str, Callable[[Path, int], Runtime]] = {
    "pi-classifier": PiClassifier,
    "litert": LiteRt,
    "onnxruntime": OnnxRuntime,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What one frame cost, and what was seen in it."""

    preprocess_ms: float
    inference_ms: float
    cpu_ms: float
    """Of all threads, with what idle ones spin between the frames; without reading the frame and answering."""
    class_id: int
    rss_mb: float

    @property
    def total_ms(self) -> float:
        """From the frame's pixels to its scores."""
        return self.preprocess_ms + self.inference_ms


def serve(runtime: Runtime) -> None:
    """Answer frames until there are no more."""
    cpu_before, reading_before = time.process_time(), time.thread_time()
    while frame := sys.stdin.buffer.read(SIZE * SIZE * 3):
        pixels = np.frombuffer(frame, np.uint8).reshape(SIZE, SIZE, 3)
        reading = time.thread_time() - reading_before
        started = time.perf_counter()
        runtime.preprocess(pixels)
        ready = time.perf_counter()
        scores = runtime.infer()
        done, cpu = time.perf_counter(), time.process_time() - cpu_before - reading
        # The first of equal scores: ties go to the lower class id in every runtime.
        best, memory = int(scores.argmax()), process_figures(os.getpid()).rss_mb
        answer = Answer(1e3 * (ready - started), 1e3 * (done - ready), 1e3 * cpu, best, memory)
        print(json.dumps(asdict(answer)), flush=True)
        cpu_before, reading_before = time.process_time(), time.thread_time()


def main() -> None:
    """Load, say so, serve."""
    name, model, threads = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    cv2.setNumThreads(threads)
    try:
        runtime = RUNTIMES[name](model, threads)
    except ModuleNotFoundError:
        print(json.dumps({"problem": "not installed (pip install --editable '.[peers]')"}))
    except Refused as why:
        print(json.dumps({"problem": f"refused: {why}"}))
    else:
        print(json.dumps({"version": runtime.version}), flush=True)
        serve(runtime)


if __name__ == "__main__":
    main()

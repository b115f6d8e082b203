"""The runtimes that `peers` compares, each fed from a camera's frame in its own way."""

import importlib
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.shared.photographs import SIZE
from pi_classifier.contracts.frame import Pixels
from pi_classifier.contracts.model import Runtime as OwnRuntime

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the weights that ONNX Runtime is given: this project's."""


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

    def __init__(self, runtime: OwnRuntime, model: Path, threads: int) -> None:
        # Here and not above: what it imports is no part of the others' memory, least of all torch.
        from pi_classifier.config.schema import ModelSettings  # noqa: PLC0415
        from pi_classifier.model import open_model  # noqa: PLC0415

        settings = ModelSettings(weights=str(model), runtime=runtime, threads=threads, top_k=1)
        loaded = open_model(settings, progress=False)
        self._fill, self._tensor = loaded.new_preprocessor(), loaded.new_tensor()
        self._predictor = loaded.new_predictor()
        ((library, release),) = loaded.versions.items()
        self.version = f"{library} {release}, {loaded.metadata.activations}"

    def preprocess(self, pixels: Pixels) -> None:
        """One table look-up a byte."""
        self._fill(pixels, self._tensor)

    def infer(self) -> NDArray[Any]:
        """Logits."""
        logits: NDArray[Any] = self._predictor.infer(self._tensor)
        return logits


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
        # An x86 processor without VNNI adds products in 16 bits, which overflow, unless it is told to take more time.
        options.add_session_config_entry("session.x64quantprecision", "1")
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
    "pi-classifier-torchscript": partial(PiClassifier, "torchscript"),
    "pi-classifier-litert": partial(PiClassifier, "litert"),
    "litert": LiteRt,
    "onnxruntime": OnnxRuntime,
}

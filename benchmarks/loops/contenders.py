"""The ways from a camera to names that `pipeline` compares: the tutorial's loop, this pipeline, and the bare model."""

import io
import itertools
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from benchmarks.loops.camera import Camera
from benchmarks.loops.loop_figures import Figures, Task
from benchmarks.loops.stopwatch import Stopwatch
from pi_classifier.capture import Capture
from pi_classifier.contracts.frame import Frame, Pixels
from pi_classifier.contracts.job import Tensor
from pi_classifier.contracts.model import Outputs, Predictor
from pi_classifier.contracts.prediction import Prediction, Result
from pi_classifier.errors import CaptureError
from pi_classifier.inference.pipeline import Pipeline
from pi_classifier.runtimes.bundle import read_bundle
from pi_classifier.runtimes.torchscript import TorchScriptModel, new_input
from pi_classifier.statistics import CameraStatistics

TOP_K = 10
UNRANKED = Result(np.empty(0, np.float32), ())


class Loop(Protocol):
    """One way from a camera to names."""

    def run(self, task: Task, camera: Camera) -> Figures:
        """Do a task."""


class TutorialLoop:
    """The tutorial's loop, line by line; the printing of its top ten is left out."""

    def __init__(self, name: str, state: Path | None) -> None:
        # Here, for the other contenders shall not carry torchvision; ours first, for its guard lets the import work. It
        # would also spare the tutorial torch's compiler, which torchvision imports.
        import torch._dynamo.utils  # noqa: PLC0415, I001
        from pi_classifier.prepare.quantise import quantised, untrained  # noqa: PLC0415
        from pi_classifier.prepare.torchvision_models import ARCHITECTURES  # noqa: PLC0415
        from torchvision import transforms  # noqa: PLC0415

        torch.backends.quantized.engine = "qnnpack"
        architecture = ARCHITECTURES[name]
        net = quantised(architecture, torch.load(state, weights_only=True), state) if state else untrained(architecture)
        self._net: Any = torch.jit.script(net)
        self._preprocess = transforms.Compose(
            [transforms.ToTensor(), transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])]
        )

    def run(self, task: Task, camera: Camera) -> Figures:
        """Do a task."""
        watch = Stopwatch(task)
        net, frames = watch.timed(self._net), 0
        with torch.no_grad():
            while not watch.done:
                captured_at, pixels = camera.read()
                image = pixels.copy()  # cv2.VideoCapture.read gives a new array
                image = image[:, :, [2, 1, 0]]
                input_tensor = self._preprocess(image)
                input_batch = input_tensor.unsqueeze(0)
                output = net(input_batch)
                if task.top_k:
                    top = list(enumerate(output[0].softmax(dim=0)))
                    top.sort(key=lambda x: x[1], reverse=True)
                    _ = [(index, value.item()) for index, value in top[:TOP_K]]
                frames += 1
                watch.frame(captured_at)
        return watch.figures(frames, {"overrun": camera.overrun})


class PipelineLoop:
    """This project's capture, model, ranking and statistics, put together as the daemon does it."""

    def __init__(self, model_file: Path) -> None:
        self._model = TorchScriptModel(read_bundle(model_file), threads=1, top_k=TOP_K)
        self._predictor = self._model.new_predictor()

    def run(self, task: Task, camera: Camera) -> Figures:
        """Do a task."""
        watch = Stopwatch(task)
        work_available, shutdown = threading.Event(), threading.Event()
        statistics = CameraStatistics("camera", time.monotonic())
        source = _Source(camera, ready=not task.fps)
        capture = Capture(
            source,
            statistics=statistics,
            observer=_NoObserver(),
            model=self._model,
            work_available=work_available,
            shutdown=shutdown,
        )
        pipeline = Pipeline(
            cameras=[(capture, statistics)],
            predictor=_WatchedPredictor(self._predictor, watch, source, ranked=task.top_k),
            sinks=[_Finish(watch)],
            work_available=work_available,
        )
        capture.start()
        pipeline.run(frames=0, stopping=lambda: watch.done, after_turn=lambda: None)
        shutdown.set()
        source.taken()
        capture.stop()
        counted = statistics.snapshot()
        return watch.figures(counted.captured, counted.dropped | {"overrun": camera.overrun})


class _Source:
    """The camera as a frame source. One that is always ready is asked again once the model has the last frame."""

    def __init__(self, camera: Camera, *, ready: bool) -> None:
        self.pace_fps: float | None = None
        self._camera = camera
        self._ahead = threading.Semaphore(1) if ready else None

    def frames(self) -> Generator[Frame, None, None]:
        """Frames without end."""
        pixels: Pixels | None = None
        for number in itertools.count():
            if self._ahead:
                self._ahead.acquire()
            captured_at, picture = self._camera.read()
            if pixels is None:
                pixels = np.empty_like(picture)
            np.copyto(pixels, picture)  # as from the driver's buffer
            yield Frame("camera", number, captured_at, pixels)

    def taken(self) -> None:
        """The model has the newest frame: another may be fetched."""
        if self._ahead:
            self._ahead.release()


class _WatchedPredictor:
    """The model's predictor on the watch, with its ranking or without."""

    def __init__(self, predictor: Predictor, watch: Stopwatch, source: _Source, *, ranked: bool) -> None:
        self._timed_infer = watch.timed(predictor.infer)
        self._source = source
        self.decode: Callable[[Outputs], Result] = predictor.decode if ranked else _no_ranking

    def infer(self, tensor: Tensor) -> Outputs:
        """Let the camera go on, and run the model."""
        self._source.taken()
        return self._timed_infer(tensor)


def _no_ranking(_outputs: Outputs) -> Result:
    return UNRANKED


class _NoObserver:
    """This camera neither goes nor comes back."""

    def camera_down(self, camera: str, error: CaptureError) -> None:
        """Never."""

    def camera_up(self, camera: str) -> None:
        """Never."""


class _Finish:
    """The sink that ends a frame's time."""

    def __init__(self, watch: Stopwatch) -> None:
        self._watch = watch

    def offer(self, prediction: Prediction) -> None:
        """A frame is finished."""
        if not self._watch.done:
            self._watch.frame(prediction.captured_at)


class BareModel:
    """The model alone, again and again on the same input: no camera, no pre-processing, no ranking."""

    def __init__(self, model_file: Path) -> None:
        bundle = read_bundle(model_file)
        self._input, _ = new_input(TorchScriptModel(bundle, threads=1, top_k=TOP_K).metadata)
        self._module = torch.jit.load(io.BytesIO(bundle.program("torchscript")))

    def run(self, task: Task, camera: Camera) -> Figures:  # noqa: ARG002 - it takes no frames
        """Do a task."""
        watch = Stopwatch(task)
        model, frames = watch.timed(self._module), 0
        with torch.inference_mode():
            while not watch.done:
                started = time.monotonic()
                model(self._input)
                frames += 1
                watch.frame(started)
        return watch.figures(frames, {})

"""This project's way from a camera to names, on either runtime."""

import itertools
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path

import numpy as np

from benchmarks.loops.camera import Camera
from benchmarks.loops.loop_figures import TOP_K, Figures, Task
from benchmarks.loops.stopwatch import Stopwatch
from benchmarks.shared.steadiness import of_the_daemon
from pi_classifier.capture import Capture
from pi_classifier.config.schema import ModelSettings
from pi_classifier.contracts.frame import Frame, Pixels
from pi_classifier.contracts.job import Tensor
from pi_classifier.contracts.model import Outputs, Runtime
from pi_classifier.contracts.prediction import Prediction, Result
from pi_classifier.errors import CaptureError
from pi_classifier.inference.pipeline import Pipeline
from pi_classifier.model import open_model
from pi_classifier.statistics import CameraStatistics


class PipelineLoop:
    """This project's capture, model, ranking and statistics, put together as the daemon does it."""

    def __init__(self, model_file: Path, runtime: Runtime) -> None:
        settings = ModelSettings(weights=str(model_file), runtime=runtime, threads=1, top_k=TOP_K)
        self._model = open_model(settings, progress=False)
        self._predictor = self._model.new_predictor()
        # Without a ranking all classes are equally unlikely; what holds still is looked for all the same.
        self._unranked = Result(np.zeros(len(self._model.metadata.categories), np.float32), ())

    def run(self, task: Task, camera: Camera) -> Figures:
        """Do a task."""
        watch = Stopwatch(task)
        work_available, shutdown = threading.Event(), threading.Event()
        statistics = CameraStatistics("camera", time.monotonic())
        source = _Source(camera, ready=not task.fps)
        capture = Capture(
            source,
            statistics=statistics,
            observers=[_NoObserver()],
            model=self._model,
            work_available=work_available,
            shutdown=shutdown,
        )
        pipeline = Pipeline(
            cameras=[(capture, statistics)],
            predictor=_WatchedPredictor(self._predictor.infer, self._decode(task), watch, source),
            steadiness=of_the_daemon(self._model, statistics.camera),
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

    def _decode(self, task: Task) -> Callable[[Outputs], Result]:
        return self._predictor.decode if task.top_k else lambda _outputs: self._unranked


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

    def __init__(
        self,
        infer: Callable[[Tensor], Outputs],
        decode: Callable[[Outputs], Result],
        watch: Stopwatch,
        source: _Source,
    ) -> None:
        self._timed_infer = watch.timed(infer)
        self._source = source
        self.decode = decode

    def infer(self, tensor: Tensor) -> Outputs:
        """Let the camera go on, and run the model."""
        self._source.taken()
        return self._timed_infer(tensor)


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

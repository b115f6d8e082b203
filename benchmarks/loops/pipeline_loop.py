"""This project's way from a camera to names, on either runtime."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.loops.camera import Camera
from benchmarks.loops.loop_figures import TOP_K, Figures, Task
from benchmarks.loops.source import CameraSource, TakingPredictor
from benchmarks.loops.stopwatch import Stopwatch
from benchmarks.shared.steadiness import of_the_daemon
from pi_classifier.capture import Capture
from pi_classifier.config.schema import ModelSettings
from pi_classifier.contracts.model import Runtime
from pi_classifier.contracts.prediction import Prediction, Result
from pi_classifier.inference.in_this_thread import InThisThread
from pi_classifier.inference.pipeline import Pipeline
from pi_classifier.inference.publisher import Publisher
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
        source = CameraSource(camera, ready=not task.fps)
        capture = Capture(
            source,
            statistics=statistics,
            observers=(),
            model=self._model,
            work_available=work_available,
            shutdown=shutdown,
        )
        pipeline = Pipeline(
            cameras=[(capture, statistics)],
            executor=InThisThread(TakingPredictor(watch.timed(self._predictor.infer), self._decode(task), source)),
            publisher=Publisher(of_the_daemon(self._model, statistics.camera), [_Finish(watch)]),
            work_available=work_available,
        )
        capture.start()
        pipeline.run(frames=0, stopping=lambda: watch.done, after_turn=lambda: None)
        shutdown.set()
        source.taken()
        capture.stop()
        counted = statistics.snapshot()
        return watch.figures(counted.captured, counted.dropped | {"overrun": camera.overrun})

    def _decode(self, task: Task) -> Callable[..., Result]:
        return self._predictor.decode if task.top_k else lambda *_outputs: self._unranked


class _Finish:
    """The sink that ends a frame's time."""

    def __init__(self, watch: Stopwatch) -> None:
        self._watch = watch

    def offer(self, prediction: Prediction) -> None:
        """A frame is finished."""
        if not self._watch.done:
            self._watch.frame(prediction.captured_at)

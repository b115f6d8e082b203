"""Runs one prepared model for `compare_models` and prints what that took as a line of JSON.

python -m benchmarks.models.run_model FILE THREADS SOURCE WARM_UP FRAMES

A process of its own, so that memory and threads are this model's alone. It is the daemon's own inference loop with its
own pre-processing and ranking; only the capture has no thread: a frame is fetched when the loop asks for it, and not
before.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from benchmarks.models.model_figures import Round
from benchmarks.shared.failure import errors_in_one_line
from benchmarks.shared.process_figures import process_figures
from benchmarks.shared.steadiness import of_the_daemon
from pi_classifier.config.schema import CameraSettings, ModelSettings
from pi_classifier.contracts.frame import Frame, FrameSource
from pi_classifier.contracts.job import Job
from pi_classifier.contracts.model import Model
from pi_classifier.contracts.prediction import Prediction
from pi_classifier.errors import PiClassifierError
from pi_classifier.inference.in_this_thread import InThisThread
from pi_classifier.inference.pipeline import Pipeline
from pi_classifier.inference.publisher import Publisher
from pi_classifier.runtimes.bundle import read_bundle
from pi_classifier.runtimes.torchscript import TorchScriptModel
from pi_classifier.sources.uri import sources_for
from pi_classifier.statistics import CameraStatistics


class UnpacedJobs:
    """One frame after another, as fast as they are taken. A `JobSource`."""

    camera = "camera"
    ended = False
    """Never: a file begins again."""
    failure: PiClassifierError | None = None

    def __init__(
        self,
        frames: Generator[Frame, None, None],
        model: Model,
        statistics: CameraStatistics,
        work_available: threading.Event,
    ) -> None:
        """`work_available` is kept set: there is always a frame."""
        self._frames = frames
        self._preprocess = model.new_preprocessor()
        self._job = Job(model.new_tensor())
        self._statistics = statistics
        self._work_available = work_available
        work_available.set()

    def take(self, *, wait: bool) -> Job:  # noqa: ARG002 - there always is one
        """Fetch and pre-process the next frame."""
        frame = next(frame for frame in self._frames if not frame.corrupt)
        started = time.perf_counter()
        self._preprocess(frame.pixels, self._job.tensor)
        self._job.sequence, self._job.captured_at = frame.sequence, frame.captured_at
        self._job.preprocess_seconds = time.perf_counter() - started
        self._statistics.frame_arrived(frame.captured_at)
        self._work_available.set()
        return self._job


class FrameTimes:
    """A sink that notes when each frame was done, and how much of its time was inference."""

    def __init__(self) -> None:
        self._wall: list[float] = []
        self._cpu: list[float] = []
        self._inference: list[float] = []

    def offer(self, prediction: Prediction) -> None:
        """A frame is done."""
        self._wall.append(time.perf_counter())
        self._cpu.append(time.process_time())
        self._inference.append(prediction.timings.inference)

    def read(self, warm_up: int) -> Round:
        """The figures of all frames but the first `warm_up`; time counts from the end of the last of these."""
        wall, cpu, inference = self._wall[warm_up - 1 :], self._cpu[warm_up - 1 :], self._inference[warm_up:]
        frames = len(inference)
        totals = [end - start for start, end in pairwise(wall)]
        return Round(
            threads=torch.get_num_threads(),
            frames=frames,
            total_ms=1e3 * (wall[-1] - wall[0]) / frames,
            model_ms=1e3 * sum(inference) / frames,
            p99_ms=1e3 * float(np.percentile(totals, 99, method="inverted_cdf")),
            cpu_ms=1e3 * (cpu[-1] - cpu[0]) / frames,
            rss_mb=process_figures(os.getpid()).rss_mb,
        )


def run(file: Path, *, threads: int | Literal["auto"], source: str, warm_up: int, frames: int) -> Round:
    """Run a prepared model on so many frames, after at least one to warm up."""
    model = TorchScriptModel(read_bundle(file), threads=threads, top_k=ModelSettings().top_k)
    size = model.metadata.input_size
    statistics = CameraStatistics(UnpacedJobs.camera, time.monotonic())
    work_available = threading.Event()
    times = FrameTimes()
    (frames_from,) = sources_for([CameraSettings(source=source, width=size, height=size)], wait=False)
    with closing(_endless(frames_from)) as pictures:
        pipeline = Pipeline(
            cameras=[(UnpacedJobs(pictures, model, statistics, work_available), statistics)],
            executor=InThisThread(model.new_predictor()),
            publisher=Publisher(of_the_daemon(model, statistics.camera), [times]),
            work_available=work_available,
        )
        pipeline.run(frames=warm_up + frames, stopping=lambda: False, after_turn=lambda: None)
        return times.read(warm_up)


def _endless(source: FrameSource) -> Generator[Frame, None, None]:
    while True:
        yield from source.frames()


def main() -> None:
    """Measure what the command line names."""
    file, threads, source, warm_up, frames = sys.argv[1:]
    with errors_in_one_line("compare_models"):
        result = run(
            Path(file),
            threads="auto" if threads == "auto" else int(threads),
            source=source,
            warm_up=int(warm_up),
            frames=int(frames),
        )
    print(json.dumps(asdict(result)))


if __name__ == "__main__":
    main()

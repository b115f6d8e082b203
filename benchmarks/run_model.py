"""Runs one prepared model for compare_models.py and prints what that took as a line of JSON.

    python benchmarks/run_model.py FILE THREADS SOURCE WARM_UP FRAMES

A process of its own, so that memory and threads are this model's alone. It is the daemon's own hot loop with its own
pre-processing and ranking; only the feed has no thread: a frame is fetched when the loop asks for it, and not before.
"""

import json
import math
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
from model_figures import Round

from pi_classifier.accounting import Account
from pi_classifier.errors import PiClassifierError
from pi_classifier.feed import FrameSource, Pending
from pi_classifier.frame import Frame
from pi_classifier.input_source import source_for
from pi_classifier.model import Model
from pi_classifier.pipeline import Pipeline
from pi_classifier.prediction import Prediction
from pi_classifier.preprocess import Preprocessor
from pi_classifier.ranking import Ranking
from pi_classifier.settings import CameraSettings, ModelSettings


class UnpacedFeed:
    """One frame after another, as fast as they are taken."""

    def __init__(self, frames: Generator[Frame, None, None], model: Model, bell: threading.Event) -> None:
        """`bell` is kept rung: there is always a frame."""
        self.account = Account("camera", time.monotonic())
        self._frames = frames
        self._preprocess = Preprocessor(model.input_table, model.card.input_size)
        self._pending = Pending(np.empty((model.card.input_size, model.card.input_size, 3), np.uint8))
        self._bell = bell
        bell.set()

    def take(self) -> Pending:
        """Fetch and pre-process the next frame."""
        frame = next(frame for frame in self._frames if not frame.corrupt)
        started = time.perf_counter()
        self._preprocess(frame.pixels, self._pending.pixels)
        self._pending.sequence, self._pending.captured_at = frame.sequence, frame.captured_at
        self._pending.preprocess_seconds = time.perf_counter() - started
        self.account.arrived(frame.captured_at)
        self._bell.set()
        return self._pending

    def has_ended(self) -> bool:
        """Never: a file begins anew."""
        return False


class Stopwatch:
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
        totals = sorted(end - start for start, end in pairwise(wall))
        return Round(
            threads=torch.get_num_threads(),
            frames=frames,
            total_ms=1e3 * (wall[-1] - wall[0]) / frames,
            model_ms=1e3 * sum(inference) / frames,
            p99_ms=1e3 * totals[math.ceil(0.99 * frames) - 1],
            cpu_ms=1e3 * (cpu[-1] - cpu[0]) / frames,
            rss_mb=_resident_bytes() / 2**20,
        )


def measure(file: Path, *, threads: int | Literal["auto"], source: str, warm_up: int, frames: int) -> Round:
    """Run a prepared model on so many frames, after at least one to warm up."""
    model = Model(file, threads=threads)
    size = model.card.input_size
    bell = threading.Event()
    stopwatch = Stopwatch()
    with closing(_endless(source_for(CameraSettings(source=source, width=size, height=size)))) as pictures:
        pipeline = Pipeline(
            feeds=[UnpacedFeed(pictures, model, bell)],
            classify=model,
            rank=Ranking(model.card.categories, ModelSettings().top_k),
            sinks=[stopwatch],
            bell=bell,
        )
        pipeline.run(frames=warm_up + frames, stopping=lambda: False, waiting=lambda: None)
        return stopwatch.read(warm_up)


def _endless(source: FrameSource) -> Generator[Frame, None, None]:
    while True:
        yield from source.frames()


def _resident_bytes() -> int:
    """Not getrusage's peak: that starts from the parent's."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Measure what the command line names."""
    file, threads, source, warm_up, frames = sys.argv[1:]
    try:
        result = measure(
            Path(file),
            threads="auto" if threads == "auto" else int(threads),
            source=source,
            warm_up=int(warm_up),
            frames=int(frames),
        )
    except PiClassifierError as error:
        print(f"compare_models: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    print(json.dumps(asdict(result)))


if __name__ == "__main__":
    main()

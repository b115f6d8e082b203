"""What people usually build: for each camera a process that reads it, and beside it three that run the model.

It is what guides to multiprocessing lead to, done with care: frames go through shared memory, the newest wins, a
process that waits sleeps, each model has one thread, FFmpeg is tuned for little delay, a camera that fails is opened
again, and by fork all processes share the libraries' memory.
"""

import multiprocessing
import queue
from collections.abc import Iterator
from contextlib import ExitStack
from importlib import import_module
from multiprocessing.process import BaseProcess
from threading import Event
from typing import Any

import av
import numpy as np

from benchmarks.streams.case import Classified, GroupFigures, Setting
from benchmarks.streams.newest_frame import NewestFrame
from tests.streams.numbered import number_in

WORKERS = 3
"""That run the model, a camera."""
OPTIONS = {"rtsp_transport": "tcp", "flags": "low_delay", "probesize": "4096", "analyzeduration": "0"}
OPEN_SECONDS, READ_SECONDS, RETRY_SECONDS = 5.0, 5.0, 1.0
POLL_SECONDS = 0.25
"""How long the end may wait to be noticed."""


class Processes:
    """The parent: starts them, and collects what they found."""

    def __init__(self, setting: Setting) -> None:
        """They start now, by fork, before this process has a second thread."""
        # Before the fork, for all to share it.
        import_module(f"pi_classifier.runtimes.{setting.runtime}")
        self._context = multiprocessing.get_context("fork")
        self._results = self._context.Queue()
        self._stack = ExitStack()
        for process in list(self._processes(setting)):
            process.start()
            self._stack.callback(process.join)
            self._stack.callback(process.terminate)

    def run(self, classified: Classified, ended: Event) -> list[GroupFigures]:
        """Until `ended` is set."""
        with self._stack:
            while not ended.is_set():
                try:
                    camera, number, _label = self._results.get(timeout=POLL_SECONDS)
                except queue.Empty:
                    continue
                classified(camera, number)
        return []

    def _processes(self, setting: Setting) -> Iterator[BaseProcess]:
        for camera, url in setting.urls.items():
            newest = NewestFrame(self._context, setting.width, setting.height)
            self._stack.callback(newest.close)
            yield self._context.Process(target=_read, args=(url, newest), daemon=True)
            for _ in range(WORKERS):
                arguments = (setting, camera, newest, self._results)
                yield self._context.Process(target=_classify, args=arguments, daemon=True)


def _read(url: str, newest: NewestFrame) -> None:
    """A camera's process: every frame, until it is terminated."""
    wait = Event().wait
    while True:
        try:
            with av.open(url, options=OPTIONS, timeout=(OPEN_SECONDS, READ_SECONDS)) as container:
                stream = container.streams.video[0]
                stream.thread_count = 1
                for frame in container.decode(stream):
                    newest.write(frame.to_ndarray(format="bgr24").astype(np.uint8, copy=False))
        except av.FFmpegError:
            wait(RETRY_SECONDS)


def _classify(setting: Setting, camera: str, newest: NewestFrame, results: Any) -> None:
    """A model's process: one frame after another, until it is terminated."""
    model = setting.model()
    preprocess, tensor, predictor = model.new_preprocessor(), model.new_tensor(), model.new_predictor()
    pixels = np.empty((setting.height, setting.width, 3), np.uint8)
    while True:
        newest.take(pixels)
        preprocess(pixels, tensor)
        label = predictor.decode(predictor.infer(tensor)).scores[0].label
        results.put((camera, number_in(pixels), label))

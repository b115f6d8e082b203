"""The tutorial's loop and this project's pipeline, each in a process of its own, on the same camera and model.

A contender is a child process that reads one JSON object a line (a `Task`), runs it and answers with one (a
`Figures`). So both keep their own memory and threads, and whoever asks them in turn compares like with like.
"""

import gc
import itertools
import json
import os
import sys
import threading
import time
import tracemalloc
import warnings
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from pi_classifier.accounting import Account
from pi_classifier.feed import Feed
from pi_classifier.frame import Frame
from pi_classifier.model import Model, new_input
from pi_classifier.pipeline import Pipeline
from pi_classifier.prediction import Classification, Prediction
from pi_classifier.preprocess import Preprocessor
from pi_classifier.ranking import Ranking

TOP_K = 10
DRIVER_BUFFERS = 4
"""What a V4L2 driver usually has: a reader that is too slow reads what has waited in all of them."""
WARM_UP_FRAMES = 10
Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Task:
    """What a contender is asked to do."""

    frames: int
    fps: float
    """The camera's rate; 0 for a camera that is always ready."""
    top_k: bool
    """Whether every frame is ranked."""
    traced: bool = False
    """Whether to watch Python's memory, which slows everything down, instead of the time."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a contender measured of itself."""

    fps: float
    cpu_ms: float
    """Processor time a frame, of all threads."""
    model_cpu_ms: float
    """Of that, inside the call of the model."""
    other_cpu_ms: float
    """Of that, everywhere else."""
    age_ms_p50: float
    age_ms_p99: float
    age_p99_over_interval_and_inference: float
    """Each frame's age over the camera's interval plus that frame's own inference: what is over 1 waited too long."""
    captured: int
    dropped: dict[str, int]
    rss_mb: float
    allocated_kb: float
    """Peak of what Python and numpy allocate within a frame; 0 unless traced."""


class Camera:
    """Shows pictures at a rate, through a driver's ring of buffers, oldest first."""

    def __init__(self, pictures: list[Pixels], fps: float) -> None:
        self._pictures = pictures
        self._interval = 1 / fps if fps else 0.0
        self._started: float | None = None
        self._filled: deque[tuple[int, float]] = deque()
        self._next = 0
        self._wait = threading.Event().wait
        self.overrun = 0
        """Frames that the driver had no buffer for."""

    def read(self) -> tuple[float, Pixels]:
        """The oldest filled buffer: when it was captured, seconds of `time.monotonic()`, and its pixels."""
        if not self._interval:
            self._next += 1
            return time.monotonic(), self._pictures[self._next % len(self._pictures)]
        # A camera streams from when it is first read, or the first reader would find its buffers full of old frames.
        if self._started is None:
            self._started = time.monotonic()
        self._fill(self._started)
        while not self._filled:
            self._wait(max(0.0, self._started + self._next * self._interval - time.monotonic()))
            self._fill(self._started)
        number, captured_at = self._filled.popleft()
        return captured_at, self._pictures[number % len(self._pictures)]

    def _fill(self, started: float) -> None:
        while (captured_at := started + self._next * self._interval) <= time.monotonic():
            if len(self._filled) < DRIVER_BUFFERS:
                self._filled.append((self._next, captured_at))
            else:
                self.overrun += 1
            self._next += 1


class Stopwatch:
    """Measures one task: the whole process's time, the model's, and the age of frames."""

    def __init__(self, task: Task) -> None:
        self._traced = task.traced
        self._interval = 1 / task.fps if task.fps else 0.0
        self._ages: list[float] = []
        self._allowed: list[float] = []
        self._model_cpu = self._inference = 0.0
        self._peaks: list[int] = []
        self._left = task.frames + WARM_UP_FRAMES
        self._frames = task.frames
        self.done = False
        # Now, for it takes as long as several frames: with the camera running, they would be those that are dropped.
        gc.collect()

    def timed(self, model: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """The model, its processor time taken on the thread that calls it: all of it, with one compute thread."""

        def call(argument: Any) -> Any:
            started, before = time.monotonic(), time.thread_time()
            answer = model(argument)
            self._model_cpu += time.thread_time() - before
            self._inference = time.monotonic() - started
            return answer

        return call

    def frame(self, captured_at: float) -> None:
        """A frame is finished."""
        self._left -= 1
        if self._left == self._frames:
            self._begin()
        elif self._left < self._frames:
            self._ages.append(time.monotonic() - captured_at)
            self._allowed.append(self._interval + self._inference)
            if self._traced:
                self._peaks.append(tracemalloc.get_traced_memory()[1] - self._base)
                self._watch()
        if self._left == 0:
            self._wall = time.perf_counter() - self._wall_started
            self._cpu = time.process_time() - self._cpu_started
            self.done = True

    def figures(self, captured: int, dropped: dict[str, int]) -> Figures:
        """The result."""
        ages = np.array(self._ages) * 1000
        cpu_ms, model_ms = self._cpu * 1000 / self._frames, self._model_cpu * 1000 / self._frames
        resident = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
        return Figures(
            fps=self._frames / self._wall,
            cpu_ms=cpu_ms,
            model_cpu_ms=model_ms,
            other_cpu_ms=cpu_ms - model_ms,
            age_ms_p50=float(np.percentile(ages, 50)),
            age_ms_p99=float(np.percentile(ages, 99)),
            age_p99_over_interval_and_inference=float(np.percentile(np.divide(self._ages, self._allowed), 99)),
            captured=captured,
            dropped=dropped,
            rss_mb=resident / 2**20,
            allocated_kb=float(np.median(self._peaks)) / 1024 if self._peaks else 0.0,
        )

    def _begin(self) -> None:
        self._model_cpu = 0.0
        if self._traced:
            self._watch()
        self._wall_started, self._cpu_started = time.perf_counter(), time.process_time()

    def _watch(self) -> None:
        tracemalloc.reset_peak()
        self._base = tracemalloc.get_traced_memory()[0]


class Contender(Protocol):
    """One way from a camera to names."""

    def run(self, task: Task, camera: Camera) -> Figures:
        """Do a task."""


class Tutorial:
    """The tutorial's loop, line by line; the printing of its top ten is left out."""

    def __init__(self, name: str, state: Path | None) -> None:
        # Here, for the other contenders shall not carry torchvision; ours first, for its guard lets the import work. It
        # would also spare the tutorial torch's compiler, which torchvision imports.
        import torch._dynamo.utils  # noqa: PLC0415, I001
        from pi_classifier.prepare.architectures import ARCHITECTURES  # noqa: PLC0415
        from pi_classifier.prepare.quantise import quantised, untrained  # noqa: PLC0415
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


class Ours:
    """This project's feed, mailbox, model, ranking and books, put together as the daemon does it."""

    def __init__(self, model_file: Path) -> None:
        self._model = Model(model_file, threads=1)

    def run(self, task: Task, camera: Camera) -> Figures:
        """Do a task."""
        watch = Stopwatch(task)
        bell, closing_time = threading.Event(), threading.Event()
        account = Account("camera", time.monotonic())
        source = _Source(camera, ready=not task.fps)
        feed = Feed(
            source,
            account=account,
            preprocess=Preprocessor(self._model.input_table, self._model.card.input_size),
            input_size=self._model.card.input_size,
            bell=bell,
            stopping=closing_time,
        )
        rank = Ranking(self._model.card.categories, TOP_K) if task.top_k else _no_ranking
        timed_model = watch.timed(self._model)

        def classify(pixels: Pixels) -> NDArray[np.float32]:
            source.taken()
            logits: NDArray[np.float32] = timed_model(pixels)
            return logits

        pipeline = Pipeline(
            feeds=[feed],
            classify=classify,
            rank=rank,
            sinks=[_Finish(watch)],
            bell=bell,
        )
        feed.start()
        pipeline.run(frames=0, stopping=lambda: watch.done, waiting=lambda: None)
        closing_time.set()
        source.taken()
        feed.join()
        books = account.snapshot()
        return watch.figures(books.captured, books.dropped | {"overrun": camera.overrun})


class _Source:
    """The camera as a frame source. One that is always ready is asked again once the model has the last frame."""

    def __init__(self, camera: Camera, *, ready: bool) -> None:
        self.fps: float | None = None
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


class _Finish:
    """The sink that ends a frame's time."""

    def __init__(self, watch: Stopwatch) -> None:
        self._watch = watch

    def offer(self, prediction: Prediction) -> None:
        """A frame is finished."""
        if not self._watch.done:
            self._watch.frame(prediction.captured_at)


class Bare:
    """The model alone, again and again on the same input: no camera, no pre-processing, no ranking."""

    def __init__(self, model_file: Path) -> None:
        self._input, _ = new_input(Model(model_file, threads=1).card)
        self._module = torch.jit.load(model_file)

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


def _no_ranking(_logits: NDArray[np.float32]) -> tuple[Classification, ...]:
    return ()


def _pictures(folder: str) -> list[Pixels]:
    """224 x 224 pictures: the middle of photographs, or noise."""
    files = sorted(Path(folder).glob("*.jpg"))[:32] if folder else []
    if not files:
        random = np.random.default_rng(0)
        return [random.integers(0, 256, (224, 224, 3), np.uint8) for _ in range(8)]
    crops = []
    for file in files:
        pixels = np.asarray(cv2.imread(str(file)), np.uint8)
        top, left = (pixels.shape[0] - 224) // 2, (pixels.shape[1] - 224) // 2
        crops.append(np.ascontiguousarray(pixels[top : top + 224, left : left + 224]))
    return crops


def main() -> None:
    """Tasks on stdin, figures on stdout.

    python contenders.py tutorial|pipeline|bare ARCHITECTURE MODEL_FILE STATE_DICT PHOTOS
    """
    name, architecture, model_file, state, photos = sys.argv[1:]
    warnings.simplefilter("ignore")
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    made: dict[str, Callable[[], Contender]] = {
        "tutorial": lambda: Tutorial(architecture, Path(state) if state else None),
        "pipeline": lambda: Ours(Path(model_file)),
        "bare": lambda: Bare(Path(model_file)),
    }
    contender, pictures = made[name](), _pictures(photos)
    for line in sys.stdin:
        task = Task(**json.loads(line))
        if task.traced:
            tracemalloc.start()
        figures = contender.run(task, Camera(pictures, task.fps))
        tracemalloc.stop()
        print(json.dumps(asdict(figures)), flush=True)


if __name__ == "__main__":
    main()

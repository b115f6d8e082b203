"""Stand-ins for what a test machine lacks: cameras that fail on cue, and a model as slow as wanted.

The contract suites hold them to the same text as the real ones.
"""

import itertools
import os
import queue
import threading
import time
from collections.abc import Callable, Container, Generator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pi_classifier.config.schema import SteadinessSettings
from pi_classifier.contracts.event import Event
from pi_classifier.contracts.frame import Frame, Pixels
from pi_classifier.contracts.group import Group, Member
from pi_classifier.contracts.job import Tensor
from pi_classifier.contracts.model import ModelMetadata, Predictor, Runtime
from pi_classifier.contracts.prediction import Prediction, Result, Score, Timings
from pi_classifier.contracts.state import State, Steady
from pi_classifier.contracts.web import Way
from pi_classifier.errors import CaptureError, PiClassifierError
from pi_classifier.inference.steadiness import LabelSteadiness, Steadiness
from pi_classifier.runtimes.classification import Classification

SIZE = 8
METADATA = ModelMetadata(
    name="mobilenet_v2",
    weights="untrained",
    weights_sha256="",
    engine="qnnpack",
    activations="quint8",
    input_size=SIZE,
    resize_size=SIZE,
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    scale=0.02,
    zero_point=114,
    categories=("first", "second", "third"),
    torch_version="2",
)
"""Of the stand-in of a model."""


@dataclass
class ScriptedCamera:
    """Plays a script: a number yields that many frames, an error is raised, and the next `frames()` goes on behind it.

    Every frame's first pixel holds its number modulo 256, so that a mix-up of buffers shows. While it is open it holds
    a descriptor, as a camera does, so that one who leaves it open shows as well.
    """

    script: list[int | PiClassifierError]
    corrupt: Container[int] = ()
    pace_fps: float | None = None
    yielded: int = 0
    opened: int = 0
    closed: int = 0
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def __str__(self) -> str:
        return "a camera that plays a script"

    def frames(self) -> Generator[Frame, None, None]:
        """The script from where it stands."""
        self.opened += 1
        descriptor = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        pixels = np.zeros((SIZE, SIZE, 3), np.uint8)
        try:
            while self.script:
                step = self.script.pop(0)
                if isinstance(step, PiClassifierError):
                    raise step
                for number in itertools.islice(self._numbers, step):
                    pixels[0, 0, 0] = number % 256
                    self.yielded += 1
                    yield Frame("front", number, time.monotonic(), pixels, corrupt=number in self.corrupt)
        finally:
            os.close(descriptor)
            self.closed += 1


class HangingCamera:
    """Gives some frames and then hangs, as a camera does whose driver never returns; `release` ends it."""

    pace_fps: float | None = None

    def __init__(self, frames: int) -> None:
        self.hangs = threading.Event()
        self.release = threading.Event()
        self._frames = frames
        self._numbers = itertools.count()

    def __str__(self) -> str:
        return "a camera that hangs"

    def frames(self) -> Generator[Frame, None, None]:
        """So many frames, and then nothing any more."""
        pixels = np.zeros((SIZE, SIZE, 3), np.uint8)
        for number in itertools.islice(self._numbers, self._frames):
            yield Frame("front", number, time.monotonic(), pixels)
        self.hangs.set()
        self.release.wait()


class FedCamera:
    """Gives a frame whenever it is fed one; every byte of a frame is its number modulo 256."""

    pace_fps: float | None = None

    def __init__(self) -> None:
        self._fed: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._numbers = itertools.count()

    def __str__(self) -> str:
        return "a camera that is fed"

    def feed(self) -> None:
        """One more frame."""
        self._fed.put(next(self._numbers))

    def end(self) -> None:
        """No more frames."""
        self._fed.put(None)

    def frames(self) -> Generator[Frame, None, None]:
        """What it is fed, until it ends."""
        pixels = np.zeros((SIZE, SIZE, 3), np.uint8)
        while (number := self._fed.get()) is not None:
            pixels.fill(number % 256)
            yield Frame("front", number, time.monotonic(), pixels)


def copy_pixels(pixels: Pixels, out: Tensor) -> None:
    """Pre-processing that changes nothing but the size: each pixel is the nearest one."""
    rows = np.arange(SIZE) * pixels.shape[0] // SIZE
    columns = np.arange(SIZE) * pixels.shape[1] // SIZE
    np.copyto(out, pixels[rows[:, None], columns])


class FakeModel:
    """A `Model` of three classes whose first logit is the frame's first pixel, and which takes its time."""

    runtime: Runtime = "torchscript"
    metadata = METADATA
    versions: Mapping[str, str] = {"fake": "1"}

    def __init__(
        self, seconds: float = 0.0, *, preprocess: Callable[[Pixels, Tensor], None] = copy_pixels, top_k: int = 3
    ) -> None:
        """`seconds`: that an inference takes."""
        self._seconds = seconds
        self._preprocess = preprocess
        self._top_k = top_k

    def new_tensor(self) -> Tensor:
        """uint8, shape (SIZE, SIZE, 3)."""
        return np.zeros((SIZE, SIZE, 3), np.uint8)

    def new_preprocessor(self, camera: str = "") -> Callable[[Pixels, Tensor], None]:  # noqa: ARG002 - all alike
        """What it was made with."""
        return self._preprocess

    def new_predictor(self) -> Predictor:
        """As slow as the model is to be."""
        return FakePredictor(self._seconds, Classification(self.metadata.categories, self._top_k))


class FakePredictor:
    """The `Predictor` of a `FakeModel`."""

    def __init__(self, seconds: float, decode: Callable[..., Result]) -> None:
        self._seconds = seconds
        self.decode = decode

    def infer(self, tensor: Tensor) -> NDArray[np.float32]:
        """Logits; fails where the tensor changes meanwhile."""
        first = tensor[0, 0, 0]
        time.sleep(self._seconds)
        assert tensor[0, 0, 0] == first, "the frame changed while the model looked at it"
        return np.array([first, 0, 0], np.float32)


def steadiness(*cameras: str, categories: Sequence[str] = METADATA.categories) -> Steadiness:
    """By the default rule, for a `FakeModel` if nothing else is said; nobody listens."""
    return LabelSteadiness(
        SteadinessSettings(), cameras=cameras, categories=categories, watches={}, on_change=lambda _change: None
    )


class CollectingSink:
    """Keeps every prediction."""

    def __init__(self) -> None:
        self.predictions: list[Prediction] = []

    def offer(self, prediction: Prediction) -> None:
        """Keep it."""
        self.predictions.append(prediction)


class CollectingGroupSink:
    """Keeps every group."""

    def __init__(self) -> None:
        self.groups: list[Group] = []

    def offer_group(self, group: Group) -> None:
        """Keep it."""
        self.groups.append(group)


class CollectingListener:
    """Keeps every event."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def notify(self, event: Event) -> None:
        """Keep it."""
        self.events.append(event)


class CollectingObserver:
    """Keeps what it is told of cameras: the error, or None for one that is back."""

    def __init__(self) -> None:
        self.news: list[tuple[str, CaptureError | None]] = []

    def camera_down(self, camera: str, error: CaptureError) -> None:
        """Keep it."""
        self.news.append((camera, error))

    def camera_up(self, camera: str) -> None:
        """Keep it."""
        self.news.append((camera, None))


NOTHING = Steady(State(None, None, 0.0, 0.0))
"""What a camera shows before any frame."""


def prediction_of(
    *scores: tuple[int, str, float], camera: str = "front", sequence: int = 0, timings: Timings | None = None
) -> Prediction:
    """A prediction of classes (id, label, probability), best first, which are all there are."""
    probabilities = np.array([probability for _, _, probability in scores], np.float32)
    result = Result(probabilities, tuple(Score(*score) for score in scores))
    return Prediction(camera, sequence, 0.0, result, timings or Timings(0, 0, 0, 0, 0, 0), NOTHING)


def group_of(
    *members: Prediction, missing: Sequence[str] = (), number: int = 0, at: float = 0.0, interval: float = 0.1
) -> Group:
    """A group of these predictions, the first of which was captured at its moment, and each other one 10 ms later."""
    found = tuple(Member(one, 0.01 * position) for position, one in enumerate(members))
    return Group("table", number, at, interval, 0.05, found, tuple(missing))


class CollectingWebObserver:
    """Keeps what the page and the API did."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, int]] = []
        self.endless: set[tuple[str, int]] = set()
        """Routes and statuses of what was not timed."""
        self.viewers: dict[Way, int] = {}
        self.frames: list[tuple[str, Way]] = []

    def request_answered(self, route: str, method: str, status: int, seconds: float | None) -> None:
        """Keep it."""
        assert seconds is None or seconds >= 0
        if seconds is None:
            self.endless.add((route, status))
        self.requests.append((route, method, status))

    def viewers_changed(self, way: Way, count: int) -> None:
        """Keep it."""
        self.viewers[way] = count

    def frame_sent(self, camera: str, way: Way, size: int) -> None:
        """Keep it."""
        assert size > 0
        self.frames.append((camera, way))

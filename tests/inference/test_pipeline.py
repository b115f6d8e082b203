"""From a camera's thread through the inference loop: nothing is lost without being counted."""

import threading
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pytest
from numpy.typing import NDArray

from pi_classifier.capture import Capture, Captures
from pi_classifier.contracts.component import Component
from pi_classifier.contracts.executor import Executor
from pi_classifier.contracts.frame import FrameSource, Pixels
from pi_classifier.contracts.job import Tensor
from pi_classifier.contracts.model import Predictor
from pi_classifier.contracts.prediction import Prediction, Result
from pi_classifier.errors import CameraLost, CameraUnsupported, CaptureThreadDied, PiClassifierError
from pi_classifier.inference.in_this_thread import InThisThread
from pi_classifier.inference.pipeline import Pipeline
from pi_classifier.inference.publisher import Publisher
from pi_classifier.inference.requests import Requests
from pi_classifier.inference.workers import Workers
from pi_classifier.runtimes.classification import Classification
from pi_classifier.runtimes.preprocess import Preprocessor
from pi_classifier.sources.synthetic import Synthetic
from pi_classifier.statistics import CameraStatistics
from tests.fakes import CollectingObserver, CollectingSink, FakeModel, FedCamera, ScriptedCamera, steadiness
from tests.waiting import DEADLINE_SECONDS

ABSENT = CameraLost("absent", remedy="plug it in")


@dataclass
class Rig:
    """Cameras, a model and a sink, wired up as the daemon does it."""

    cameras: Sequence[FrameSource]
    model: FakeModel
    workers: int = 0
    """0: the loop runs the model itself."""
    in_step: bool = False

    def __post_init__(self) -> None:
        self.work_available, self.shutdown = threading.Event(), threading.Event()
        self.statistics = [CameraStatistics(f"camera {number}", 0.0) for number, _ in enumerate(self.cameras)]
        self.sink = CollectingSink()
        self.turns = 0
        self.captures = [
            Capture(
                camera,
                statistics=statistics,
                observers=[CollectingObserver()],
                model=self.model,
                work_available=self.work_available,
                shutdown=self.shutdown,
            )
            for camera, statistics in zip(self.cameras, self.statistics, strict=True)
        ]
        self.requests = Requests(self.work_available)
        predictors = [self.model.new_predictor() for _ in range(self.workers or 1)]
        self.executor: Executor = (
            Workers(predictors, self.work_available) if self.workers else InThisThread(predictors[0])
        )
        self.pipeline = Pipeline(
            cameras=list(zip(self.captures, self.statistics, strict=True)),
            executor=self.executor,
            publisher=Publisher(steadiness(*(statistics.camera for statistics in self.statistics)), [self.sink]),
            work_available=self.work_available,
            requests=self.requests,
            in_step=self.in_step,
        )

    def _after_turn(self) -> None:
        self.turns += 1

    def run(self, *, frames: int = 0, stopping: Callable[[], bool] = lambda: False) -> None:
        """Start, run, stop."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        components: list[Component] = [self.executor, Captures(self.captures, self.shutdown)]
        for component in components:
            component.start()
        try:
            self.pipeline.run(
                frames=frames,
                stopping=lambda: stopping() or time.monotonic() > deadline,
                after_turn=self._after_turn,
            )
        finally:
            for component in reversed(components):
                component.stop()
        assert time.monotonic() < deadline


class RigOf(Protocol):
    """Makes a rig whose model takes so long."""

    def __call__(self, *cameras: FrameSource, model_seconds: float = 0.0) -> Rig:
        """Of these cameras."""


@pytest.fixture(params=(0, 1, 3), ids=("in this thread", "one worker", "three workers"))
def rig_of(request: pytest.FixtureRequest) -> RigOf:
    """On each executor, which all promise the same."""

    def make(*cameras: FrameSource, model_seconds: float = 0.0) -> Rig:
        return Rig(cameras, FakeModel(model_seconds), workers=request.param)

    return make


def test_slow_model_every_frame_is_accounted_for(rig_of: RigOf) -> None:
    """Protects the statistics under overload: every frame the camera gave was classified or dropped, none twice."""
    camera = ScriptedCamera([300], pace_fps=1000)
    rig = rig_of(camera, model_seconds=0.01)
    rig.run()
    snapshot = rig.statistics[0].snapshot()
    seen = [prediction.sequence for prediction in rig.sink.predictions]
    assert camera.yielded == 300
    assert snapshot.captured == 300
    assert snapshot.classified == len(seen) == len(set(seen))
    assert snapshot.dropped == {"stale": 300 - len(seen), "corrupt": 0, "limited": 0}
    assert 0 < len(seen) < 300
    assert seen == sorted(seen)
    assert seen[-1] == 299, "the newest frame wins"


def test_statistics_balance_while_the_loop_runs(rig_of: RigOf) -> None:
    """Protects every scrape: at any moment the counts balance, and at most three frames are on their way."""
    camera = ScriptedCamera([400], pace_fps=1000)
    rig = rig_of(camera, model_seconds=0.003)
    finished = threading.Event()
    problems: list[str] = []
    looks = 0

    def watch() -> None:
        nonlocal looks
        while not finished.wait(0.0005):
            looks += 1
            at_least = camera.yielded
            snapshot = rig.statistics[0].snapshot()
            at_most = camera.yielded
            if snapshot.captured != snapshot.classified + sum(snapshot.dropped.values()):
                problems.append(f"unbalanced: {snapshot}")
            # One that the camera has only just yielded, one that waits, one in the model.
            if not at_least - 3 <= snapshot.captured <= at_most:
                problems.append(f"{at_least}..{at_most} yielded, {snapshot.captured} captured")

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        rig.run()
    finally:
        finished.set()
        watcher.join()
    assert not problems
    assert looks > 10


def test_prediction_belongs_to_its_frame(rig_of: RigOf) -> None:
    """Protects from a mix-up of buffers: number, pixels and prediction stay together when frames are overwritten."""
    rig = rig_of(ScriptedCamera([200], pace_fps=2000), model_seconds=0.002)
    rig.run()
    for prediction in rig.sink.predictions:
        # The fake model's first logit is the first pixel, which is the frame's number modulo 256.
        best = prediction.scores[0]
        assert best.class_id == 0
        assert best.probability == pytest.approx(1 / (1 + 2 * np.exp(-float(prediction.sequence % 256))), rel=1e-5)


def test_source_that_ends_loses_nothing_at_the_end(rig_of: RigOf) -> None:
    """Protects the last frame of a file: the loop ends only after it was classified."""
    for _ in range(20):
        rig = rig_of(ScriptedCamera([3], pace_fps=100))
        rig.run()
        assert rig.sink.predictions[-1].sequence == 2
        assert rig.statistics[0].snapshot().captured == 3
        assert not rig.statistics[0].snapshot().up


def test_limit_of_frames(rig_of: RigOf) -> None:
    """Protects `--frames`: exactly so many predictions, and what was captured beyond them is counted as dropped."""
    camera = ScriptedCamera([1000], pace_fps=500)
    rig = rig_of(camera)
    rig.run(frames=7)
    snapshot = rig.statistics[0].snapshot()
    assert len(rig.sink.predictions) == snapshot.classified == 7
    assert snapshot.captured == camera.yielded
    assert camera.yielded < 1000


def test_corrupt_frames_never_reach_the_model(rig_of: RigOf) -> None:
    """Protects from naming a damaged picture: there is no prediction of it."""
    camera = ScriptedCamera([10], corrupt=(3, 4), pace_fps=50)
    rig = rig_of(camera)
    rig.run()
    snapshot = rig.statistics[0].snapshot()
    assert snapshot.dropped["corrupt"] == 2
    assert snapshot.captured == 10
    assert not {3, 4} & {prediction.sequence for prediction in rig.sink.predictions}


def test_unsupported_camera_ends_the_run_even_beside_a_good_one(rig_of: RigOf) -> None:
    """Protects from waiting for what no restart helps: the error ends the loop, whichever camera it is."""
    no_camera = CameraUnsupported("no camera", remedy="name another")
    good, bad = ScriptedCamera([100_000], pace_fps=100), ScriptedCamera([1, no_camera], pace_fps=100)
    rig = rig_of(good, bad)
    with pytest.raises(CameraUnsupported, match="no camera"):
        rig.run()
    assert good.closed == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_bug_in_a_capture_thread_ends_the_run() -> None:
    """Protects from a daemon that lives on blind: an error of our own on a capture thread ends the process."""

    def broken(pixels: Pixels, out: Tensor) -> None:
        raise ZeroDivisionError(pixels.shape, out.shape)

    rig = Rig([ScriptedCamera([1])], FakeModel(preprocess=broken))
    with pytest.raises(CaptureThreadDied):
        rig.run()


def test_two_cameras_share_the_model_fairly(rig_of: RigOf) -> None:
    """Protects the second camera: under overload both are served in turn, each with statistics of its own."""
    rig = rig_of(ScriptedCamera([200], pace_fps=400), ScriptedCamera([200], pace_fps=400), model_seconds=0.004)
    rig.run()
    served = [statistics.snapshot().classified for statistics in rig.statistics]
    assert [statistics.snapshot().captured for statistics in rig.statistics] == [200, 200]
    assert min(served) > max(served) / 2
    for camera in ("camera 0", "camera 1"):
        sequences = [prediction.sequence for prediction in rig.sink.predictions if prediction.camera == camera]
        assert sequences == sorted(set(sequences)), "in their order"
    assert {prediction.camera for prediction in rig.sink.predictions} == {"camera 0", "camera 1"}


def test_stop_is_noticed_while_a_camera_is_disconnected(rig_of: RigOf) -> None:
    """Protects `systemctl stop`: the end does not wait for a camera's back-off."""
    script: list[int | PiClassifierError] = [ABSENT] * 1000
    camera = ScriptedCamera(script)
    rig = rig_of(camera)
    rig.run(stopping=lambda: camera.opened >= 2)
    assert camera.script, "it would have gone on"
    assert rig.statistics[0].snapshot().error == str(ABSENT)


def test_loop_turns_while_nothing_comes(rig_of: RigOf) -> None:
    """Protects the watchdog's beats: a loop that waits for frames turns all the same, and says so each time."""
    camera = FedCamera()
    rig = rig_of(camera)
    try:
        rig.run(stopping=lambda: rig.turns >= 3)
    finally:
        camera.end()
    assert rig.turns == 3
    assert rig.sink.predictions == []


def test_each_stage_is_timed(rig_of: RigOf) -> None:
    """Protects the histograms: no stage takes less than nothing, and the model's time is the model's."""
    rig = rig_of(ScriptedCamera([5], pace_fps=50), model_seconds=0.005)
    rig.run()
    first, *others = [prediction.timings for prediction in rig.sink.predictions]
    assert first.publish == 0.0, "nothing was published before the first"
    for timings in (first, *others):
        assert timings.inference >= 0.005
        assert min(timings.capture_wait, timings.rank, timings.publish) >= 0
        assert timings.preprocess > 0
        assert timings.age >= timings.inference
    assert all(timings.publish > 0 for timings in others)


class MemoryWatch:
    """A sink that reads, at each prediction, what Python and numpy have allocated since the last."""

    def __init__(self) -> None:
        self.peaks: list[int] = []
        self.held: list[int] = []

    def offer(self, _prediction: Prediction) -> None:
        """Take a reading."""
        held, peak = tracemalloc.get_traced_memory()
        self.held.append(held)
        self.peaks.append(peak - held)
        tracemalloc.reset_peak()


CLASSES = [str(number) for number in range(1000)]


class LargeModel(FakeModel):
    """Its input and its outputs are of the usual size, and its inference takes no time."""

    def new_tensor(self) -> Tensor:
        """uint8, shape (224, 224, 3)."""
        return np.zeros((224, 224, 3), np.uint8)

    def new_preprocessor(self, camera: str = "") -> Callable[[Pixels, Tensor], None]:  # noqa: ARG002 - all alike
        """The real one, with a table that changes nothing."""
        return Preprocessor(np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, axis=2), 224)

    def new_predictor(self) -> Predictor:
        """One that answers always the same."""
        return ConstantPredictor()


class ConstantPredictor:
    """A thousand classes, all equally likely."""

    def __init__(self) -> None:
        self._logits = np.zeros(1000, np.float32)
        self._decode = Classification(CLASSES, 5)

    def infer(self, _tensor: Tensor) -> NDArray[np.float32]:
        """The same logits."""
        return self._logits

    def decode(self, logits: NDArray[np.float32], geometry: object = None) -> Result:  # noqa: ARG002 - a detector's
        """The real way."""
        return self._decode(logits)


def test_hot_path_allocates_no_frames() -> None:
    """Protects the hot path: a frame of 640x480 costs a few KB of Python's memory on its way, and keeps none of it."""
    watch, frames = MemoryWatch(), 300
    model, work_available = LargeModel(), threading.Event()
    statistics = CameraStatistics("test", 0.0)
    capture = Capture(
        Synthetic("test", width=640, height=480, fps=400),
        statistics=statistics,
        observers=[CollectingObserver()],
        model=model,
        work_available=work_available,
        shutdown=threading.Event(),
    )
    pipeline = Pipeline(
        cameras=[(capture, statistics)],
        executor=InThisThread(model.new_predictor()),
        publisher=Publisher(steadiness("test", categories=CLASSES), [watch]),
        work_available=work_available,
    )
    tracemalloc.start()
    try:
        capture.start()
        pipeline.run(frames=frames, stopping=lambda: False, after_turn=lambda: None)
    finally:
        capture.stop()
        tracemalloc.stop()
    assert len(watch.peaks) == frames
    # The frame itself is 900 KB, the model's input 147 KB: either would show.
    assert sorted(watch.peaks)[frames * 9 // 10] < 100_000
    assert watch.held[-1] - watch.held[frames // 3] < 100_000

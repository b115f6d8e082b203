"""From a camera's thread through the hot loop: nothing is lost without being counted."""

import threading
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from pi_classifier.statistics import CameraStatistics
from pi_classifier.errors import CameraLost, CameraUnsupported, CaptureThreadDied, CaptureTimeout
from pi_classifier.capture import Feed
from pi_classifier.inference.pipeline import Pipeline
from pi_classifier.contracts.prediction import Prediction
from pi_classifier.runtimes.preprocess import Preprocessor
from pi_classifier.runtimes.classification import Classification
from pi_classifier.sources.synthetic import Synthetic
from tests.conftest import DEADLINE_SECONDS
from tests.fakes import SIZE, CollectingSink, ScriptedCamera, copy_pixels, slow_model


@dataclass
class Rig:
    """Cameras, a model and a sink, wired up as the daemon does it."""

    cameras: Sequence[ScriptedCamera]
    model_seconds: float = 0.0

    def __post_init__(self) -> None:
        self.bell, self.closing_time = threading.Event(), threading.Event()
        self.accounts = [CameraStatistics(f"camera {number}", 0.0) for number, _ in enumerate(self.cameras)]
        self.sink = CollectingSink()
        self.waits = 0
        self.feeds = [
            Feed(
                camera,
                account=account,
                preprocess=copy_pixels,
                input_size=SIZE,
                bell=self.bell,
                stopping=self.closing_time,
            )
            for camera, account in zip(self.cameras, self.accounts, strict=True)
        ]
        self.pipeline = Pipeline(
            feeds=self.feeds,
            classify=slow_model(self.model_seconds, threading.Event()),
            rank=Ranking(["first", "second", "third"], 3),
            sinks=[self.sink],
            bell=self.bell,
        )

    def _wait(self) -> None:
        self.waits += 1

    def run(self, *, frames: int = 0, stopping: Callable[[], bool] = lambda: False) -> None:
        """Start, run, close."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        for feed in self.feeds:
            feed.start()
        try:
            self.pipeline.run(
                frames=frames, stopping=lambda: stopping() or time.monotonic() > deadline, waiting=self._wait
            )
        finally:
            self.closing_time.set()
            for feed in self.feeds:
                feed.join()
        assert time.monotonic() < deadline


def test_slow_model_every_frame_is_accounted_for() -> None:
    """Protects the books under overload: every frame that the camera gave was classified or dropped, none twice."""
    camera = ScriptedCamera([300], fps=1000)
    rig = Rig([camera], model_seconds=0.01)
    rig.run()
    books = rig.accounts[0].snapshot()
    seen = [prediction.sequence for prediction in rig.sink.predictions]
    assert camera.yielded == 300
    assert books.captured == 300
    assert books.classified == len(seen) == len(set(seen))
    assert books.dropped == {"stale": 300 - len(seen), "corrupt": 0}
    assert 0 < len(seen) < 300
    assert seen == sorted(seen)
    assert seen[-1] == 299, "the newest frame wins"


def test_books_balance_while_the_loop_runs() -> None:
    """Protects every scrape: at any moment the books balance, and at most two frames are on their way."""
    camera = ScriptedCamera([400], fps=1000)
    rig = Rig([camera], model_seconds=0.003)
    finished = threading.Event()
    problems: list[str] = []
    looks = 0

    def watch() -> None:
        nonlocal looks
        while not finished.wait(0.0005):
            looks += 1
            at_least = camera.yielded
            books = rig.accounts[0].snapshot()
            at_most = camera.yielded
            if books.captured != books.classified + sum(books.dropped.values()):
                problems.append(f"unbalanced: {books}")
            # One in the camera's hands, one waiting, one in the model.
            if not at_least - 3 <= books.captured <= at_most:
                problems.append(f"{at_least}..{at_most} yielded, {books.captured} captured")

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        rig.run()
    finally:
        finished.set()
        watcher.join()
    assert not problems
    assert looks > 10


def test_prediction_belongs_to_its_frame() -> None:
    """Protects from a mix-up of buffers: number, pixels and prediction stay together when frames are overwritten."""
    camera = ScriptedCamera([200], fps=2000)
    rig = Rig([camera], model_seconds=0.002)
    rig.run()
    for prediction in rig.sink.predictions:
        # The fake model's first logit is the first pixel, which is the frame's number modulo 256.
        best = prediction.top[0]
        assert best.class_id == 0
        assert best.probability == pytest.approx(1 / (1 + 2 * np.exp(-float(prediction.sequence % 256))), rel=1e-5)


def test_source_that_ends_loses_nothing_at_the_end() -> None:
    """Protects the last frame of a file: the loop ends only after it was classified."""
    for _ in range(20):
        rig = Rig([ScriptedCamera([3], fps=100)])
        rig.run()
        assert rig.sink.predictions[-1].sequence == 2
        assert rig.accounts[0].snapshot().captured == 3
        assert not rig.accounts[0].snapshot().up


def test_limit_of_frames() -> None:
    """Protects `--frames`: exactly so many predictions, and what was captured beyond them is entered as dropped."""
    camera = ScriptedCamera([1000], fps=500)
    rig = Rig([camera])
    rig.run(frames=7)
    books = rig.accounts[0].snapshot()
    assert len(rig.sink.predictions) == books.classified == 7
    assert books.captured == camera.yielded
    assert camera.yielded < 1000


def test_lost_camera_is_reopened() -> None:
    """Protects from an unplugged camera: each loss is counted by its kind, the source is closed and opened again."""
    camera = ScriptedCamera([2, CameraLost("unplugged"), 2, CaptureTimeout("silent"), 2], fps=200)
    rig = Rig([camera])
    rig.run()
    books = rig.accounts[0].snapshot()
    assert books.errors == {"lost": 1, "timeout": 1}
    assert books.reconnects == 2
    assert (camera.opened, camera.closed) == (3, 3)
    assert books.captured == camera.yielded == 6


def test_corrupt_frames_are_dropped_with_their_reason() -> None:
    """Protects from naming a damaged picture: it never reaches the model, and is counted as corrupt."""
    camera = ScriptedCamera([10], corrupt=frozenset({3, 4}), fps=50)
    rig = Rig([camera])
    rig.run()
    books = rig.accounts[0].snapshot()
    assert books.dropped["corrupt"] == 2
    assert books.captured == 10
    assert not {3, 4} & {prediction.sequence for prediction in rig.sink.predictions}


def test_unsupported_camera_ends_the_run_even_beside_a_good_one() -> None:
    """Protects from waiting for what no restart can mend: the error reaches the roof, whichever camera it is."""
    good, bad = ScriptedCamera([100_000], fps=100), ScriptedCamera([1, CameraUnsupported("no camera")], fps=100)
    rig = Rig([good, bad])
    with pytest.raises(CameraUnsupported, match="no camera"):
        rig.run()
    assert good.closed == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_bug_in_a_capture_thread_ends_the_run() -> None:
    """Protects from a daemon that lives on blind: an error of our own on a capture thread ends the process."""

    def broken(pixels: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
        raise ZeroDivisionError(pixels.shape, out.shape)

    rig = Rig([])
    camera = ScriptedCamera([1])
    feed = Feed(
        camera,
        account=CameraStatistics("front", 0.0),
        preprocess=broken,
        input_size=SIZE,
        bell=rig.bell,
        stopping=rig.closing_time,
    )
    feed.start()
    feed.join()
    with pytest.raises(CaptureThreadDied):
        feed.has_ended()
    assert camera.closed == 1


def test_frame_on_its_way_is_waited_for() -> None:
    """Protects freshness under overload: no inference goes to a frame while the next is being pre-processed."""
    begun, go_on = threading.Event(), threading.Event()

    def held_up(pixels: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
        copy_pixels(pixels, out)
        if pixels[0, 0, 0] == 1:
            begun.set()
            go_on.wait(DEADLINE_SECONDS)

    feed = Feed(
        ScriptedCamera([2]),
        account=CameraStatistics("front", 0.0),
        preprocess=held_up,
        input_size=SIZE,
        bell=threading.Event(),
        stopping=threading.Event(),
    )
    feed.start()
    assert begun.wait(DEADLINE_SECONDS)
    threading.Timer(0.05, go_on.set).start()
    taken = feed.take()
    assert taken is not None
    assert taken.sequence == 1


def test_two_cameras_share_the_model_fairly() -> None:
    """Protects the second camera: under overload both are served in turn, each with books of its own."""
    cameras = [ScriptedCamera([200], fps=400), ScriptedCamera([200], fps=400)]
    rig = Rig(cameras, model_seconds=0.004)
    rig.run()
    served = [account.snapshot().classified for account in rig.accounts]
    assert [account.snapshot().captured for account in rig.accounts] == [200, 200]
    assert min(served) > max(served) / 2
    assert {prediction.camera for prediction in rig.sink.predictions} == {"camera 0", "camera 1"}


def test_stop_is_noticed_while_a_camera_is_away() -> None:
    """Protects `systemctl stop`: the end does not wait for a camera's back-off."""
    camera = ScriptedCamera([CameraLost("absent") for _ in range(1000)])
    rig = Rig([camera])
    rig.run(stopping=lambda: camera.opened >= 2)
    assert camera.script, "it would have gone on"
    assert rig.accounts[0].snapshot().trouble == "absent"


def test_source_is_held_to_its_own_rate() -> None:
    """Protects the behaviour of a video as a camera: frames come no faster than its rate."""
    rig = Rig([ScriptedCamera([21], fps=100)])
    started = time.monotonic()
    rig.run()
    assert time.monotonic() - started >= 0.2 - 0.01
    stamps = [prediction.captured_at for prediction in rig.sink.predictions]
    assert stamps[-1] - stamps[0] >= 0.19 - 0.01


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


def test_hot_path_allocates_no_frames() -> None:
    """Protects the hot path: a frame of 640x480 costs a few KB of Python's memory on its way, and keeps none of it."""
    watch, frames = MemoryWatch(), 300
    source = Synthetic("test", width=640, height=480, fps=400)
    bell, closing_time = threading.Event(), threading.Event()
    table = np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, axis=2)
    feed = Feed(
        source,
        account=CameraStatistics("test", 0.0),
        preprocess=Preprocessor(table, 224),
        input_size=224,
        bell=bell,
        stopping=closing_time,
    )
    logits = np.zeros(1000, np.float32)
    pipeline = Pipeline(
        feeds=[feed],
        classify=lambda _: logits,
        rank=Ranking([str(number) for number in range(1000)], 5),
        sinks=[watch],
        bell=bell,
    )
    tracemalloc.start()
    try:
        feed.start()
        pipeline.run(frames=frames, stopping=lambda: False, waiting=lambda: None)
    finally:
        closing_time.set()
        feed.join()
        tracemalloc.stop()
    assert len(watch.peaks) == frames
    # The frame itself is 900 KB, the model's input 147 KB: either would show.
    assert sorted(watch.peaks)[frames * 9 // 10] < 100_000
    assert watch.held[-1] - watch.held[frames // 3] < 100_000

"""One camera's thread: what it hands over, what it counts, and what it makes of a camera that fails."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.capture import HUNG_SECONDS, Capture, Captures, _RateLimit
from pi_classifier.contracts.frame import FrameSource, Pixels
from pi_classifier.contracts.job import Tensor
from pi_classifier.contracts.model import Model
from pi_classifier.errors import (
    CameraAbsent,
    CameraLost,
    CameraUnsupported,
    CaptureError,
    CaptureThreadDied,
    CaptureTimeout,
    NetworkCameraForbidden,
    PiClassifierError,
)
from pi_classifier.statistics import CameraStatistics
from tests.fakes import CollectingObserver, FakeModel, FedCamera, HangingCamera, ScriptedCamera, copy_pixels
from tests.waiting import DEADLINE_SECONDS, eventually

UNPLUGGED = CameraLost("/dev/video0: No such device", remedy="check its plug and power")
SILENT = CaptureTimeout("/dev/video0 sends nothing for 2 s", remedy="check its plug and power")


class Stand:
    """One camera with a capture thread and nobody who takes its frames but the test."""

    def __init__(self, source: FrameSource, model: Model | None = None, *, max_fps: float = 0.0) -> None:
        self.statistics = CameraStatistics("front", time.monotonic())
        self.observer = CollectingObserver()
        self.work_available, self.shutdown = threading.Event(), threading.Event()
        self.capture = Capture(
            source,
            statistics=self.statistics,
            observers=[self.observer],
            model=model or FakeModel(),
            work_available=self.work_available,
            shutdown=self.shutdown,
            max_fps=max_fps,
        )

    def wait(self) -> None:
        """Until there is something new."""
        assert self.work_available.wait(DEADLINE_SECONDS)
        self.work_available.clear()

    def wait_for_the_end(self) -> None:
        """Until no further frame will come."""
        eventually(lambda: self.capture.ended, "end of the source")


@contextmanager
def running(source: FrameSource, model: Model | None = None, *, max_fps: float = 0.0) -> Iterator[Stand]:
    """A camera that captures while the context lasts."""
    stand = Stand(source, model, max_fps=max_fps)
    stand.capture.start()
    try:
        yield stand
    finally:
        stand.capture.stop()


@given(st.lists(st.booleans(), max_size=200))
def test_newest_wins_and_every_overwritten_frame_is_counted(steps: list[bool]) -> None:
    """Protects the drop count: a frame is taken once or counted as stale, never both, never neither."""
    camera = FedCamera()
    with running(camera) as stand:
        arrived = taken = 0
        waiting = False
        for arrives in steps:
            if arrives:
                camera.feed()
                stand.wait()
                arrived += 1
            job = None if arrives else stand.capture.take(wait=True)
            assert (job is not None) == (waiting and not arrives)
            if job is not None:
                taken += 1
                assert job.sequence == arrived - 1
                assert (job.tensor == job.sequence % 256).all()
            waiting = arrives
            assert stand.statistics.snapshot().dropped["stale"] == arrived - taken - waiting
        camera.end()
    snapshot = stand.statistics.snapshot()
    assert snapshot.dropped.get("shutdown", 0) == waiting
    assert snapshot.captured == arrived - taken, "those that were taken are counted once the model has seen them"


def test_a_job_is_not_written_while_it_is_the_readers() -> None:
    """Protects frames from tearing: with a writer and a reader at full speed, a job holds one frame, and keeps it."""
    rounds = 20_000

    def in_two_steps(pixels: Pixels, out: Tensor) -> None:
        out[0, 0, 0] = pixels[0, 0, 0]
        out[-1, -1, -1] = pixels[0, 0, 0]

    last = -1
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with running(ScriptedCamera([rounds]), FakeModel(preprocess=in_two_steps)) as stand:
            deadline = time.monotonic() + DEADLINE_SECONDS
            while last < rounds - 1:
                assert time.monotonic() < deadline
                job = stand.capture.take(wait=True)
                if job is not None:
                    sequence, begins = job.sequence, job.tensor[0, 0, 0]
                    time.sleep(0)  # the writer's turn
                    assert begins == job.tensor[-1, -1, -1] == sequence % 256
                    assert job.sequence == sequence > last
                    last = sequence
    finally:
        sys.setswitchinterval(interval)


def test_nothing_before_the_first_frame_and_nothing_twice() -> None:
    """Protects the start: nothing is taken before the first frame, and nothing twice."""
    camera = FedCamera()
    with running(camera) as stand:
        assert stand.capture.take(wait=True) is None
        camera.feed()
        stand.wait()
        job = stand.capture.take(wait=True)
        assert job is not None
        assert job.sequence == 0
        assert stand.capture.take(wait=True) is None
        camera.end()


def test_frame_on_its_way_is_waited_for() -> None:
    """Protects freshness under overload: no inference goes to a frame while the next is being pre-processed."""
    begun, go_on = threading.Event(), threading.Event()

    def held_up(pixels: Pixels, out: Tensor) -> None:
        copy_pixels(pixels, out)
        if pixels[0, 0, 0] == 1:
            begun.set()
            go_on.wait(DEADLINE_SECONDS)

    with running(ScriptedCamera([2]), FakeModel(preprocess=held_up)) as stand:
        assert begun.wait(DEADLINE_SECONDS)
        threading.Timer(0.05, go_on.set).start()
        job = stand.capture.take(wait=True)
        assert job is not None
        assert job.sequence == 1


def test_frame_that_nobody_took_is_counted_at_the_end() -> None:
    """Protects the totals: a frame that waits when all ends was captured, and is dropped for that reason."""
    with running(ScriptedCamera([3])) as stand:
        stand.wait_for_the_end()
    snapshot = stand.statistics.snapshot()
    assert snapshot.dropped == {"stale": 2, "corrupt": 0, "limited": 0, "shutdown": 1}
    assert snapshot.captured == 3
    assert not snapshot.up


def test_lost_camera_is_reopened() -> None:
    """Protects from an unplugged camera: each loss is counted by its kind, the source is closed and opened again."""
    camera = ScriptedCamera([2, UNPLUGGED, 2, SILENT, 2], pace_fps=200)
    with running(camera) as stand:
        stand.wait_for_the_end()
    snapshot = stand.statistics.snapshot()
    assert snapshot.errors == {"lost": 1, "timeout": 1, "frozen": 0}
    assert snapshot.reconnects == 2
    assert (camera.opened, camera.closed) == (3, 3)
    assert snapshot.captured == camera.yielded == 6
    assert snapshot.error == ""


def test_observer_learns_every_failure_and_every_return() -> None:
    """Protects the events: the monitor hears of each failed attempt, in order, and of each return, and no other."""
    absent = CameraAbsent("/dev/video0: no such camera", remedy="plug it in")
    with running(ScriptedCamera([absent, 1, UNPLUGGED, SILENT, 2], pace_fps=200)) as stand:
        stand.wait_for_the_end()
    assert stand.observer.news == [
        ("front", absent),
        ("front", None),
        ("front", UNPLUGGED),
        ("front", SILENT),
        ("front", None),
    ]


def test_corrupt_frames_are_dropped_with_their_reason() -> None:
    """Protects from naming a damaged picture: it is never handed over, and is counted as corrupt."""
    with running(ScriptedCamera([10], corrupt=(8, 9))) as stand:
        stand.wait_for_the_end()
        job = stand.capture.take(wait=True)
        assert job is not None
        assert job.sequence == 7, "the newest that is intact"
    snapshot = stand.statistics.snapshot()
    assert snapshot.dropped == {"stale": 7, "corrupt": 2, "limited": 0}


def test_source_is_held_to_its_own_rate() -> None:
    """Protects the behaviour of a video as a camera: frames come no faster than its rate."""
    stamps: list[float] = []
    with running(ScriptedCamera([21], pace_fps=100)) as stand:
        started = time.monotonic()
        while not stand.capture.ended:
            stand.wait()
            job = stand.capture.take(wait=True)
            stamps += [job.captured_at] if job else []
        assert time.monotonic() - started >= 0.2 - 0.01
    assert stamps[-1] - stamps[0] >= 0.19 - 0.01


def test_stop_does_not_wait_for_the_next_attempt() -> None:
    """Protects `systemctl stop`: a camera that is disconnected leaves no thread behind, whatever its back-off."""
    absent: list[int | PiClassifierError] = [UNPLUGGED] * 1000
    camera = ScriptedCamera(absent)
    with running(camera) as stand:
        eventually(lambda: camera.closed >= 2, "second attempt")
    eventually(lambda: stand.capture.ended, "end of the thread")
    assert camera.script, "it would have gone on"
    assert stand.statistics.snapshot().error == str(UNPLUGGED)
    assert stand.capture.failure is None


def test_what_no_attempt_will_help_ends_it() -> None:
    """Protects from retrying for ever: such an error ends the capture, and is there for the loop to raise."""
    no_camera = CameraUnsupported("no camera", remedy="name another")
    camera = ScriptedCamera([1, no_camera, 5])
    with running(camera) as stand:
        stand.wait_for_the_end()
        assert stand.capture.failure is no_camera
    assert (camera.opened, camera.closed) == (1, 1)
    assert stand.observer.news == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_bug_in_a_capture_thread_is_a_failure() -> None:
    """Protects from a daemon that lives on blind: an error of our own on a capture thread is one for the loop."""

    def broken(pixels: Pixels, out: Tensor) -> None:
        raise ZeroDivisionError(pixels.shape, out.shape)

    camera = ScriptedCamera([1])
    with running(camera, FakeModel(preprocess=broken)) as stand:
        stand.wait()
        stand.wait_for_the_end()
        assert isinstance(stand.capture.failure, CaptureThreadDied)
    assert camera.closed == 1


def test_hung_source_is_unhealthy_once_it_is_overdue() -> None:
    """Protects the watchdog's meaning: a driver that never returns shows, and not before it is late."""
    camera = HangingCamera(3)
    with running(camera) as stand:
        assert camera.hangs.wait(DEADLINE_SECONDS)
        hung_since = time.monotonic()
        assert stand.capture.healthy(hung_since)
        assert not stand.capture.healthy(hung_since + HUNG_SECONDS)
        camera.release.set()
        stand.wait_for_the_end()
        assert stand.capture.healthy(hung_since + HUNG_SECONDS), "one that has ended has nothing more to do"


def test_source_that_hangs_before_its_first_frame_is_unhealthy() -> None:
    """Protects the start: a driver that hangs when it is opened shows like any other."""
    camera = HangingCamera(0)
    with running(camera) as stand:
        started = time.monotonic()
        assert stand.capture.healthy(started)
        assert not stand.capture.healthy(started + HUNG_SECONDS)
        camera.release.set()


def test_slow_source_is_healthy_while_it_waits_for_its_pace() -> None:
    """Protects a folder shown at a picture a quarter of an hour from the watchdog: waiting is no hang."""
    with running(ScriptedCamera([2], pace_fps=0.001)) as stand:
        eventually(lambda: stand.capture.healthy(time.monotonic() + 900), "healthy wait")
        assert not stand.capture.healthy(time.monotonic() + 1000 + HUNG_SECONDS)


def test_camera_that_is_waited_for_is_healthy() -> None:
    """Protects a boot without a camera from the watchdog: an attempt that fails in time is progress."""
    absent: list[int | PiClassifierError] = [UNPLUGGED] * 1000
    begun = time.monotonic()
    with running(ScriptedCamera(absent)) as stand:
        stand.wait()
        assert stand.capture.healthy(begun + CaptureError.first_retry_seconds + HUNG_SECONDS)


def test_camera_that_sends_nothing_intact_is_unhealthy() -> None:
    """Protects from a camera that is there and shows nothing: damaged frames are no progress."""
    with running(ScriptedCamera([1 << 60], corrupt=range(1 << 60))) as stand:
        started = time.monotonic()
        eventually(lambda: stand.statistics.snapshot().dropped["corrupt"] > 10, "damaged frames")
        assert stand.capture.healthy(started)
        assert not stand.capture.healthy(started + HUNG_SECONDS)


def test_camera_that_sends_nothing_intact_is_reopened() -> None:
    """Protects the other cameras: one whose frames are all damaged has failed, to be tried again, and does not hang."""
    camera = ScriptedCamera([1 << 60, 1 << 60], corrupt=range(1 << 60))
    with running(camera) as stand:
        eventually(lambda: camera.opened == 2, "second attempt")
        snapshot = stand.statistics.snapshot()
        assert snapshot.errors["timeout"] == 1
        assert "damaged" in snapshot.error
        assert stand.capture.healthy(time.monotonic())


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_failing_preprocessor_hands_nothing_half_written_over() -> None:
    """Protects from torn frames: where pre-processing fails on a frame, nothing half written is handed over."""

    def second_fails(pixels: Pixels, out: Tensor) -> None:
        out.fill(99)
        if pixels[0, 0, 0] == 1:
            raise ZeroDivisionError

    with running(ScriptedCamera([5]), FakeModel(preprocess=second_fails)) as stand:
        eventually(lambda: stand.capture.ended, "end of the thread")
        assert stand.capture.take(wait=True) is None
        assert isinstance(stand.capture.failure, CaptureThreadDied)
    assert stand.statistics.snapshot().dropped["stale"] == 1


def test_buffers_are_the_models() -> None:
    """Protects models of another input: a camera's two jobs are of the model's own dtype and shape, and distinct."""

    class FloatModel(FakeModel):
        def new_tensor(self) -> Tensor:
            return np.zeros((1, 3, 4, 4), np.float32)

    def first_byte(pixels: Pixels, out: Tensor) -> None:
        out.fill(pixels[0, 0, 0])

    camera = FedCamera()
    with running(camera, FloatModel(preprocess=first_byte)) as stand:
        taken = []
        for number in range(3):
            camera.feed()
            stand.wait()
            job = stand.capture.take(wait=True)
            assert job is not None
            assert (job.tensor == number).all()
            assert job.tensor.dtype == np.float32
            assert job.tensor.shape == (1, 3, 4, 4)
            taken.append(job)
        assert taken[0] is taken[2]
        assert not np.shares_memory(taken[0].tensor, taken[1].tensor)
        camera.end()


@given(
    st.lists(st.floats(0.001, 0.5), min_size=1, max_size=200), st.sampled_from([0.5, 1.0, 5.0, 15.0]),
)  # fmt: skip
def test_rate_limit_is_kept(intervals: list[float], fps: float) -> None:
    """Protects the processor of who wants 5 of 15 frames: over any time no more pass, and no fewer."""
    limit, now, passed = _RateLimit(fps), 0.0, []
    for interval in intervals:
        now += interval
        if limit.lets_pass(now):
            passed.append(now)
    assert 1 <= len(passed) <= (passed[-1] - passed[0]) * fps + 2
    steady = _RateLimit(5.0)
    assert sum(steady.lets_pass(n / 15 + 0.002 * (n % 3)) for n in range(900)) == 300
    steady.start_again()
    assert steady.lets_pass(0.0)


def test_frames_beyond_the_limit_are_counted_and_not_pre_processed() -> None:
    """Protects books and processor: each frame that the limit keeps back is captured and dropped as `limited`."""
    seen: list[Pixels] = []

    def preprocess(pixels: Pixels, tensor: Tensor) -> None:
        seen.append(pixels)
        copy_pixels(pixels, tensor)

    model = FakeModel(preprocess=preprocess)
    with running(ScriptedCamera([40], pace_fps=200), model, max_fps=1.0) as stand:
        stand.wait_for_the_end()
        assert stand.capture.healthy(time.monotonic())
    snapshot = stand.statistics.snapshot()
    assert snapshot.captured == 40
    assert snapshot.dropped["limited"] == 40 - len(seen) >= 30


def test_hung_cameras_end_together() -> None:
    """Protects `systemctl stop`: of four cameras whose reads block none is waited for behind another."""
    shutdown = threading.Event()
    stands = [Stand(HangingCamera(1)) for _ in range(4)]
    captures = Captures([stand.capture for stand in stands], shutdown)
    captures.start()
    for stand in stands:
        stand.wait()
    started = time.monotonic()
    captures.stop()
    # Each alone would take 0.7 s.
    assert time.monotonic() - started < 2.0
    assert all(stand.statistics.snapshot().dropped.get("shutdown") for stand in stands)


def test_who_is_refused_does_not_ask_often() -> None:
    """Protects from being locked out: a camera that refuses the password is asked again after a while."""
    refused = NetworkCameraForbidden("it refuses the password", remedy="set it")
    camera = ScriptedCamera([refused, refused, 1])
    with running(camera) as stand:
        eventually(lambda: stand.statistics.snapshot().errors["lost"] == 1, "refusal")
        assert stand.capture.healthy(time.monotonic() + 30)
    assert camera.opened == 1

"""Threads that run the model: fair, each camera in its order, and none that hangs unnoticed."""

import threading
import time
from collections import Counter

import pytest

from pi_classifier.contracts.job import Tensor
from pi_classifier.contracts.model import Outputs, Predictor
from pi_classifier.errors import InferenceThreadDied
from pi_classifier.inference.workers import HUNG_SECONDS, Workers
from pi_classifier.runtimes.threads import division
from tests.fakes import FakeModel, FakePredictor, ScriptedCamera
from tests.inference.test_pipeline import Rig
from tests.waiting import DEADLINE_SECONDS, eventually


class Gate(FakePredictor):
    """A predictor that stops until it is let through, and one thing that it may do then is fail."""

    def __init__(self, model: FakeModel) -> None:
        super().__init__(0.0, model.new_predictor().decode)
        self.entered, self.opened, self.fails = threading.Event(), threading.Event(), False

    def infer(self, tensor: Tensor) -> Outputs:
        """Once the gate is open."""
        self.entered.set()
        assert self.opened.wait(DEADLINE_SECONDS)
        if self.fails:
            raise ZeroDivisionError
        return super().infer(tensor)


class GatedModel(FakeModel):
    """Its first predictor is a gate, all others are not."""

    def __init__(self) -> None:
        super().__init__()
        self.gate: Gate | None = None

    def new_predictor(self) -> Predictor:
        """The gate first."""
        if self.gate is None:
            self.gate = Gate(FakeModel())
            return self.gate
        return super().new_predictor()


def test_hung_worker_shows_although_the_others_go_on() -> None:
    """Protects the camera whose frame hangs: the watchdog sees one thread that hangs among many that do not."""
    model = GatedModel()
    rig = Rig([ScriptedCamera([10**6], pace_fps=200) for _ in range(2)], model, workers=2)
    assert model.gate
    done = Counter[str]()

    def others_go_on() -> bool:
        done.update(prediction.camera for prediction in rig.sink.predictions[sum(done.values()) :])
        return len(rig.sink.predictions) > 20

    rig.run(stopping=others_go_on)
    assert len(done) == 1, "one camera's frame is in the gate"
    assert rig.executor.healthy(time.monotonic())
    assert not rig.executor.healthy(time.monotonic() + HUNG_SECONDS)
    held = next(one.snapshot() for one in rig.statistics if one.camera not in done)
    assert held.dropped["shutdown"] >= 1, "what hangs is in the books"
    assert held.captured == held.classified + sum(held.dropped.values())
    model.gate.opened.set()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_error_in_a_worker_ends_the_run() -> None:
    """Protects from a daemon with a model too few: an error of our own ends the process, and systemd restarts it."""
    model = GatedModel()
    rig = Rig([ScriptedCamera([10**6], pace_fps=200) for _ in range(2)], model, workers=2)
    assert model.gate
    model.gate.fails = True
    model.gate.opened.set()
    with pytest.raises(InferenceThreadDied):
        rig.run()
    assert not rig.executor.healthy(time.monotonic())


def test_eight_cameras_get_equal_shares() -> None:
    """Protects the last camera of many: under overload the shares of all are equal."""
    rig = Rig([ScriptedCamera([10**6], pace_fps=100) for _ in range(8)], FakeModel(0.005), workers=2)
    rig.run(frames=400)
    shares = Counter(prediction.camera for prediction in rig.sink.predictions)
    assert len(shares) == 8
    assert max(shares.values()) - min(shares.values()) <= 6


@pytest.mark.parametrize("workers", [0, 2])
def test_in_step_all_cameras_are_taken_at_one_moment(workers: int) -> None:
    """Protects who compares cameras under overload: their frames come in rounds, of each camera one."""
    rig = Rig([ScriptedCamera([10**6], pace_fps=200) for _ in range(4)], FakeModel(0.01), workers=workers, in_step=True)
    rig.run(frames=200)
    rounds: list[set[str]] = [set()]
    for prediction in rig.sink.predictions:
        if prediction.camera in rounds[-1]:
            rounds.append(set())
        rounds[-1].add(prediction.camera)
    assert sum(len(one) == 4 for one in rounds) >= 0.8 * len(rounds)
    for statistics in rig.statistics:
        snapshot = statistics.snapshot()
        assert snapshot.captured == snapshot.classified + sum(snapshot.dropped.values())


def test_request_goes_to_a_free_worker() -> None:
    """Protects who posts a picture while one model is busy with a camera: another answers."""
    model = GatedModel()
    rig = Rig([ScriptedCamera([1])], model, workers=2)
    assert model.gate
    answers = []

    def ask() -> None:
        assert model.gate
        assert model.gate.entered.wait(DEADLINE_SECONDS)
        reply = rig.requests.ask(model.new_tensor())
        assert reply
        answers.append(reply.result(DEADLINE_SECONDS))
        model.gate.opened.set()

    asking = threading.Thread(target=ask)
    asking.start()
    rig.run()
    asking.join()
    assert len(answers) == 1
    assert [prediction.sequence for prediction in rig.sink.predictions] == [0]


def test_stop_waits_for_an_inference_and_not_for_long() -> None:
    """Protects the end: a thread in the model is joined where that is quick, and left behind where it hangs."""
    gate = Gate(FakeModel())
    workers = Workers([gate], threading.Event())
    workers.start()
    workers.begin(FakeModel().new_tensor(), "context")
    assert gate.entered.wait(DEADLINE_SECONDS)
    workers.stop()
    gate.opened.set()
    eventually(lambda: [done.context for done in workers.finished()] == ["context"], "its end")


@pytest.mark.parametrize(
    ("threads", "workers", "cameras", "expected"),
    [(3, "auto", 1, (1, 3)), (3, "auto", 2, (2, 1)), (3, "auto", 8, (3, 1)), (1, "auto", 4, (1, 1)), (3, 1, 4, (1, 3)),
     (3, 4, 2, (2, 1)), (1, 4, 8, (4, 1))],
)  # fmt: skip
def test_division_of_threads(threads: int, workers: int | str, cameras: int, expected: tuple[int, int]) -> None:
    """Protects one camera, which runs as ever, and many, of which each gets a model as far as cores go."""
    assert division(threads, workers, cameras) == expected  # type: ignore[arg-type]

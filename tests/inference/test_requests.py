"""What others than cameras want classified."""

import threading

import numpy as np

from pi_classifier.inference.requests import WAITING, Requests
from tests.waiting import DEADLINE_SECONDS, eventually
from tests.web.site import running

TENSOR = np.zeros((8, 8, 3), np.uint8)


def test_queue_is_short_and_in_order() -> None:
    """Protects memory and patience: a few wait, in the order in which they came, and one more is refused at once."""
    work = threading.Event()
    requests = Requests(work)
    asked = [requests.ask(TENSOR.copy()) for _ in range(WAITING + 1)]
    assert [one is None for one in asked] == [False] * WAITING + [True]
    assert work.is_set()
    for one in asked[:-1]:
        work.clear()
        taken = requests.take()
        assert taken is not None
        assert taken.reply is one
        assert taken.begin()
        # As long as more wait, the loop does not fall asleep.
        assert work.is_set() == (one is not asked[-2])
    assert requests.take() is None


def test_request_is_answered_beside_cameras() -> None:
    """Protects who asks: the answer is of the tensor that was given, and a cancelled one holds nobody up."""
    with running() as site:
        eventually(lambda: site.sink.predictions, "a prediction")
        tensor = TENSOR.copy()
        tensor[0, 0, 0] = 200
        cancelled, asked = site.requests.ask(TENSOR), site.requests.ask(tensor)
        assert cancelled is not None
        assert asked is not None
        cancelled.cancel()
        answer = asked.result(DEADLINE_SECONDS)
        assert answer.result.probabilities.argmax() == 0
        assert answer.result.probabilities[0] > 0.99
        assert min(answer.queue_seconds, answer.inference_seconds) >= 0
        before = len(site.sink.predictions)
        eventually(lambda: len(site.sink.predictions) > before, "more frames")

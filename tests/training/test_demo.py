"""The demonstration model: how it is made, and that it knows what it is shown."""

import numpy as np

from pi_classifier.prepare.store import DEMO_BUNDLE
from pi_classifier.runtimes.bundle import read_bundle
from pi_classifier.training.demo import drawn, made, worth

LEAST = 0.97


def test_same_file_each_time() -> None:
    """Protects who wants to know where the model comes from: the command gives it again, byte for byte."""
    first, again = (made(learnt=192, judged=20)[0].to_bytes() for _ in range(2))
    assert first == again


def test_judged_scenes_are_new() -> None:
    """Protects the figure in the documents: no scene that judges was learnt, and all classes judge alike."""
    learnt, judging = drawn("learn 2 4", 64, 224), drawn("judge 2", 100, 224)
    assert not any(np.array_equal(one, other) for one in learnt.frames for other in judging.frames)
    assert sorted(judging.labels) == sorted([*range(20)] * 5)


def test_shipped_model_knows_scenes_it_has_not_seen() -> None:
    """Protects a newcomer from wrong names, and the figure in the documents: both runtimes know nearly every scene."""
    bundle = read_bundle(DEMO_BUNDLE)
    training = bundle.metadata.training
    assert training is not None
    assert training.correct / training.judged >= LEAST
    assert worth(bundle, drawn("others", 400, 224)).share >= LEAST - 0.01

"""What every way of learning has to keep: it goes on where it was stopped, and gives the network what it learnt."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from pi_classifier.config.schema import ModelSettings
from pi_classifier.errors import CannotWrite
from pi_classifier.prepare.trunk import Trunk
from pi_classifier.training import views
from pi_classifier.training.dataset import read_dataset
from pi_classifier.training.features import OWN_FOLDER, FeatureCache, base_digest, extracted, extractor
from pi_classifier.training.finetune_fit import FinetuneFit
from pi_classifier.training.fit import Fit
from pi_classifier.training.head_fit import HeadFit
from pi_classifier.training.pictures import Pictures, gathered
from pi_classifier.training.split import Split, split
from pi_classifier.training.train import Learnt
from tests.training.folders import make


class Material(NamedTuple):
    """What a fit needs."""

    weights: Path
    pictures: Pictures
    views: Pictures
    parts: Split

    def trunk(self) -> Trunk:
        """A new one: installing changes it."""
        return Trunk(ModelSettings(weights=str(self.weights)), progress=False)


@pytest.fixture(scope="module")
def material(real_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Material:
    """Of a small dataset. A network of random weights gives the same features for every picture."""
    trunk = Trunk(ModelSettings(weights=str(real_weights)), progress=False)
    dataset = read_dataset(make(tmp_path_factory.mktemp("fit") / "data"))
    paths = [item.path for item in dataset.items]
    with FeatureCache(dataset.folder, base_digest(trunk.metadata), trunk.size) as cache:
        pictures = gathered(dataset, extracted(paths, cache, extractor(trunk)))
    with FeatureCache(dataset.folder, views.views_digest(trunk.metadata), views.SIZE, kind="views") as cache:
        seen = gathered(dataset, extracted(paths, cache, views.view_extractor(trunk)))
    return Material(real_weights, pictures, seen, split(dataset.items, trunk.values(pictures.features), 0))


Make = Callable[[Material, Trunk, int], Fit]


def head(material: Material, trunk: Trunk, seed: int) -> Fit:
    """A new last layer."""
    return HeadFit(trunk, material.pictures, material.parts, seed=seed)


def finetune(material: Material, trunk: Trunk, seed: int) -> Fit:
    """The last blocks, in a process of their own."""
    base = str(material.weights)
    return FinetuneFit(trunk, material.pictures, material.views.features, material.parts, base=base, seed=seed)


@pytest.fixture(params=[head, finetune])
def new(request: pytest.FixtureRequest) -> Make:
    """Each of the family."""
    made: Make = request.param
    return made


LAST = 2
"""Epochs."""


def test_interrupted_fit_ends_as_if_nothing_had_been(material: Material, new: Make) -> None:
    """Protects Ctrl-C and --resume: after an interruption the end is bit for bit that of an uninterrupted fit."""
    # The first is never installed, so the second may have its network.
    interrupted, whole = material.trunk(), material.trunk()
    fits = [new(material, interrupted, 1), new(material, interrupted, 1), new(material, whole, 1)]
    assert not fits[0].resume(), "nothing was learnt with this seed"
    with closing(fits[0].epochs(LAST)) as told:
        assert next(told).epoch == fits[0].epoch == 1
    assert fits[1].resume()
    assert fits[1].epoch == 1
    assert not new(material, whole, 2).resume(), "another seed is another fit"
    assert [progress.epoch for progress in fits[1].epochs(LAST)] == [2]
    assert [progress.epoch for progress in fits[2].epochs(LAST)] == [1, 2]
    assert outcome(material, fits[1]) == outcome(material, fits[2])


def outcome(material: Material, fit: Fit) -> tuple[bytes, bytes]:
    """What the network is after it: its features of all pictures, and their logits."""
    trunk = fit._trunk  # type: ignore[attr-defined] # noqa: SLF001
    features = fit.install()
    assert features.shape == (len(material.pictures.features), trunk.size)
    return features.tobytes(), trunk.logits(features).tobytes()


def test_fit_is_judged_as_it_runs(material: Material, new: Make) -> None:
    """Protects the figure: the features that are judged are those that the network gives, and it names most rightly."""
    trunk = material.trunk()
    fit = new(material, trunk, 3)
    *_, last = fit.epochs(60 if fit.method == "head" else LAST)
    assert last.accuracy
    assert last.accuracy.total == len(material.parts.judging)
    learnt = Learnt(trunk, material.pictures, material.parts, fit)
    extract = extractor(trunk)
    for index in range(0, len(learnt.features), 7):
        assert np.array_equal(extract(material.pictures.dataset.items[index].path), learnt.features[index])
    assert learnt.judgement.accuracy
    assert learnt.judgement.accuracy.share > 0.6
    bundle = learnt.to_bundle("own", seed=3, runtimes=("torchscript", "litert"), activations="quint8")
    assert bundle.proof, "both programs give the same bits"
    assert bundle.metadata.training
    assert bundle.metadata.training.method == fit.method


def test_fit_that_was_not_begun_is_a_head_or_nothing(material: Material, new: Make) -> None:
    """Protects Ctrl-C at once: what is installed then can be run, and claims no epoch."""
    fit = new(material, material.trunk(), 4)
    features, logits = outcome(material, fit)
    assert fit.epoch == 0
    assert features
    assert logits


def test_full_disk_is_said(material: Material, new: Make, tmp_path: Path) -> None:
    """Protects who trains for an hour: a checkpoint that cannot be written is the documented error, with its code."""
    dataset = material.pictures.dataset._replace(folder=tmp_path)
    elsewhere = material._replace(pictures=material.pictures._replace(dataset=dataset))
    (tmp_path / OWN_FOLDER).write_text("a file where the folder should be")
    with pytest.raises(CannotWrite, match="cannot be written"):
        list(new(elsewhere, elsewhere.trunk(), 5).epochs(1))

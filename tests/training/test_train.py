"""From pictures to a bundle that both runtimes run."""

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pi_classifier.config.schema import ModelSettings
from pi_classifier.doctor.finding import State
from pi_classifier.doctor.model_files import Places, weights
from pi_classifier.doctor.packages import Attempt
from pi_classifier.errors import ModelError
from pi_classifier.prepare.bundle import Prepared
from pi_classifier.prepare.store import ModelStore, write_bundle
from pi_classifier.prepare.trunk import Trunk
from pi_classifier.runtimes.bundle import read_bundle
from pi_classifier.runtimes.litert import LiteRTModel
from pi_classifier.runtimes.reference_transform import reference_crop
from pi_classifier.runtimes.torchscript import TorchScriptModel
from pi_classifier.sources.files.picture import read_picture
from pi_classifier.training.dataset import read_dataset
from pi_classifier.training.features import FeatureCache, base_digest, extracted, extractor
from pi_classifier.training.head_fit import HeadFit
from pi_classifier.training.pictures import Pictures, gathered
from pi_classifier.training.split import Split, from_bits, split
from pi_classifier.training.train import Learnt
from tests.training.folders import make


class Trained:
    """A small dataset, and what was made of it."""

    def __init__(self, folder: Path, weights: Path) -> None:
        self.settings = ModelSettings(weights=str(weights))
        trunk = Trunk(self.settings, progress=False)
        dataset = read_dataset(make(folder / "data"))
        with FeatureCache(dataset.folder, base_digest(trunk.metadata), trunk.size) as cache:
            found = extracted([item.path for item in dataset.items], cache, extractor(trunk))
            self.pictures: Pictures = gathered(dataset, found)
        self.parts: Split = split(dataset.items, trunk.values(self.pictures.features), 0)
        fit = HeadFit(trunk, self.pictures, self.parts, seed=0)
        assert [progress.epoch for progress in fit.epochs(60)] == list(range(1, 61))
        learnt = Learnt(trunk, self.pictures, self.parts, fit)
        self.judgement = learnt.judgement
        self.logits = trunk.logits(self.pictures.features)
        self.bundle: Prepared = learnt.to_bundle(
            "own.bundle", seed=0, runtimes=("torchscript", "litert"), activations="quint8"
        )
        self.path = folder / "own.bundle"
        write_bundle(self.path, self.bundle)


@pytest.fixture(scope="module")
def trained(real_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """One for all tests; none changes it. A network of random weights gives the same features for every picture."""
    return Trained(tmp_path_factory.mktemp("trained"), real_weights)


def test_bundle_gives_the_logits_that_were_judged(trained: Trained) -> None:
    """Protects the accuracy that is claimed: both runtimes give the judged logits and features, bit for bit."""
    bundle = read_bundle(trained.path)
    kinds: tuple[Any, Any] = (TorchScriptModel, LiteRTModel)
    extract = extractor(Trunk(trained.settings, progress=False))
    for kind in kinds:
        model = kind(bundle, threads=1, top_k=3)
        predictor = model.new_predictor()
        assert model.metadata.categories == ("blue", "green", "red", "unknown")
        for index in range(0, len(trained.logits), 5):
            tensor = model.new_tensor()
            fill(model, trained.pictures.dataset.items[index].path, tensor)
            answer = predictor.infer(tensor)
            assert np.array_equal(answer.logits, trained.logits[index])
            assert np.array_equal(answer.features, trained.pictures.features[index])
    first = trained.pictures.dataset.items[0].path
    assert np.array_equal(extract(first), trained.pictures.features[0])


def fill(model: Any, path: Path, tensor: Any) -> None:
    """As `classify` does it for a still picture."""
    metadata = model.metadata
    pixels = reference_crop(read_picture(path), resize_size=metadata.resize_size, crop_size=metadata.input_size)
    model.new_preprocessor()(pixels, tensor)


@pytest.mark.parametrize("kind", [TorchScriptModel, LiteRTModel])
def test_what_is_no_class_is_unknown_unless_turned_off(trained: Trained, kind: Any, test_data: Path) -> None:
    """Protects from a class for everything: photographs are unknown, learnt pictures are not; or it is off."""
    photographs = sorted((test_data / "photos").glob("*.jpg"))[:20]
    learnt = [item.path for item in trained.pictures.dataset.items[::4]]
    bundle = read_bundle(trained.path)
    found = [labels(kind(bundle, threads=1, top_k=1), paths) for paths in (photographs, learnt)]
    assert found[0].count("unknown") >= 18
    assert found[1].count("unknown") <= 1
    plain = kind(bundle, threads=1, top_k=1, unknown=False)
    assert plain.metadata.categories == ("blue", "green", "red")
    assert "unknown" not in labels(plain, photographs)


def labels(model: Any, paths: Sequence[Path]) -> list[str]:
    """The best class of each picture."""
    predictor, tensor, found = model.new_predictor(), model.new_tensor(), []
    for path in paths:
        fill(model, path, tensor)
        found.append(predictor.decode(predictor.infer(tensor)).scores[0].label)
    return found


def repacked(path: Path, to: Path, **members: bytes | None) -> Path:
    """A copy of a bundle with other members, or without some; `_` stands for a dot."""
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(to, "w") as copy:
        for member in archive.infolist():
            content = members.get(member.filename.replace(".", "_"), archive.read(member))
            if content is not None:
                copy.writestr(zipfile.ZipInfo(member.filename), content)
    return to


@pytest.mark.parametrize("kind", [TorchScriptModel, LiteRTModel])
def test_outputs_are_held_to_the_prototypes(trained: Trained, kind: Any, both_programs: Path, tmp_path: Path) -> None:
    """Protects the loader: features without prototypes, prototypes without features, or of another size are refused."""
    own = trained.bundle
    assert own.prototypes is not None
    plain = read_bundle(both_programs)
    cases = [
        repacked(trained.path, tmp_path / "none.bundle", prototypes_bin=None),
        repacked(trained.path, tmp_path / "short.bundle", prototypes_bin=own.prototypes[:, :-1].tobytes()),
        repacked(trained.path, tmp_path / "odd.bundle", prototypes_bin=b"1234567"),
        repacked(
            trained.path,
            tmp_path / "mixed.bundle",
            torchscript_pt=plain.program("torchscript"),
            model_tflite=plain.program("litert"),
        ),
    ]
    for path in cases:
        with pytest.raises(ModelError) as caught:
            kind(read_bundle(path), threads=1, top_k=1)
        assert "prepare" not in caught.value.remedy


def test_colours_are_learnt(trained: Trained) -> None:
    """Protects the whole: most of the pictures that judge are named rightly."""
    assert trained.judgement.accuracy
    assert trained.judgement.accuracy.total == 6
    assert trained.judgement.accuracy.share > 0.7
    assert sum(one.total for one in trained.judgement.classes if one) == 6


def test_metadata_tells_how_it_came_about(trained: Trained) -> None:
    """Protects who finds a bundle a year later: the file itself says from what and how well it was made."""
    metadata = read_bundle(trained.path).metadata
    assert metadata == trained.bundle.metadata
    assert metadata.categories == ("blue", "green", "red")
    assert metadata.weights == "own.bundle"
    assert len(metadata.weights_sha256) == 64
    training = metadata.training
    assert training
    assert (training.method, training.base, training.learnt, training.judged) == (
        "head",
        Path(trained.settings.weights).name,
        18,
        6,
    )
    assert training.dataset_sha256 == trained.pictures.digest
    assert np.array_equal(from_bits(training.learnt_bits, 24), trained.parts.learnt)
    assert not metadata.untrained


def edited(path: Path, to: Path, **changes: object) -> Path:
    """A copy of a bundle with other fields in its metadata."""
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(to, "w") as copy:
        for member in archive.infolist():
            content = archive.read(member)
            if member.filename == "metadata.json":
                content = json.dumps(json.loads(content) | changes).encode()
            copy.writestr(zipfile.ZipInfo(member.filename), content)
    return to


def test_own_model_of_another_release_is_read(trained: Trained, tmp_path: Path) -> None:
    """Protects a user's own model: another version of the format and fields of the future do not lock it out."""
    told = {"version": 99, "hue": "unheard of", "training": {**trained.bundle.metadata.training._asdict(), "more": 1}}  # type: ignore[union-attr]
    assert read_bundle(edited(trained.path, tmp_path / "new.bundle", **told)).metadata == trained.bundle.metadata


def test_damaged_own_model_is_not_to_be_made_by_prepare(trained: Trained, tmp_path: Path) -> None:
    """Protects from a remedy that would give another model: `prepare` has none of these classes."""
    damaged = [
        edited(trained.path, tmp_path / "scale.bundle", scale=-1),
        edited(trained.path, tmp_path / "labels.bundle", categories=["a"]),
        edited(trained.path, tmp_path / "odd.bundle", training=7),
    ]
    content = bytearray(trained.path.read_bytes())
    content[content.index(b"TFL3") + 1000] ^= 0xFF
    damaged.append(tmp_path / "flipped.bundle")
    damaged[-1].write_bytes(content)
    for path in damaged:
        with pytest.raises(ModelError) as caught:
            LiteRTModel(read_bundle(path), threads=1, top_k=1)
        assert "prepare" not in caught.value.remedy
        assert "train" in caught.value.remedy


def test_doctor_tells_what_it_is_worth(trained: Trained, tmp_path: Path) -> None:
    """Protects who forgot: of a bundle of own classes the doctor says how many it knows, and how well."""
    places = Places(ModelStore(tmp_path), tmp_path)
    found = weights(ModelSettings(weights=str(trained.path)), places, lambda: Attempt(""))
    worth = trained.judgement.accuracy
    assert worth
    assert found.state == State.OK
    assert f"(3 own classes, {worth.correct} of {worth.total} pictures named rightly)" in found.seen

"""Which model the settings get, and what happens where its prepared file is missing, damaged or not for this build."""

import dataclasses
import logging
import platform
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from pi_classifier.config.schema import ModelSettings
from pi_classifier.errors import ActivationsUnsupported, ModelError
from pi_classifier.model import open_model, resolve_activations, runtimes_to_prepare
from pi_classifier.prepare.store import ModelStore
from pi_classifier.runtimes.bundle import holds_programs, read_bundle

UNTRAINED = ModelSettings(weights="untrained", activations="quint8", threads=1)


@pytest.fixture
def store(untrained_model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelStore:
    """A cache of this test's own, with the untrained model in it."""
    folder = tmp_path / "cache"
    folder.mkdir()
    shutil.copy(untrained_model_file, folder)
    monkeypatch.setenv("CACHE_DIRECTORY", str(folder))
    return ModelStore(folder)


def messages(caplog: pytest.LogCaptureFixture) -> str:
    """What was logged."""
    return "\n".join(record.getMessage() for record in caplog.records)


def test_build_without_qint8_takes_quint8(
    cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Protects `activations = "auto"`: where the build lacks the kernels, quint8 runs, and the log says so."""
    caplog.set_level(logging.WARNING)
    monkeypatch.setenv("CACHE_DIRECTORY", str(cache))
    here = platform.machine()
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    model = open_model(ModelSettings(weights="untrained"), progress=False)
    if model.metadata.activations == "qint8":
        assert here == "aarch64"
        return
    assert any("taking quint8" in record.getMessage() for record in caplog.records)
    with pytest.raises(ActivationsUnsupported):
        open_model(ModelSettings(weights="untrained", activations="qint8"), progress=False)


@pytest.mark.parametrize(
    ("wanted", "machine", "taken"),
    [
        ("auto", "aarch64", "qint8"),
        ("auto", "x86_64", "quint8"),
        ("auto", "armv7l", "quint8"),
        ("quint8", "aarch64", "quint8"),
        ("qint8", "x86_64", "qint8"),
    ],
)
def test_activations_are_the_fastest_or_as_configured(
    monkeypatch: pytest.MonkeyPatch, wanted: str, machine: str, taken: str
) -> None:
    """Protects the fps of a Raspberry Pi: auto is qint8 there alone, and whoever names a type gets it."""
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert resolve_activations(ModelSettings.model_validate({"activations": wanted})) == taken


def test_prepared_file_is_taken_and_not_made_again(store: ModelStore, caplog: pytest.LogCaptureFixture) -> None:
    """Protects the start: what was prepared once is loaded, as the settings ask for it."""
    caplog.set_level(logging.INFO)
    model = open_model(UNTRAINED.model_copy(update={"top_k": 3}), progress=False)
    predictor = model.new_predictor()
    assert len(predictor.decode(predictor.infer(model.new_tensor())).scores) == 3
    assert model.metadata.untrained
    assert "preparing" not in messages(caplog)


def test_missing_file_is_made_once_and_kept(store: ModelStore, caplog: pytest.LogCaptureFixture) -> None:
    """Protects the first start, and the second from its wait: what is prepared is there under its name."""
    caplog.set_level(logging.INFO)
    path = store.path_for(UNTRAINED, "quint8")
    path.unlink()
    open_model(UNTRAINED, progress=False)
    assert "preparing mobilenet_v2 from untrained weights, once" in messages(caplog)
    assert path.is_file()
    caplog.clear()
    open_model(UNTRAINED, progress=False)
    assert messages(caplog) == ""


@pytest.mark.parametrize("keep", [0, 100, 1_000_000])
def test_damaged_file_in_the_cache_is_made_again(
    store: ModelStore, untrained_model_file: Path, caplog: pytest.LogCaptureFixture, keep: int
) -> None:
    """Protects a start after a power cut: half a file in the cache costs the time to make it again, and a line."""
    caplog.set_level(logging.WARNING)
    path = store.path_for(UNTRAINED, "quint8")
    path.write_bytes(untrained_model_file.read_bytes()[:keep])
    again, before = open_model(UNTRAINED, progress=False), open_model(UNTRAINED, progress=False)
    assert f"{path}: " in messages(caplog)
    assert "doing so now" in messages(caplog)
    grey = before.new_tensor()
    assert np.array_equal(again.new_predictor().infer(grey), before.new_predictor().infer(grey))


@pytest.mark.parametrize("damage", ["folder", "other file", "old format", "lying metadata", "no program"])
def test_whatever_lies_in_the_cache_is_made_again(
    store: ModelStore, untrained_model_file: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    """Protects the start: nothing that stands in the place of the bundle keeps the daemon from running."""
    caplog.set_level(logging.WARNING)
    path = store.path_for(UNTRAINED, "quint8")
    content = path.read_bytes()
    path.unlink()
    if damage == "folder":
        path.mkdir()
    elif damage == "other file":
        path.write_bytes(bytes(range(256)) * 100)
    elif damage == "old format":
        torch.save({"an": "archive"}, path)
    elif damage == "lying metadata":
        path.write_bytes(content.replace(b'"zero_point": ', b'"zero_point":-'))
    else:
        path.write_bytes(dataclasses.replace(read_bundle(untrained_model_file), programs={}).to_bytes())
    assert open_model(UNTRAINED, progress=False).metadata.untrained
    assert str(path) in messages(caplog)
    if damage != "folder":
        assert holds_programs(path, ["torchscript"]), "it is there for the next start"


def test_litert_runs_what_is_in_the_bundle(both_programs: Path) -> None:
    """Protects `runtime`: each runs its own program of one bundle, with equal probabilities, and says which it is."""
    models = {
        runtime: open_model(
            UNTRAINED.model_copy(update={"weights": str(both_programs), "runtime": runtime}), progress=False
        )
        for runtime in ("torchscript", "litert", "auto")
    }
    assert {runtime: model.runtime for runtime, model in models.items()} == {
        "torchscript": "torchscript", "litert": "litert", "auto": "litert",
    }  # fmt: skip
    picture = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    answers = []
    for model in models.values():
        tensor, predictor = model.new_tensor(), model.new_predictor()
        model.new_preprocessor()(picture, tensor)
        answers.append(predictor.decode(predictor.infer(tensor)))
    for answer in answers[1:]:
        assert np.array_equal(answer.probabilities, answers[0].probabilities)
        assert answer.scores == answers[0].scores


def test_bundle_without_the_program_that_is_wanted(untrained_model_file: Path) -> None:
    """Protects from the other runtime: a bundle that was named is run on another only by auto."""
    settings = UNTRAINED.model_copy(update={"weights": str(untrained_model_file), "runtime": "litert"})
    with pytest.raises(ModelError, match="holds no program for litert; make it with 'prepare --runtime litert'"):
        open_model(settings, progress=False)
    assert open_model(settings.model_copy(update={"runtime": "auto"}), progress=False).runtime == "torchscript"


def test_bundle_in_the_cache_gets_the_program_that_is_wanted(
    store: ModelStore, caplog: pytest.LogCaptureFixture
) -> None:
    """Protects who changes `runtime` later: the bundle is made again with what it lacks, once."""
    caplog.set_level(logging.INFO)
    settings = UNTRAINED.model_copy(update={"runtime": "litert"})
    assert open_model(settings, progress=False).runtime == "litert"
    assert "holds no program for litert" in messages(caplog)
    assert "preparing mobilenet_v2" in messages(caplog)
    caplog.clear()
    assert open_model(settings, progress=False).runtime == "litert"
    assert messages(caplog) == ""


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"runtime": "torchscript"}, ("torchscript",)),
        ({"runtime": "litert"}, ("litert",)),
        ({"runtime": "auto"}, ("torchscript", "litert")),
        ({"runtime": "auto", "name": "resnet18"}, ("torchscript",)),
    ],
)
def test_programs_that_a_bundle_gets(settings: dict[str, str], expected: tuple[str, ...]) -> None:
    """Protects `auto`: a bundle is made for LiteRT, too, where there is a writer for the architecture."""
    assert runtimes_to_prepare(ModelSettings.model_validate(settings)) == expected


def test_damaged_file_that_was_named_is_refused(store: ModelStore, untrained_model_file: Path, tmp_path: Path) -> None:
    """Protects from another model than the one that was named: such a file is the user's, and is not replaced."""
    path = tmp_path / "mine.bundle"
    content = bytearray(untrained_model_file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"mine\.bundle: damaged"):
        open_model(UNTRAINED.model_copy(update={"weights": str(path)}), progress=False)
    assert path.read_bytes() == content


def test_cache_that_takes_no_file_runs_from_memory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Protects a read-only system: the model runs all the same, and the log says what that costs."""
    caplog.set_level(logging.WARNING)
    (tmp_path / "occupied").write_text("a file where a folder should be", encoding="utf-8")
    monkeypatch.setenv("CACHE_DIRECTORY", str(tmp_path / "occupied"))
    assert open_model(UNTRAINED, progress=False).metadata.untrained
    assert "CACHE_DIRECTORY; running from memory this time" in messages(caplog)

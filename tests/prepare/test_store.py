"""Where prepared files are kept."""

from pathlib import Path

import pytest

from pi_classifier.config.schema import ModelSettings
from pi_classifier.errors import CannotWrite, ModelError
from pi_classifier.prepare.store import ModelStore, write_bundle
from pi_classifier.runtimes.bundle import Bundle, read_bundle
from pi_classifier.sources.scene import LABELS


@pytest.fixture
def untrained(untrained_model_file: Path) -> Bundle:
    """A bundle to write."""
    return read_bundle(untrained_model_file)


def test_store_tells_files_apart_by_content(tmp_path: Path, untrained: Bundle) -> None:
    """Protects from running yesterday's model: other weights under the same name get another prepared file."""
    store = ModelStore(tmp_path / "cache")
    weights = tmp_path / "weights.pth"
    settings = ModelSettings(weights=str(weights))
    weights.write_bytes(b"old")
    old = store.path_for(settings, "quint8")
    weights.write_bytes(b"new")
    assert store.path_for(settings, "quint8") != old
    assert store.find(settings, "quint8") is None
    write_bundle(store.path_for(settings, "quint8"), untrained)
    assert store.find(settings, "quint8") == store.path_for(settings, "quint8")


def test_store_takes_a_prepared_file_as_it_is(untrained_model_file: Path, tmp_path: Path) -> None:
    """Protects `--weights FILE` with a file from `prepare --output`, made on another machine."""
    store = ModelStore(tmp_path)
    assert store.find(ModelSettings(weights=str(untrained_model_file)), "quint8") == untrained_model_file


def test_demonstration_is_always_there(tmp_path: Path) -> None:
    """Protects `--weights demo`: it comes along, for both runtimes, in less than a megabyte, and says what it is."""
    found = ModelStore(tmp_path).find(ModelSettings(weights="demo"), "qint8")
    assert found is not None
    assert found.stat().st_size < 1_000_000
    bundle = read_bundle(found)
    assert bundle.holds == {"torchscript", "litert"}
    assert bundle.metadata.demonstration
    assert bundle.metadata.categories == LABELS


def test_nothing_but_a_bundle_is_replaced(tmp_path: Path, untrained: Bundle) -> None:
    """Protects weights from a slip of the hand: `--output` replaces an older bundle, and no file of another kind."""
    path = tmp_path / "weights.pth"
    path.write_bytes(b"precious")
    with pytest.raises(CannotWrite, match=r"weights\.pth: is there and no bundle; name another file"):
        write_bundle(path, untrained)
    assert path.read_bytes() == b"precious"
    for _ in range(2):
        write_bundle(tmp_path / "new.bundle", untrained)
    assert read_bundle(tmp_path / "new.bundle").metadata == untrained.metadata


def test_failed_write_leaves_nothing_behind(tmp_path: Path, untrained: Bundle) -> None:
    """Protects the cache: a place that takes no file is reported, and no half-written file stays."""
    (tmp_path / "occupied").write_text("a file where a folder should be", encoding="utf-8")
    with pytest.raises(CannotWrite, match="CACHE_DIRECTORY"):
        write_bundle(tmp_path / "occupied" / "model.bundle", untrained)
    target = tmp_path / "folder.bundle"
    target.mkdir()
    with pytest.raises(CannotWrite):
        write_bundle(target, untrained)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.bundle", "occupied"]


def test_store_says_which_file_cannot_be_read(tmp_path: Path) -> None:
    """Protects from a typing error in `--weights`: the file is named, with the flag that names it."""
    with pytest.raises(ModelError, match=r"nowhere\.bundle: No such file.*--weights"):
        ModelStore(tmp_path).find(ModelSettings(weights=str(tmp_path / "nowhere.bundle")), "quint8")


def test_store_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Protects the service's cache: systemd's folder goes before the user's, and that before the home's."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CACHE_DIRECTORY", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert ModelStore.default().folder == tmp_path / "home" / ".cache" / "pi-classifier"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert ModelStore.default().folder == tmp_path / "xdg" / "pi-classifier"
    monkeypatch.setenv("CACHE_DIRECTORY", str(tmp_path / "systemd"))
    assert ModelStore.default().folder == tmp_path / "systemd"

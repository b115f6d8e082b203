"""From weights to a prepared file and back to logits."""

import dataclasses
import io
import json
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from pi_classifier.errors import CannotWrite, ModelError
from pi_classifier.model import Model, compute_threads, new_input
from pi_classifier.contracts.model import ModelMetadata
from pi_classifier.prepare.store import ModelStore, write_prepared
from pi_classifier.prepare.torchscript import prepare
from pi_classifier.config.schema import ModelSettings


@pytest.mark.filterwarnings("ignore::UserWarning")  # torchvision converts before it is calibrated, and says so
def test_logits_are_torchvisions(real_weights: Path, real_model: Model) -> None:
    """Protects exactness: freezing and the quantised input change no bit of the published model's logits."""
    from torchvision.models.quantization import mobilenet_v2

    torch.backends.quantized.engine = "qnnpack"
    reference = mobilenet_v2(weights=None, quantize=True)
    reference.load_state_dict(torch.load(real_weights, weights_only=True))
    reference.eval()
    picture = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(1)) * 4 - 2
    card = real_model.card
    quantised = torch.quantize_per_tensor(picture, card.scale, card.zero_point, torch.quint8)
    pixels = quantised.int_repr()[0].permute(1, 2, 0).numpy()
    assert np.array_equal(real_model(pixels), reference(picture)[0].detach().numpy())


def test_input_has_the_layout_that_the_model_reads(untrained_model_file: Path) -> None:
    """Protects the frame from being converted: pixels are written where torch reads them, in the layout it wants."""
    tensor, pixels = new_input(Model(untrained_model_file, threads=1).card)
    assert tensor.stride() == (150528, 1, 672, 3)
    assert tensor.is_contiguous(memory_format=torch.channels_last)
    assert tensor.data_ptr() == pixels.ctypes.data
    pixels[5, 6] = (1, 2, 3)
    assert tensor.int_repr()[0, :, 5, 6].tolist() == [1, 2, 3]


def test_card_tells_the_origin(real_weights: Path, real_model: Model) -> None:
    """Protects model_info: name, file, hash, labels and pre-processing are those of the weights."""
    card = real_model.card
    assert (card.name, card.weights, card.engine) == ("mobilenet_v2", real_weights.name, "qnnpack")
    assert len(card.weights_sha256) == 64
    assert (card.input_size, card.resize_size) == (224, 256)
    assert card.mean == (0.485, 0.456, 0.406)
    names = (real_weights.parent / "imagenet_classes.txt").read_text(encoding="utf-8").splitlines()
    assert list(card.categories) == names
    assert card.published_acc1 is None, "only the official file may claim the published accuracy"


def test_untrained_weights_are_the_same_everywhere(untrained_model_file: Path) -> None:
    """Protects demonstrations and benchmarks: random weights are seeded, and the card calls them untrained."""
    again = Model(io.BytesIO(prepare(ModelSettings(weights="untrained"))), threads=1)
    model = Model(untrained_model_file, threads=1)
    _, grey = new_input(model.card)
    assert np.array_equal(model(grey), again(grey))
    assert model.card.weights == "untrained"
    assert model.card.weights_sha256 == ""


def test_running_needs_no_torchvision(untrained_model_file: Path) -> None:
    """Protects start-up and memory: a prepared file is loaded by torch alone."""
    code = (
        "import sys, pathlib; from pi_classifier import daemon; from pi_classifier.model import Model; "
        "Model(pathlib.Path(sys.argv[1]), threads=1); "
        "sys.exit('torchvision' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, untrained_model_file], check=True)


def test_threads_are_limited_as_configured(untrained_model_file: Path) -> None:
    """Protects the core that capture needs: the model's thread limit is in force once it is loaded."""
    for threads in (1, 2):
        Model(untrained_model_file, threads=threads)
        assert torch.get_num_threads() == threads
    assert compute_threads("auto") >= 1


def rewritten(path: Path, target: Path, change: Callable[[dict[str, object]], object]) -> Path:
    """A copy of a prepared file with another card."""
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as copy:
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename.endswith(CARD_MEMBER):
                card = json.loads(content)
                change(card)
                content = json.dumps(card).encode()
            copy.writestr(entry, content)
    return target


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda card: card.update(version=99), "another release (card version 99"),
        (lambda card: card.update(engine="fpga"), "for engine 'fpga'"),
        (lambda card: card.pop("mean"), "lacks fields"),
        (lambda card: card["categories"].pop(), "999 labels for 1000 outputs"),
    ],
    ids=["version", "engine", "field", "labels"],
)
def test_prepared_file_for_something_else(
    untrained_model_file: Path, tmp_path: Path, change: Callable[[dict[str, object]], object], complaint: str
) -> None:
    """Protects from running the wrong model: another card version, engine or label count is refused by name."""
    path = rewritten(untrained_model_file, tmp_path / "other.pt", change)
    with pytest.raises(ModelError, match="prepare") as refusal:
        Model(path, threads=1)
    assert complaint in str(refusal.value)
    assert str(path) in str(refusal.value)


@pytest.mark.parametrize("keep", [0, 1, 1000, 0.5, 0.999])
def test_prepared_file_cut_short(untrained_model_file: Path, tmp_path: Path, keep: float) -> None:
    """Protects from half a file, after a power cut say: it is called that, wherever it was cut."""
    content = untrained_model_file.read_bytes()
    path = tmp_path / "cut.pt"
    path.write_bytes(content[: int(keep if keep >= 1 else keep * len(content))])
    with pytest.raises(ModelError, match="prepare"):
        Model(path, threads=1)


def test_prepared_file_with_flipped_bytes(untrained_model_file: Path, tmp_path: Path) -> None:
    """Protects from a worn SD card: damage inside the file is noticed when it is loaded."""
    content = bytearray(untrained_model_file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(byte ^ 0xFF for byte in content[middle : middle + 64])
    path = tmp_path / "worn.pt"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="damaged"):
        Model(path, threads=1)


def test_card_survives_the_file(untrained_model_file: Path) -> None:
    """Protects the card's round trip through JSON, and that it is read without torch."""
    card = read_card(untrained_model_file, "file")
    assert card is not None
    assert ModelCard.from_json(card.to_json(), "file") == card
    assert dataclasses.replace(card, weights="other") != card


class Malicious:
    """Unpickling this would run code."""

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return (exec, ("raise SystemExit('code of a pickle was run')",))


def bad_weights(kind: str, path: Path, real: Path) -> None:
    """Write a file that is no ImageNet state dict of the quantised model, in one of many ways."""
    if kind == "pickle":
        path.write_bytes(pickle.dumps(Malicious()))
    elif kind == "torch pickle":
        torch.save({"model": Malicious()}, path)
    elif kind == "text":
        path.write_text("not weights", encoding="utf-8")
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "list":
        torch.save([1, 2, 3], path)
    elif kind == "float model":
        torch.save(torch.load(real.with_name("mobilenet_v2_imagenet_float_fp16.pth"), weights_only=True), path)
    elif kind == "cut":
        path.write_bytes(real.read_bytes()[:1_000_000])
    else:
        state = torch.load(real, weights_only=True)
        weight = torch.quantize_per_tensor(torch.zeros(10, 1280), 0.1, 0, torch.qint8)
        state["classifier.1._packed_params._packed_params"] = (weight, torch.zeros(10))
        torch.save(state, path)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("kind", "complaint"),
    [
        ("pickle", "not a plain state dict"),
        ("torch pickle", "not a plain state dict"),
        ("text", "state dict"),
        ("empty", "state dict"),
        ("list", "holds no state dict"),
        ("float model", "weights of another model"),
        ("cut", "cut short"),
        ("other classes", "10 classes where the labels name 1000"),
    ],
)
def test_weights_that_are_none(kind: str, complaint: str, tmp_path: Path, real_weights: Path) -> None:
    """Protects from weights that are no state dict, are cut short, have other classes, or are an arbitrary pickle."""
    path = tmp_path / "weights.pth"
    bad_weights(kind, path, real_weights)
    with pytest.raises(ModelError) as refusal:
        prepare(ModelSettings(weights=str(path)))
    assert complaint in str(refusal.value)
    assert str(path) in str(refusal.value)


def test_store_tells_files_apart_by_content(tmp_path: Path) -> None:
    """Protects from running yesterday's model: other weights under the same name get another prepared file."""
    store = ModelStore(tmp_path / "cache")
    weights = tmp_path / "weights.pth"
    settings = ModelSettings(weights=str(weights))
    weights.write_bytes(b"old")
    old = store.path_for(settings, "quint8")
    weights.write_bytes(b"new")
    assert store.path_for(settings, "quint8") != old
    assert store.find(settings, "quint8") is None
    write_prepared(store.path_for(settings, "quint8"), b"prepared")
    assert store.find(settings, "quint8") == store.path_for(settings, "quint8")


def test_store_takes_a_prepared_file_as_it_is(untrained_model_file: Path, tmp_path: Path) -> None:
    """Protects `--weights FILE` with a file from `prepare --output`, made on another machine."""
    store = ModelStore(tmp_path)
    assert store.find(ModelSettings(weights=str(untrained_model_file)), "quint8") == untrained_model_file


def test_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    """Protects the cache: a place that takes no file is reported, and no half-written file stays."""
    (tmp_path / "occupied").write_text("a file where a folder should be", encoding="utf-8")
    with pytest.raises(CannotWrite, match="CACHE_DIRECTORY"):
        write_prepared(tmp_path / "occupied" / "model.pt", b"content")
    target = tmp_path / "folder.pt"
    target.mkdir()
    with pytest.raises(CannotWrite):
        write_prepared(target, b"content")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.pt", "occupied"]

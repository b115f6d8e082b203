"""The default runtime: a prepared file to logits."""

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from pi_classifier.config.schema import ModelSettings
from pi_classifier.errors import ModelError
from pi_classifier.prepare.torchscript import prepare
from pi_classifier.runtimes.prepared_file import METADATA_MEMBER
from pi_classifier.runtimes.torchscript import TorchScriptModel, compute_threads, new_input


@pytest.mark.filterwarnings("ignore::UserWarning")  # torchvision converts before it is calibrated, and says so
def test_logits_are_torchvisions(real_weights: Path, real_model: TorchScriptModel) -> None:
    """Protects exactness: freezing and the quantised input change no bit of the published model's logits."""
    from torchvision.models.quantization import mobilenet_v2

    torch.backends.quantized.engine = "qnnpack"
    reference = mobilenet_v2(weights=None, quantize=True)
    reference.load_state_dict(torch.load(real_weights, weights_only=True))
    reference.eval()
    picture = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(1)) * 4 - 2
    metadata = real_model.metadata
    quantised = torch.quantize_per_tensor(picture, metadata.scale, metadata.zero_point, torch.quint8)
    pixels = quantised.int_repr()[0].permute(1, 2, 0).numpy()
    assert np.array_equal(real_model.new_predictor().infer(pixels), reference(picture)[0].detach().numpy())


def test_input_has_the_layout_that_the_model_reads(untrained_model_file: Path) -> None:
    """Protects the frame from being converted: pixels are written where torch reads them, in the layout it wants."""
    tensor, pixels = new_input(TorchScriptModel(untrained_model_file, threads=1, top_k=5).metadata)
    assert tensor.stride() == (150528, 1, 672, 3)
    assert tensor.is_contiguous(memory_format=torch.channels_last)
    assert tensor.data_ptr() == pixels.ctypes.data
    pixels[5, 6] = (1, 2, 3)
    assert tensor.int_repr()[0, :, 5, 6].tolist() == [1, 2, 3]


def test_metadata_names_the_origin(real_weights: Path, real_model: TorchScriptModel) -> None:
    """Protects model_info: name, file, hash, labels and pre-processing are those of the weights."""
    metadata = real_model.metadata
    assert (metadata.name, metadata.weights, metadata.engine) == ("mobilenet_v2", real_weights.name, "qnnpack")
    assert len(metadata.weights_sha256) == 64
    assert (metadata.input_size, metadata.resize_size) == (224, 256)
    assert metadata.mean == (0.485, 0.456, 0.406)
    names = (real_weights.parent / "imagenet_classes.txt").read_text(encoding="utf-8").splitlines()
    assert list(metadata.categories) == names
    assert metadata.published_acc1 is None, "only the official file may claim the published accuracy"


def constants(file: Path | io.BytesIO) -> dict[str, bytes]:
    """The weights in a prepared file, by their names in the archive."""
    with zipfile.ZipFile(file) as archive:
        found = {name.partition("/")[2]: archive.read(name) for name in archive.namelist() if "/constants/" in name}
    assert sum(map(len, found.values())) > 3_000_000
    return found


def test_untrained_weights_are_the_same_everywhere(untrained_model_file: Path) -> None:
    """Protects demonstrations and benchmarks: random weights are seeded, and the metadata calls them untrained."""
    content = prepare(ModelSettings(weights="untrained"))
    assert constants(io.BytesIO(content)) == constants(untrained_model_file)
    again = TorchScriptModel(io.BytesIO(content), threads=1, top_k=5)
    model = TorchScriptModel(untrained_model_file, threads=1, top_k=5)
    _, grey = new_input(model.metadata)
    assert np.array_equal(model.new_predictor().infer(grey), again.new_predictor().infer(grey))
    assert model.metadata.weights == "untrained"
    assert model.metadata.weights_sha256 == ""


def test_running_needs_no_torchvision(untrained_model_file: Path) -> None:
    """Protects start-up and memory: a prepared file is loaded by torch alone."""
    code = (
        "import sys, pathlib; from pi_classifier import daemon; "
        "from pi_classifier.runtimes.torchscript import TorchScriptModel; "
        "TorchScriptModel(pathlib.Path(sys.argv[1]), threads=1, top_k=5); "
        "sys.exit('torchvision' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, untrained_model_file], check=True)


def test_threads_are_limited_as_configured(untrained_model_file: Path) -> None:
    """Protects the core that capture needs: the model's thread limit is in force once it is loaded."""
    for threads in (1, 2):
        TorchScriptModel(untrained_model_file, threads=threads, top_k=5)
        assert torch.get_num_threads() == threads
    assert compute_threads("auto") >= 1


def rewritten(path: Path, target: Path, change: Callable[[dict[str, object]], object]) -> Path:
    """A copy of a prepared file with other metadata."""
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as copy:
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename.endswith(METADATA_MEMBER):
                values = json.loads(content)
                change(values)
                content = json.dumps(values).encode()
            copy.writestr(entry, content)
    return target


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda values: values.update(version=99), "another release (metadata version 99"),
        (lambda values: values.update(engine="fpga"), "for engine 'fpga'"),
        (lambda values: values.pop("mean"), "lacks fields"),
        (lambda values: values["categories"].pop(), "999 labels for 1000 outputs"),
    ],
    ids=["version", "engine", "field", "labels"],
)
def test_prepared_file_for_something_else(
    untrained_model_file: Path, tmp_path: Path, change: Callable[[dict[str, object]], object], complaint: str
) -> None:
    """Protects from running the wrong model: another metadata version, engine or label count is refused by name."""
    path = rewritten(untrained_model_file, tmp_path / "other.pt", change)
    with pytest.raises(ModelError, match="prepare") as refusal:
        TorchScriptModel(path, threads=1, top_k=5)
    assert complaint in str(refusal.value)
    assert str(path) in str(refusal.value)


@pytest.mark.parametrize("keep", [0, 1, 1000, 0.5, 0.999])
def test_prepared_file_cut_short(untrained_model_file: Path, tmp_path: Path, keep: float) -> None:
    """Protects from half a file, after a power cut say: it is called that, wherever it was cut."""
    content = untrained_model_file.read_bytes()
    path = tmp_path / "cut.pt"
    path.write_bytes(content[: int(keep if keep >= 1 else keep * len(content))])
    with pytest.raises(ModelError, match="prepare"):
        TorchScriptModel(path, threads=1, top_k=5)


def test_prepared_file_with_flipped_bytes(untrained_model_file: Path, tmp_path: Path) -> None:
    """Protects from a worn SD card: damage inside the file is noticed when it is loaded."""
    content = bytearray(untrained_model_file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(byte ^ 0xFF for byte in content[middle : middle + 64])
    path = tmp_path / "worn.pt"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="damaged"):
        TorchScriptModel(path, threads=1, top_k=5)

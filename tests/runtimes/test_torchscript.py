"""The default runtime: a TorchScript program to logits."""

import dataclasses
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from pi_classifier.config.schema import ModelSettings
from pi_classifier.errors import ModelError
from pi_classifier.prepare.bundle import prepare
from pi_classifier.runtimes.bundle import Bundle, read_bundle
from pi_classifier.runtimes.threads import compute_threads
from pi_classifier.runtimes.torchscript import TorchScriptModel, new_input


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
    tensor, pixels = new_input(TorchScriptModel(read_bundle(untrained_model_file), threads=1, top_k=5).metadata)
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


def constants(bundle: Bundle) -> dict[str, bytes]:
    """The weights in a program, by their names in its archive."""
    with zipfile.ZipFile(io.BytesIO(bundle.program("torchscript"))) as archive:
        found = {name.partition("/")[2]: archive.read(name) for name in archive.namelist() if "/constants/" in name}
    assert sum(map(len, found.values())) > 3_000_000
    return found


def test_untrained_weights_are_the_same_everywhere(untrained_model_file: Path) -> None:
    """Protects demonstrations and benchmarks: random weights are seeded, and the metadata calls them untrained."""
    bundle = prepare(ModelSettings(weights="untrained"))
    assert constants(bundle) == constants(read_bundle(untrained_model_file))
    again = TorchScriptModel(bundle, threads=1, top_k=5)
    model = TorchScriptModel(read_bundle(untrained_model_file), threads=1, top_k=5)
    _, grey = new_input(model.metadata)
    assert np.array_equal(model.new_predictor().infer(grey), again.new_predictor().infer(grey))
    assert model.metadata.weights == "untrained"
    assert model.metadata.weights_sha256 == ""


def test_running_needs_no_torchvision(untrained_model_file: Path) -> None:
    """Protects start-up and memory: a program is loaded by torch alone."""
    code = (
        "import sys, pathlib; from pi_classifier import daemon; "
        "from pi_classifier.runtimes.bundle import read_bundle; "
        "from pi_classifier.runtimes.torchscript import TorchScriptModel; "
        "TorchScriptModel(read_bundle(pathlib.Path(sys.argv[1])), threads=1, top_k=5); "
        "sys.exit('torchvision' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, untrained_model_file], check=True)


def test_threads_are_limited_as_configured(untrained_model_file: Path) -> None:
    """Protects the core that capture needs: the model's thread limit is in force once it is loaded."""
    for threads in (1, 2):
        TorchScriptModel(read_bundle(untrained_model_file), threads=threads, top_k=5)
        assert torch.get_num_threads() == threads
    assert compute_threads("auto") >= 1


@pytest.mark.parametrize(
    ("metadata", "complaint"),
    [({"engine": "fpga"}, "for engine 'fpga'"), ({"categories": ("one",) * 999}, "999 labels for 1000 outputs")],
    ids=["engine", "labels"],
)
def test_program_for_something_else(untrained_model_file: Path, metadata: dict[str, object], complaint: str) -> None:
    """Protects from running the wrong model: another engine or number of labels is refused by name."""
    bundle = read_bundle(untrained_model_file)
    other = dataclasses.replace(bundle, metadata=bundle.metadata._replace(**metadata))  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="prepare") as refusal:
        TorchScriptModel(other, threads=1, top_k=5)
    assert complaint in str(refusal.value)
    assert str(untrained_model_file) in str(refusal.value)


@pytest.mark.parametrize("keep", [0, 1, 1000, 0.5, 0.999])
def test_program_cut_short(untrained_model_file: Path, keep: float) -> None:
    """Protects from half a program, wherever it was cut: it is called that."""
    bundle = read_bundle(untrained_model_file)
    program = bundle.program("torchscript")
    half = program[: int(keep if keep >= 1 else keep * len(program))]
    with pytest.raises(ModelError, match="prepare"):
        TorchScriptModel(dataclasses.replace(bundle, programs={"torchscript": half}), threads=1, top_k=5)

"""Every architecture of the table, quantised here, with weights made for one engine or another."""

import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.ao import quantization as ao

from pi_classifier.config.schema import Architecture, ModelSettings
from pi_classifier.errors import ActivationsUnsupported
from pi_classifier.prepare.bundle import prepare
from pi_classifier.prepare.input_table import input_table
from pi_classifier.prepare.torchvision_models import ARCHITECTURES
from pi_classifier.runtimes.torchscript import TorchScriptModel, new_input

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")


def loaded(settings: ModelSettings) -> TorchScriptModel:
    """A model prepared and loaded in memory."""
    return TorchScriptModel(prepare(settings), threads=1, top_k=5)


def grey(model: TorchScriptModel) -> NDArray[np.uint8]:
    """A picture of nothing."""
    return new_input(model.metadata)[1]


def logits_of(model: TorchScriptModel, picture: torch.Tensor) -> NDArray[np.float32]:
    """Logits for a normalised picture, 1 x 3 x size x size."""
    quantised = torch.quantize_per_tensor(picture, model.metadata.scale, model.metadata.zero_point, torch.quint8)
    return model.new_predictor().infer(quantised.int_repr()[0].permute(1, 2, 0).numpy())


def test_preparing_takes_no_compiler() -> None:
    """Protects the first start: torchvision comes without torch's compiler, whose import takes most of the time.

    Whoever asks for the compiler afterwards gets the real one. LiteRT, which is an extra, is not asked for.
    """
    code = (
        "import sys; sys.modules['ai_edge_litert'] = None; from pi_classifier.prepare.bundle import prepare; "
        "from pi_classifier.config.schema import ModelSettings; "
        "prepare(ModelSettings(weights='untrained')); print({'torch._dynamo', 'sympy'} & sys.modules.keys()); "
        "import torch._dynamo.utils; print(torch._dynamo.utils.is_compile_supported('cpu'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["set()", "True"]


@pytest.mark.parametrize("name", get_args(Architecture))
def test_every_architecture_runs(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Protects `run --model`: each of the table's eleven is quantised, scripted, frozen and runs, without a word."""
    model = loaded(ModelSettings(name=name, weights="untrained"))
    predictor = model.new_predictor()
    capfd.readouterr()
    for _ in range(3):
        logits = predictor.infer(grey(model))
        assert logits.shape == (1000,)
        assert logits.dtype == np.float32
    assert capfd.readouterr().err == "", "a warning a frame would fill the journal"
    assert model.metadata.name == name
    assert len(model.metadata.categories) == 1000


def test_settings_know_every_architecture() -> None:
    """Protects `--model`: what the configuration allows is what can be prepared."""
    assert set(get_args(Architecture)) == set(ARCHITECTURES)


def test_weights_made_for_fbgemm_run_under_qnnpack(tmp_path: Path) -> None:
    """Protects the published weights of nine architectures: made for FBGEMM, they give the same answers here.

    Equal up to rounding: the engines round differently where a value lies between two steps.
    """
    if "fbgemm" not in torch.backends.quantized.supported_engines:
        pytest.skip("this build of torch has no FBGEMM to compare with")
    torch.manual_seed(1)
    reference = ARCHITECTURES["resnet18"].builder(weights=None, quantize=True, backend="fbgemm").eval()
    torch.save(reference.state_dict(), tmp_path / "resnet18.pth")
    picture = torch.rand(1, 3, 224, 224) * 4 - 2
    with torch.no_grad():
        expected = reference(picture)[0].numpy()
    model = loaded(ModelSettings(name="resnet18", weights=str(tmp_path / "resnet18.pth")))
    difference = np.abs(logits_of(model, picture) - expected)
    assert difference.max() <= 0.1 * np.ptp(expected)
    assert difference.mean() <= 0.01 * np.ptp(expected)


def test_weights_of_quantisation_aware_training(tmp_path: Path) -> None:
    """Protects MobileNetV3: its file holds weights still to be converted, which are loaded before that is done."""
    torch.backends.quantized.engine = "qnnpack"
    torch.manual_seed(1)
    trained: Any = ARCHITECTURES["mobilenet_v3_large"].builder(weights=None, quantize=False).train()
    trained.fuse_model(is_qat=True)
    trained.qconfig = ao.get_default_qat_qconfig("qnnpack")
    ao.prepare_qat(trained, inplace=True)
    picture = torch.randn(2, 3, 224, 224)
    trained(picture)
    torch.save(trained.state_dict(), tmp_path / "v3.pth")
    reference = ao.convert(trained.eval())
    with torch.no_grad():
        expected = reference(picture[:1])[0].numpy()
    model = loaded(ModelSettings(name="mobilenet_v3_large", weights=str(tmp_path / "v3.pth")))
    assert np.array_equal(logits_of(model, picture[:1]), expected)


def test_qint8_means_the_same_values() -> None:
    """Protects the other type of activations: zero points and stored bytes are 128 less, no real value changes.

    The program for LiteRT is proven by quint8 even so, which every machine can run.
    """
    settings = ModelSettings(weights="untrained")
    plain = loaded(settings)
    bundle = prepare(settings, runtimes=("torchscript", "litert"), activations="qint8")
    assert bundle.proof is not None
    assert bundle.proof.pictures > 0
    try:
        other = TorchScriptModel(bundle, threads=1, top_k=5)
    except ActivationsUnsupported as refusal:
        assert "prepare --activations quint8" in str(refusal)  # noqa: PT017 - either outcome is right, by build
        return
    predictor, other_predictor = plain.new_predictor(), other.new_predictor()
    table = input_table(plain.metadata)
    assert np.array_equal(bundle.table, table), "a bundle has the one table, whatever its programs take"
    for value in (0, 77, 255):
        pixels = np.broadcast_to(table[0, value], (224, 224, 3))
        assert np.array_equal(predictor.infer(pixels), other_predictor.infer(pixels ^ np.uint8(0x80)))

"""Every architecture of the table, quantised here, with weights made for one engine or another."""

import io
import logging
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.ao import quantization as ao

from pi_classifier.errors import ActivationsUnsupported
from pi_classifier.model import Model, new_input, quantisation_table
from pi_classifier.model import open_model
from pi_classifier.prepare.torchscript import prepare
from pi_classifier.prepare.torchvision_models import ARCHITECTURES
from pi_classifier.config.schema import Architecture, ModelSettings

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")


def loaded(settings: ModelSettings) -> Model:
    """A model prepared and loaded in memory."""
    return Model(io.BytesIO(prepare(settings)), threads=1)


def grey(model: Model) -> NDArray[np.uint8]:
    """A picture of nothing."""
    return new_input(model.card)[1]


def logits_of(model: Model, picture: torch.Tensor) -> NDArray[np.float32]:
    """Logits for a normalised picture, 1 x 3 x size x size."""
    quantised = torch.quantize_per_tensor(picture, model.card.scale, model.card.zero_point, torch.quint8)
    return model(quantised.int_repr()[0].permute(1, 2, 0).numpy())


def test_preparing_takes_no_compiler() -> None:
    """Protects the first start: torchvision comes without torch's compiler, whose import takes most of the time.

    Whoever asks for the compiler afterwards gets the real one.
    """
    code = (
        "import sys; from pi_classifier.prepare.torchscript import prepare; from pi_classifier.config.schema import ModelSettings; "
        "prepare(ModelSettings(weights='untrained')); print({'torch._dynamo', 'sympy'} & sys.modules.keys()); "
        "import torch._dynamo.utils; print(torch._dynamo.utils.is_compile_supported('cpu'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["set()", "True"]


@pytest.mark.parametrize("name", get_args(Architecture))
def test_every_architecture_runs(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Protects `run --model`: each of the table's eleven is quantised, scripted, frozen and runs, without a word."""
    model = loaded(ModelSettings(name=name, weights="untrained"))
    capfd.readouterr()
    for _ in range(3):
        logits = model(grey(model))
        assert logits.shape == (1000,)
        assert logits.dtype == np.float32
    assert capfd.readouterr().err == "", "a warning a frame would fill the journal"
    assert model.card.name == name
    assert len(model.card.categories) == 1000


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
    """Protects the other type of activations: zero points and stored bytes are 128 less, no real value changes."""
    settings = ModelSettings(weights="untrained")
    plain = loaded(settings)
    content = prepare(settings, activations="qint8")
    try:
        other = Model(io.BytesIO(content), threads=1)
    except ActivationsUnsupported as refusal:
        assert "prepare --activations quint8" in str(refusal)  # noqa: PT017 - either outcome is right, by build
        return
    assert other.card.zero_point == plain.card.zero_point - 128
    table = quantisation_table(plain.card)
    assert np.array_equal(quantisation_table(other.card), table ^ 0x80)
    for value in (0, 77, 255):
        pixels = np.broadcast_to(table[0, value], (224, 224, 3))
        assert np.array_equal(plain(pixels), other(pixels ^ np.uint8(0x80)))


def test_build_without_qint8_takes_quint8(
    cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Protects `activations = "auto"`: where the build lacks the kernels, quint8 runs, and the log says so."""
    caplog.set_level(logging.WARNING)
    monkeypatch.setenv("CACHE_DIRECTORY", str(cache))
    here = platform.machine()
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    model = open_model(ModelSettings(weights="untrained"), progress=False)
    if model.card.activations == "qint8":
        assert here == "aarch64"
        return
    assert any("taking quint8" in record.getMessage() for record in caplog.records)
    with pytest.raises(ActivationsUnsupported):
        open_model(ModelSettings(weights="untrained", activations="qint8"), progress=False)

"""Weights to a prepared file: quantised, scripted, frozen, with its metadata inside."""

import contextlib
import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import torch

from pi_classifier.config.schema import ModelSettings
from pi_classifier.contracts.model import ModelMetadata
from pi_classifier.prepare.quantise import quantised, to_qint8, untrained
from pi_classifier.prepare.state_dict import default_weights, read_state
from pi_classifier.prepare.torchvision_models import ARCHITECTURES, Architecture
from pi_classifier.runtimes.prepared_file import METADATA_MEMBER, metadata_to_json


def prepare(
    settings: ModelSettings, *, activations: Literal["quint8", "qint8"] = "quint8", progress: bool = False
) -> bytes:
    """The content of a prepared file.

    Args:
        settings: `name` is the architecture; `weights` is `default`, `untrained` or the path of a state dict.
        activations: `qint8` is for torch builds with XNNPACK (aarch64), where it is faster and, with per-tensor
            weights, equal bit for bit; such a file can be made anywhere but not run everywhere.
        progress: whether a download shows a progress bar on stderr.

    Raises:
        ModelError: the weights' file is not what it should be.
        WeightsUnavailable: default weights that are neither in torch's hub folder nor to be downloaded.
    """
    architecture = ARCHITECTURES[settings.name]
    with _quiet_about_deprecations():
        # Before the model is built: its weights are packed for the engine of the moment.
        torch.backends.quantized.engine = settings.engine
        digest = ""
        if settings.weights == "untrained":
            model = untrained(architecture)
        else:
            given = settings.weights != "default"
            path = Path(settings.weights) if given else default_weights(architecture, progress=progress)
            state, digest = read_state(path)
            model = quantised(architecture, state, path)
        metadata = _metadata(model, architecture, settings, digest)
        # The input arrives quantised, so the model's first step goes.
        model.quant = torch.nn.Identity()
        if activations == "qint8":
            metadata = to_qint8(model, metadata)
        answering = _MainAnswer(model) if hasattr(model, "aux_logits") else model
        frozen = torch.jit.freeze(torch.jit.script(answering.eval()))
        file = io.BytesIO()
        torch.jit.save(frozen, file, _extra_files={METADATA_MEMBER: metadata_to_json(metadata)})
    return file.getvalue()


class _MainAnswer(torch.nn.Module):
    """The logits of GoogLeNet or Inception.

    Scripted, they answer with a tuple that has the auxiliary heads' place in it, and warn of that at every call; the
    method inside does neither.
    """

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        model: Any = self.model
        logits: torch.Tensor = model.dequant(model._forward(picture)[0])  # noqa: SLF001
        return logits


def _metadata(
    model: torch.nn.Module, architecture: Architecture, settings: ModelSettings, digest: str
) -> ModelMetadata:
    transforms = architecture.weights.transforms()
    # Only the published file may claim the published accuracy.
    accuracy = architecture.weights.meta["_metrics"]["ImageNet-1K"] if settings.weights == "default" else {}
    quant: Any = model.quant
    return ModelMetadata(
        name=settings.name,
        weights=settings.weights if settings.weights in ("default", "untrained") else Path(settings.weights).name,
        weights_sha256=digest,
        engine=settings.engine,
        activations="quint8",
        input_size=transforms.crop_size[0],
        resize_size=transforms.resize_size[0],
        mean=architecture.mean or tuple(transforms.mean),
        std=architecture.std or tuple(transforms.std),
        scale=float(quant.scale),
        zero_point=int(quant.zero_point),
        categories=tuple(architecture.weights.meta["categories"]),
        torch_version=torch.__version__,
        published_acc1=accuracy.get("acc@1"),
        published_acc5=accuracy.get("acc@5"),
    )


@contextlib.contextmanager
def _quiet_about_deprecations() -> Iterator[None]:
    """Eager-mode quantisation and TorchScript are announced to go some day; the pinned releases have both."""
    with warnings.catch_warnings():
        for category in (DeprecationWarning, FutureWarning, UserWarning):
            warnings.simplefilter("ignore", category)
        yield

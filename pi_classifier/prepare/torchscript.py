"""A quantised model to a TorchScript program."""

import io
from typing import Any

import torch


def to_torchscript(model: torch.nn.Module, *, features: bool = False) -> bytes:
    """The model, scripted and frozen; its input arrives quantised, and its answer are the logits alone.

    The model must not be run afterwards: it has lost its first step.

    Args:
        model: quantised, in evaluation mode.
        features: whether its answer are the logits and the bytes of what the classifier makes them of, as a pair; for
            MobileNetV2.
    """
    # The input arrives quantised, so the model's first step goes.
    model.quant = torch.nn.Identity()
    answering = _MainAnswer(model) if hasattr(model, "aux_logits") else model
    if features:
        answering = _FeaturesToo(model)
    frozen = torch.jit.freeze(torch.jit.script(answering.eval()))
    file = io.BytesIO()
    torch.jit.save(frozen, file)
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


class _FeaturesToo(torch.nn.Module):
    """The logits of MobileNetV2, and the features that they are made of as the integers they are stored as."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        model: Any = self.model
        pooled = torch.flatten(torch.nn.functional.adaptive_avg_pool2d(model.features(picture), (1, 1)), 1)
        return model.dequant(model.classifier(pooled)), torch.int_repr(pooled)

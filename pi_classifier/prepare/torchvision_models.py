"""The architectures of the tutorial's table, with the weights that torchvision publishes for them quantised."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from pi_classifier.prepare.torchvision_import import quantizable


@dataclass(frozen=True, slots=True)
class Architecture:
    """How torchvision builds a model that can be quantised, and what it publishes for it."""

    builder: Callable[..., torch.nn.Module]
    weights: Any
    """Member of a torchvision weights enum: URL, labels, transform and accuracy."""
    per_channel: bool = False
    """Whether the published weights have a scale for each output channel: all that were made for FBGEMM do.

    They are integers with scales, no instructions: QNNPACK packs and runs them as well.
    """
    quantised_after_loading: bool = False
    """Whether the file holds the weights as quantisation-aware training left them, still to be converted."""
    options: tuple[tuple[str, object], ...] = ()
    mean: tuple[float, float, float] | None = None
    """Where not the transform's: GoogLeNet and Inception were trained on inputs in [-1, 1], and torchvision has them
    undo ImageNet's normalisation first. Normalising with this instead gives them the same without that step."""
    std: tuple[float, float, float] | None = None


_HALVES = (0.5, 0.5, 0.5)
_NO_AUXILIARY_HEADS = (("aux_logits", False), ("init_weights", False))

ARCHITECTURES = {
    "mobilenet_v2": Architecture(
        quantizable.mobilenet_v2, quantizable.MobileNet_V2_QuantizedWeights.IMAGENET1K_QNNPACK_V1
    ),
    "mobilenet_v3_large": Architecture(
        quantizable.mobilenet_v3_large,
        quantizable.MobileNet_V3_Large_QuantizedWeights.IMAGENET1K_QNNPACK_V1,
        quantised_after_loading=True,
    ),
    "resnet18": Architecture(
        quantizable.resnet18, quantizable.ResNet18_QuantizedWeights.IMAGENET1K_FBGEMM_V1, per_channel=True
    ),
    "resnet50": Architecture(
        quantizable.resnet50, quantizable.ResNet50_QuantizedWeights.IMAGENET1K_FBGEMM_V1, per_channel=True
    ),
    "resnext101_32x8d": Architecture(
        quantizable.resnext101_32x8d,
        quantizable.ResNeXt101_32X8D_QuantizedWeights.IMAGENET1K_FBGEMM_V1,
        per_channel=True,
    ),
    "inception_v3": Architecture(
        quantizable.inception_v3,
        quantizable.Inception_V3_QuantizedWeights.IMAGENET1K_FBGEMM_V1,
        per_channel=True,
        options=_NO_AUXILIARY_HEADS,
        mean=_HALVES,
        std=_HALVES,
    ),
    "googlenet": Architecture(
        quantizable.googlenet,
        quantizable.GoogLeNet_QuantizedWeights.IMAGENET1K_FBGEMM_V1,
        per_channel=True,
        options=_NO_AUXILIARY_HEADS,
        mean=_HALVES,
        std=_HALVES,
    ),
    "shufflenet_v2_x0_5": Architecture(
        quantizable.shufflenet_v2_x0_5,
        quantizable.ShuffleNet_V2_X0_5_QuantizedWeights.IMAGENET1K_FBGEMM_V1,
        per_channel=True,
    ),
    "shufflenet_v2_x1_0": Architecture(
        quantizable.shufflenet_v2_x1_0,
        quantizable.ShuffleNet_V2_X1_0_QuantizedWeights.IMAGENET1K_FBGEMM_V1,
        per_channel=True,
    ),
    "shufflenet_v2_x1_5": Architecture(
        quantizable.shufflenet_v2_x1_5,
        quantizable.ShuffleNet_V2_X1_5_QuantizedWeights.IMAGENET1K_FBGEMM_V1,
        per_channel=True,
    ),
    "shufflenet_v2_x2_0": Architecture(
        quantizable.shufflenet_v2_x2_0,
        quantizable.ShuffleNet_V2_X2_0_QuantizedWeights.IMAGENET1K_FBGEMM_V1,
        per_channel=True,
    ),
}
"""By the name that `run --model` takes."""

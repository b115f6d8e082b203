"""The architectures of the tutorial's table, with the weights that torchvision publishes for them quantised."""

import contextlib
import importlib.util
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

_schemas: list[torch.library.Library] = []
"""Schemas that were declared live as long as their Library object."""


def _stand_in_for_missing_operators() -> None:
    """Let torchvision be imported where its compiled operators cannot be loaded.

    On x86-64 the registry's torchvision is built for CUDA: beside a CPU build of torch its extension does not load,
    and `import torchvision` then fails on the detection operators' missing schemas ("operator torchvision::nms does
    not exist"). Classification models need none of them, so declaring the two schemas is enough.
    """
    origin = importlib.util.find_spec("torchvision").origin  # type: ignore[union-attr]
    try:
        torch.ops.load_library(str(Path(str(origin)).with_name("_C.so")))
    except OSError:
        library = torch.library.Library("torchvision", "DEF")
        for operator in ("nms", "qnms"):
            library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _schemas.append(library)


@contextlib.contextmanager
def _spared_the_compiler() -> Iterator[None]:
    """Let torchvision be imported without torch's compiler, torch._dynamo, and the algebra system behind that.

    They are most of what the import costs in time, memory and, on a new installation, modules to compile; and all for
    one question that a detection operator asks when it runs. Classification models never ask it. Whoever imports the
    compiler later gets the real one.
    """
    name = "torch._dynamo.utils"
    if name in sys.modules:
        yield
        return
    stand_in = types.ModuleType(name)
    vars(stand_in)["is_compile_supported"] = lambda _device_type: False
    sys.modules[name] = stand_in
    try:
        yield
    finally:
        del sys.modules[name]


with warnings.catch_warnings(), _spared_the_compiler():
    # torchvision warns that its image extension does not load beside a CPU build either. Nothing here decodes with it.
    warnings.simplefilter("ignore")
    _stand_in_for_missing_operators()
    from torchvision.models import quantization as published


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
    "mobilenet_v2": Architecture(published.mobilenet_v2, published.MobileNet_V2_QuantizedWeights.IMAGENET1K_QNNPACK_V1),
    "mobilenet_v3_large": Architecture(
        published.mobilenet_v3_large,
        published.MobileNet_V3_Large_QuantizedWeights.IMAGENET1K_QNNPACK_V1,
        quantised_after_loading=True,
    ),
    "resnet18": Architecture(
        published.resnet18, published.ResNet18_QuantizedWeights.IMAGENET1K_FBGEMM_V1, per_channel=True
    ),
    "resnet50": Architecture(
        published.resnet50, published.ResNet50_QuantizedWeights.IMAGENET1K_FBGEMM_V1, per_channel=True
    ),
    "resnext101_32x8d": Architecture(
        published.resnext101_32x8d, published.ResNeXt101_32X8D_QuantizedWeights.IMAGENET1K_FBGEMM_V1, per_channel=True
    ),
    "inception_v3": Architecture(
        published.inception_v3,
        published.Inception_V3_QuantizedWeights.IMAGENET1K_FBGEMM_V1,
        per_channel=True,
        options=_NO_AUXILIARY_HEADS,
        mean=_HALVES,
        std=_HALVES,
    ),
    "googlenet": Architecture(
        published.googlenet,
        published.GoogLeNet_QuantizedWeights.IMAGENET1K_FBGEMM_V1,
        per_channel=True,
        options=_NO_AUXILIARY_HEADS,
        mean=_HALVES,
        std=_HALVES,
    ),
    "shufflenet_v2_x0_5": Architecture(
        published.shufflenet_v2_x0_5,
        published.ShuffleNet_V2_X0_5_QuantizedWeights.IMAGENET1K_FBGEMM_V1,
        per_channel=True,
    ),
    "shufflenet_v2_x1_0": Architecture(
        published.shufflenet_v2_x1_0,
        published.ShuffleNet_V2_X1_0_QuantizedWeights.IMAGENET1K_FBGEMM_V1,
        per_channel=True,
    ),
    "shufflenet_v2_x1_5": Architecture(
        published.shufflenet_v2_x1_5,
        published.ShuffleNet_V2_X1_5_QuantizedWeights.IMAGENET1K_FBGEMM_V1,
        per_channel=True,
    ),
    "shufflenet_v2_x2_0": Architecture(
        published.shufflenet_v2_x2_0,
        published.ShuffleNet_V2_X2_0_QuantizedWeights.IMAGENET1K_FBGEMM_V1,
        per_channel=True,
    ),
}
"""By the name that `run --model` takes."""

"""MobileNetV2 with random weights whose answers differ from picture to picture, quantised as the published one is."""

import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.ao import quantization as ao

from pi_classifier.contracts.frame import Pixels
from pi_classifier.contracts.model import ModelMetadata
from pi_classifier.prepare.torchvision_import import quantizable
from tests import fakes


def network(*, width: float, classes: int, size: int, seed: int = 0) -> tuple[torch.nn.Module, ModelMetadata]:
    """The quantised modules, as `prepare` has them, with quint8 activations; and the metadata that fit.

    `width`: multiplies all numbers of channels. `size`: of the input.
    """
    torch.backends.quantized.engine = "qnnpack"
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # eager quantisation is announced to go some day
        torch.manual_seed(seed)
        model: Any = quantizable.mobilenet_v2(weights=None, quantize=False, num_classes=classes, width_mult=width)
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                # As after training: channels of different means and spreads.
                for statistics, low, high in ((module.running_mean, -0.4, 0.4), (module.running_var, 0.5, 2)):
                    assert statistics is not None
                    torch.nn.init.uniform_(statistics, low, high)
                torch.nn.init.uniform_(module.weight, 0.5, 1.5)
                torch.nn.init.normal_(module.bias, 0, 0.3)
            elif isinstance(module, torch.nn.Linear):
                torch.nn.init.normal_(module.weight, 0, 0.5)
        model.eval().fuse_model(is_qat=False)
        model.qconfig = ao.QConfig(activation=ao.default_observer, weight=ao.default_weight_observer)
        ao.prepare(model, inplace=True)
        with torch.no_grad():
            model(torch.randn(4, 3, size, size))
        ao.convert(model, inplace=True)
    metadata = fakes.METADATA._replace(
        input_size=size,
        resize_size=size,
        scale=float(model.quant.scale),
        zero_point=int(model.quant.zero_point),
        categories=tuple(f"class {number}" for number in range(classes)),
    )
    model.quant = torch.nn.Identity()
    return model, metadata


def quantised(pixels: Pixels, metadata: ModelMetadata) -> torch.Tensor:
    """The input tensor, 1 x 3 x size x size, quint8, of stored values, size x size x 3."""
    channels_last = torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous(memory_format=torch.channels_last)
    return torch._make_per_tensor_quantized_tensor(  # noqa: SLF001 - the only way from stored values
        channels_last, metadata.scale, metadata.zero_point
    )


def logits(model: torch.nn.Module, pixels: Pixels, metadata: ModelMetadata) -> NDArray[np.float32]:
    """What torch's QNNPACK answers to stored values, quint8, size x size x 3."""
    with torch.inference_mode():
        answer: NDArray[np.float32] = model(quantised(pixels, metadata))[0].numpy()
    return answer


def pictures(size: int, count: int) -> list[Pixels]:
    """Stored values: noise of all spreads and brightnesses, dark, bright and plain ones among them."""
    chance = np.random.default_rng(1)
    made = []
    for _ in range(count):
        noise = chance.normal(chance.uniform(0, 255), chance.choice([0, 5, 30, 90]), (size, size, 3))
        made.append(np.clip(noise, 0, 255).astype(np.uint8))
    return made

"""The network of the demonstration model: a narrow MobileNetV2, learnt from nothing, quantised while it learns."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import nn
from torch.ao import quantization as ao
from torch.ao.nn import quantized as nnq

from pi_classifier.contracts.frame import Pixels
from pi_classifier.contracts.model import ModelMetadata, Training
from pi_classifier.prepare.bundle import quiet_about_deprecations
from pi_classifier.prepare.quantise import observed_in_training, untrained
from pi_classifier.prepare.torchvision_import import quantizable
from pi_classifier.prepare.torchvision_models import Architecture
from pi_classifier.sources.scene import LABELS

INPUT_SIZE, FIRST_SIZE = 96, 48
"""Pixels, of the model, and of what it learns at first, in less than half of the time."""
WIDTH, LAST_CHANNELS = 0.35, 256
"""torchvision leaves the last convolution at 1280 channels however narrow the rest is: half of the weights."""
HALF = 0.5
"""Mean and standard deviation of the normalised input, which is from -1 to 1 by that."""
HIGHEST_RATE = 4e-3
SMALL_UNTIL, ROUNDED_FROM, FROZEN_FROM = 0.5, 0.8, 0.93
"""Parts of the batches: with `FIRST_SIZE`; with weights and activations rounded; with nothing moving but weights."""


def network(*, weights: None = None, quantize: bool = False) -> nn.Module:
    """In floats; takes what every builder of an `Architecture` does."""
    model: Any = quantizable.mobilenet_v2(weights=weights, quantize=quantize, width_mult=WIDTH, num_classes=len(LABELS))
    wide = model.features[-1]
    kind, channels = type(wide), wide[0].in_channels
    model.features[-1] = kind(channels, LAST_CHANNELS, kernel_size=1, activation_layer=nn.ReLU)
    model.classifier[-1] = nn.Linear(LAST_CHANNELS, len(LABELS))
    return model  # type: ignore[no-any-return]


def untrained_network() -> nn.Module:
    """In int8, with random weights."""
    torch.backends.quantized.engine = "qnnpack"
    with quiet_about_deprecations():
        return untrained(Architecture(network, None, quantised_after_loading=True))


class Learning:
    """One run over so many batches, each seen once."""

    def __init__(self, batches: int, seed: int) -> None:
        """`batches`: how many there will be. `seed`: of the first weights."""
        torch.backends.quantized.engine = "qnnpack"
        # How a sum is divided among threads shows in its last bits.
        torch.set_num_threads(1)
        torch.manual_seed(seed)
        model: Any = network().train()
        self._model = model.to(memory_format=torch.channels_last)
        self._batches, self._done = batches, 0
        self._optimiser = torch.optim.Adam(self._model.parameters(), lr=HIGHEST_RATE)
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(self._optimiser, HIGHEST_RATE, batches)
        self._losses = nn.CrossEntropyLoss(label_smoothing=0.05)

    @property
    def size(self) -> int:
        """Height and width of the pictures of the next batch."""
        return FIRST_SIZE if self._done < SMALL_UNTIL * self._batches else INPUT_SIZE

    def learn(self, pictures: Pixels, labels: Sequence[int]) -> float:
        """One batch. `pictures`: uint8, shape (n, size, size, 3), RGB. Returns the loss."""
        with quiet_about_deprecations():
            if self._done == round(ROUNDED_FROM * self._batches):
                # Fused layers, whose weights and outputs are rounded as int8 will round them; the parameters stay.
                observed_in_training(self._model)
            if self._done == round(FROZEN_FROM * self._batches):
                self._model.apply(ao.disable_observer)
                self._model.apply(torch.ao.nn.intrinsic.qat.freeze_bn_stats)
            self._optimiser.zero_grad()
            loss = self._losses(self._model(_normalised(pictures)), torch.tensor(labels))
            loss.backward()
        self._optimiser.step()
        self._schedule.step()
        self._done += 1
        return float(loss.detach())

    def quantised(self) -> nn.Module:
        """The model in int8, in evaluation mode."""
        with quiet_about_deprecations():
            converted: nn.Module = ao.convert(self._model.eval())
        return converted


def metadata_of(model: nn.Module, training: Training) -> ModelMetadata:
    """Of a quantised model, and how it came about."""
    digest = hashlib.sha256()
    layers: Iterator[Any] = (one for one in model.modules() if isinstance(one, nnq.Conv2d | nnq.Linear))
    for layer in layers:
        digest.update(layer.weight().int_repr().numpy().tobytes() + layer.bias().detach().numpy().tobytes())
    quant: Any = model.quant
    return ModelMetadata(
        name="mobilenet_v2",
        weights="demo",
        weights_sha256=digest.hexdigest(),
        engine="qnnpack",
        activations="quint8",
        input_size=INPUT_SIZE,
        resize_size=INPUT_SIZE,
        mean=(HALF, HALF, HALF),
        std=(HALF, HALF, HALF),
        scale=float(quant.scale),
        zero_point=int(quant.zero_point),
        categories=LABELS,
        torch_version=torch.__version__,
        training=training,
    )


def _normalised(pictures: Pixels) -> torch.Tensor:
    values = torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
    return values.float().div(255).sub(HALF).div(HALF)

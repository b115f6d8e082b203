"""The trunk of a quantised MobileNetV2, whose features a new head can be trained on, and the model with that head."""

import hashlib
from collections.abc import Collection
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch.ao.nn import quantized as nnq

from pi_classifier.config.schema import ModelSettings
from pi_classifier.contracts.job import Tensor
from pi_classifier.contracts.model import Runtime, Training
from pi_classifier.errors import ModelError
from pi_classifier.prepare.blocks import Entries, LastBlocks
from pi_classifier.prepare.bundle import Prepared, base_model, bundled, quiet_about_deprecations
from pi_classifier.prepare.head import Head
from pi_classifier.prepare.input_table import input_table
from pi_classifier.runtimes.novelty import Features
from pi_classifier.runtimes.preprocess import Preprocessor
from pi_classifier.runtimes.torchscript import new_input

LEVELS = 255
"""Steps of a quint8."""
MOST_WEIGHT = 127
"""Of a symmetric qint8."""
_LEAST_SCALE = 1e-6
"""For a head of zeros: a scale is never 0."""


class Trunk:
    """The frozen part of a model, all but its last layer."""

    def __init__(self, settings: ModelSettings, *, progress: bool) -> None:
        """Read or fetch the weights.

        Args:
            settings: `weights` is `default`, `untrained` or the path of a state dict of the architecture `name`.
            progress: whether a download shows a progress bar on stderr.

        Raises:
            ModelError: another architecture than MobileNetV2, or the weights' file is not what it should be.
            WeightsUnavailable: default weights that are neither in torch's hub folder nor to be downloaded.
        """
        if settings.name != "mobilenet_v2":
            raise ModelError(f"own classes are for mobilenet_v2 only, not for {settings.name}", remedy="train that one")
        with quiet_about_deprecations():
            network, metadata = base_model(settings, progress=progress)
        # Pictures are seen as `run` sees a camera's: the whole square in their middle, and not what is within a margin.
        self.metadata = metadata._replace(resize_size=metadata.input_size)
        self._network = cast("Any", network)
        self._input, self._pixels = new_input(self.metadata)
        self.blocks = LastBlocks(network)
        """Those that may be trained and replaced."""
        self.size = int(self._network.classifier[-1].in_features)
        """How many features there are."""

    @property
    def scale(self) -> float:
        """Of the features: real value = scale * (byte - zero_point)."""
        return float(self._network.features[-1][0].scale)

    @property
    def zero_point(self) -> int:
        """Of the features."""
        return int(self._network.features[-1][0].zero_point)

    def new_preprocessor(self) -> Preprocessor:
        """Fills a tensor from BGR pixels, as the runtimes do it."""
        return Preprocessor(input_table(self.metadata), self.metadata.input_size)

    def new_tensor(self) -> Tensor:
        """uint8, shape (size, size, 3): quantised RGB."""
        return np.zeros((self.metadata.input_size, self.metadata.input_size, 3), np.uint8)

    def features(self, tensor: Tensor) -> Features:
        """Of one picture, shape (n_features,). `tensor`: one of `new_tensor()`, filled."""
        np.copyto(self._pixels, tensor)
        with torch.inference_mode():
            pooled = torch.nn.functional.adaptive_avg_pool2d(self._network.features(self._input), 1)
            values: Features = pooled.flatten().int_repr().numpy()
        return values

    def entry(self, tensor: Tensor) -> Entries:
        """What goes into the last blocks, shape blocks.ENTRY. `tensor`: one of `new_tensor()`, filled."""
        np.copyto(self._pixels, tensor)
        return self.blocks.entry(self._input)

    def values(self, features: Features) -> NDArray[np.float32]:
        """The real values of features, of the same shape."""
        return (features.astype(np.float32) - np.float32(self.zero_point)) * np.float32(self.scale)

    def quantise(self, head: Head, features: Features) -> None:
        """Give the model this head in place of its own, in int8: per tensor, for the logits of these pictures.

        Args:
            head: of any number of classes.
            features: of the pictures that it was trained on; their logits are the range of its output.
        """
        weights, logits = torch.from_numpy(head.weights), head(self.values(features))
        low, high = min(float(logits.min()), 0.0), max(float(logits.max()), 0.0)
        with quiet_about_deprecations():
            layer = nnq.Linear(self.size, len(head.bias), dtype=torch.qint8)
            scale = max(float(weights.abs().max()) / MOST_WEIGHT, _LEAST_SCALE)
            layer.set_weight_bias(
                torch.quantize_per_tensor(weights, scale, 0, torch.qint8), torch.from_numpy(head.bias)
            )
        layer.scale = max((high - low) / LEVELS, _LEAST_SCALE)
        layer.zero_point = round(-low / layer.scale)
        self._network.classifier[-1] = layer

    def logits(self, features: Features) -> NDArray[np.float32]:
        """What the layer given by `quantise` makes of features: float32, shape (n_pictures, n_classes)."""
        with quiet_about_deprecations(), torch.inference_mode():
            # The one public way to given bytes: their real values, which are quantised to the same again.
            given = torch.quantize_per_tensor(
                torch.from_numpy(self.values(features)), self.scale, self.zero_point, torch.quint8
            )
            values: NDArray[np.float32] = self._network.classifier[-1](given).dequantize().numpy()
        return values

    def to_bundle(
        self,
        name: str,
        categories: tuple[str, ...],
        training: Training,
        prototypes: Features | None,
        *,
        runtimes: Collection[Runtime],
        activations: str,
    ) -> Prepared:
        """A bundle of the model as it is now. The trunk must not be used afterwards.

        Args:
            name: of the new weights.
            categories: a label for each output.
            training: how it came about.
            prototypes: of the classes, uint8, shape (n_classes, n_features), if it shall tell what is none of them.
            runtimes: as for `prepare`, which raises the same errors.
            activations: as for `prepare`.
        """
        layer = self._network.classifier[-1]
        content = (layer.weight().int_repr().numpy().tobytes(), layer.bias().detach().numpy().tobytes())
        digest = hashlib.sha256(repr((training.base_sha256, categories, layer.scale)).encode() + b"".join(content))
        metadata = self.metadata._replace(
            weights=name,
            weights_sha256=digest.hexdigest(),
            activations=activations,
            categories=categories,
            published_acc1=None,
            published_acc5=None,
            training=training,
        )
        with quiet_about_deprecations():
            return bundled(self._network, metadata, runtimes=runtimes, prototypes=prototypes)

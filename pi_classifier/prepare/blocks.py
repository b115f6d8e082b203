"""The last blocks of a quantised MobileNetV2: in floats that round as int8 does, to be trained, and in int8 again.

The floats are the int8 weights, dequantised, so nothing but the model itself is needed. Quantisation-aware training as
in Jacob et al. (2018): weights a scale a tensor, as in the rest of the model.
"""

from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch.ao import quantization as ao

from pi_classifier.prepare.torchvision_models import ARCHITECTURES
from pi_classifier.runtimes.novelty import Features

FIRST = 15
"""The index of the first of them among `features`: three inverted residuals and the last convolution."""
ENTRY = (160, 7, 7)
"""What goes into them, for a picture of 224 x 224: channels, height, width."""
Entries = NDArray[np.uint8]
"""The bytes of quint8: shape (n_pictures, *ENTRY)."""
_BATCH = 64


class LastBlocks:
    """Those of one network, which has to be of ImageNet's size: width 1."""

    def __init__(self, network: torch.nn.Module) -> None:
        self._features: Any = cast("Any", network).features
        before = self._features[FIRST - 1].conv[2]
        self._scale, self._zero_point = float(before.scale), int(before.zero_point)

    def entry(self, picture: torch.Tensor) -> Entries:
        """What goes into them, shape ENTRY. `picture`: quint8, the network's input."""
        with torch.inference_mode():
            for block in self._features[:FIRST]:
                picture = block(picture)
            entry: Entries = picture.int_repr()[0].numpy()
        return entry

    def values(self, entries: Entries) -> torch.Tensor:
        """The real values, float32, of the same shape."""
        return (torch.from_numpy(entries).float() - self._zero_point) * self._scale

    def features(self, entries: Entries) -> Features:
        """What they make of entries, in int8, shape (n_pictures, n_features): pooled over each picture."""
        blocks = self._features[FIRST:]
        with torch.inference_mode():
            parts = [
                torch.nn.functional.adaptive_avg_pool2d(blocks(self._quantised(part)), 1).flatten(1).int_repr().numpy()
                for part in np.split(entries, range(_BATCH, len(entries), _BATCH))
            ]
        return np.concatenate(parts)

    def in_floats(self) -> torch.nn.Sequential:
        """A copy that rounds as int8 does, in training mode.

        It makes values, float32, shape (n_pictures, *ENTRY), to maps of features, shape (n_pictures, n_features, 7, 7).
        """
        model: Any = ARCHITECTURES["mobilenet_v2"].builder(weights=None, quantize=False)
        model.eval().fuse_model(is_qat=False)
        blocks: torch.nn.Sequential = model.features[FIRST:]
        quantised = dict(self._features[FIRST:].named_modules())
        with torch.no_grad():
            for name, module in blocks.named_modules():
                layer = quantised.get(name)
                # A fused convolution is a Sequential with its ReLU; where int8 has one module, its parts have no like.
                if isinstance(layer, torch.ao.nn.quantized.Conv2d):
                    convolution: Any = module if isinstance(module, torch.nn.Conv2d) else cast("Any", module)[0]
                    convolution.weight.copy_(layer.weight().dequantize())
                    convolution.bias.copy_(layer.bias())
        blocks.train()
        blocks.qconfig = ao.get_default_qat_qconfig("qnnpack")
        prepared: torch.nn.Sequential = ao.prepare_qat(blocks)
        return prepared

    def replace(self, trained: torch.nn.Sequential) -> None:
        """Put trained floats in their place, in int8."""
        for index, block in enumerate(ao.convert(trained.eval()), start=FIRST):
            self._features[index] = block

    def _quantised(self, entries: Entries) -> torch.Tensor:
        values = self.values(np.ascontiguousarray(entries))
        return torch.quantize_per_tensor(values, self._scale, self._zero_point, torch.quint8)

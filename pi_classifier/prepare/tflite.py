"""A quantised MobileNetV2 to a TFLite program, which is nearly what LiteRT's XNNPACK computes with the bits of QNNPACK.

Integers and scales stay what they are; only quint8's zero points are 128 less, for TFLite's activations are int8. What
more it takes to be equal is left to `exact_sums` and `exact_factors`.
"""

from typing import Any

import torch
from torch import nn
from torch.ao.nn import quantized as nnq
from torch.ao.nn.intrinsic import quantized as nniq

from pi_classifier.contracts.model import ModelMetadata
from pi_classifier.errors import ModelError
from pi_classifier.runtimes.tflite.program import (
    Add,
    Convolution,
    DepthwiseConvolution,
    FullyConnected,
    Mean,
    Operator,
    Pad,
    Program,
    Unsound,
    Weights,
)
from pi_classifier.runtimes.tflite.verify import SIGNED, input_of, verify

FOR_TORCH = "prepare it for TorchScript: --runtime torchscript"
"""The remedy for a model that LiteRT cannot run."""


def to_program(model: nn.Module, metadata: ModelMetadata, *, features: bool = False) -> Program:
    """The program of torchvision's MobileNetV2, of any width, input size and number of classes.

    Args:
        model: quantised for QNNPACK with activations of quint8, in evaluation mode. Its `quant` is not looked at.
        metadata: of this model.
        features: whether the program gives, beside the logits, the vector that the classifier makes them of.

    Raises:
        ModelError: another architecture, or something that LiteRT would not compute as torch does.
    """
    if metadata.name != "mobilenet_v2":
        raise ModelError(f"LiteRT is for mobilenet_v2 only, not for {metadata.name}", remedy=FOR_TORCH)
    layers = _Layers(metadata)
    network: Any = model
    pooled = layers.append(Mean((layers.of(network.features, 0),)), layers.scales[-1])
    logits = layers.of(network.classifier, pooled)
    program = Program(input_of(metadata), tuple(layers.operators), (logits, pooled) if features else (logits,))
    try:
        verify(program, metadata)
    except Unsound as reason:
        raise _refusal(str(reason)) from None
    _, height, width, _ = program.activations()[pooled - 1].shape
    if height * width % 2 == 0:
        # It may lie in the middle between two bytes, where XNNPACK adds the zero point before it rounds to even.
        raise _refusal(f"a mean of {height} x {width} values")
    return program


class _Layers:
    """The operators of modules, one after another. What appends any returns the number of the activation they give."""

    def __init__(self, metadata: ModelMetadata) -> None:
        self.operators: list[Operator] = []
        self.scales = [metadata.scale]
        """Of each activation, as torch has it."""

    def append(self, operator: Operator, scale: float) -> int:
        """`scale`: of what it gives."""
        self.operators.append(operator)
        self.scales.append(scale)
        return len(self.operators)

    def of(self, module: nn.Module, source: int) -> int:
        """Append a module, and whatever is in it, that takes this activation."""
        match module:
            case nn.Sequential():
                for child in module:
                    source = self.of(child, source)
                return source
            case nn.Identity() | nn.Dropout():
                return source
            case nnq.Conv2d():
                return self._convolution(module, source)
            case nnq.Linear():
                weights = self._weights(module, source, (0, 1))
                return self.append(FullyConnected((source,), weights, *self._quantisation(module)), module.scale)
            case nn.Module(conv=nn.Sequential() as conv, skip_add=nnq.QFunctional() as add, use_res_connect=residual):
                branch = self.of(conv, source)
                if not residual:
                    return branch
                return self.append(Add((source, branch), *self._quantisation(add)), add.scale)
        raise _refusal(f"a {type(module).__name__} in it")

    def _convolution(self, module: nnq.Conv2d, source: int) -> int:
        (kernel, _), (stride, _), (padding, _) = module.kernel_size, module.stride, module.padding
        if padding != kernel // 2 or module.dilation != (1, 1):
            raise _refusal(f"{module} in it")
        if stride > 1 and padding:
            # TFLite's own padding for a stride of 2 is nothing on the left and one on the right; torch has one on both.
            source = self.append(Pad((source,), padding), self.scales[source])
        depthwise = module.groups > 1
        weights = self._weights(module, source, (1, 2, 3, 0) if depthwise else (0, 2, 3, 1))
        relu = isinstance(module, nniq.ConvReLU2d)
        kind = DepthwiseConvolution if depthwise else Convolution
        return self.append(kind((source,), weights, *self._quantisation(module), stride, relu), module.scale)

    def _weights(self, module: Any, source: int, order: tuple[int, ...]) -> Weights:
        """Of a convolution or a linear layer; their dimensions in that order."""
        weights, bias = module.weight(), module.bias()
        if weights.qscheme() != torch.per_tensor_affine or weights.q_zero_point() != 0:
            raise _refusal("its weights have more than one scale")
        scale = weights.q_scale()
        # Rounded as QNNPACK does when it packs them; torch's exporter truncates, and 3 % of the answers change.
        rounded = torch.quantize_per_tensor(bias.detach(), self.scales[source] * scale, 0, torch.qint32)
        values = weights.int_repr().permute(order).contiguous()
        return Weights(values.numpy(), scale, rounded.int_repr().numpy())

    def _quantisation(self, module: Any) -> tuple[float, int]:
        """Of what a module gives."""
        return float(module.scale), int(module.zero_point) - SIGNED


def _refusal(reason: str) -> ModelError:
    return ModelError(f"LiteRT does not run this model ({reason})", remedy=FOR_TORCH)

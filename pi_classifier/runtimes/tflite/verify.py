"""Whether a program may run: what every model file is held to before LiteRT sees it.

A model file is data. What XNNPACK, which computes it, does not take, LiteRT gives to other code of its own, and that
gives other logits or ends the process.
"""

import math
from collections.abc import Sequence

import numpy as np

from pi_classifier.contracts.model import ModelMetadata
from pi_classifier.errors import ModelError
from pi_classifier.runtimes.metadata import again
from pi_classifier.runtimes.tflite.flatbuffer import Malformed
from pi_classifier.runtimes.tflite.program import (
    Activation,
    Convolution,
    FullyConnected,
    Mean,
    Operator,
    Program,
    Unsound,
    Weights,
)
from pi_classifier.runtimes.tflite.read import from_bytes
from pi_classifier.runtimes.tflite.write import to_bytes

SIGNED = 128
"""What a quint8 is more than the int8 that stands for the same value."""
MOST_VALUES, MOST_PRODUCTS = 1 << 27, 1 << 35
"""Of all activations, and of all operators, together. MobileNetV2 has 7 million and 300 million at 224 x 224."""
SCALES = (2.0**-60, 2.0**60)
"""From where to where: products of two are float32, too."""
WEIGHTED_RATIOS, ADDED_RATIOS = (2.0**-32, 2.0**8), (2.0**-10, 2.0**8)
"""The scale that a product, or a summand, has over that of the output: what XNNPACK takes."""


def checked_file(content: bytes, metadata: ModelMetadata, name: str, features: int = 0) -> bytes:
    """The file of a program that may run, made anew.

    Args:
        content: the file, as `prepare` writes it.
        metadata: of its model.
        name: what an error calls it.
        features: how many it has to give beside the logits; with 0 it must give nothing else.

    Raises:
        ModelError: anything else.
    """
    try:
        return verified(content, metadata, features)
    except (Malformed, Unsound) as reason:
        raise ModelError(f"{name}: damaged, or not of 'prepare' ({reason})", remedy=again(metadata)) from None


def verified(content: bytes, metadata: ModelMetadata, features: int | None = None) -> bytes:
    """The file, made anew from the program that was read from it: what was not read is not in it.

    `features` is as for `checked_file`; None takes any outputs behind the logits.

    Raises:
        Malformed, Unsound: anything but the bytes that `to_bytes` makes of a program that may run.
    """
    program = from_bytes(content)
    verify(program, metadata)
    if features is not None:
        _verify_outputs(program, features)
    # Any number of operators may name the same bytes, and would get them each for itself.
    if sum(weights.values.nbytes for weights in map(_weights, program.operators) if weights) > len(content):
        raise Unsound("weights that are in it once are used twice")
    made = to_bytes(program)
    if made != content:
        raise Unsound("more than a program is in it")
    return made


def verify(program: Program, metadata: ModelMetadata) -> None:
    """Whether a program may run, and takes and gives what the metadata say.

    Raises:
        Unsound: it may not, or does not.
    """
    activations = program.activations()
    _verify_flow(program, len(activations))
    _verify_ends(program.input, activations[program.outputs[0]], metadata)
    _verify_sizes(program, activations)
    if not all(-128 <= activation.zero_point <= 127 for activation in activations):
        raise Unsound("a zero point is no int8")
    _verify_scales(program, activations)


def input_of(metadata: ModelMetadata) -> Activation:
    """A model's input as TFLite programs have it: int8, whatever type its activations have elsewhere."""
    size = metadata.input_size
    with np.errstate(over="ignore"):  # what is no float32 becomes infinity, and no program has that
        scale = float(np.float32(metadata.scale))
    return Activation((1, size, size, 3), scale, metadata.zero_point - SIGNED)


def _verify_flow(program: Program, count: int) -> None:
    given, outputs = set(range(1, count)), set(program.outputs)
    if not outputs or not outputs <= given or len(outputs) < len(program.outputs):
        raise Unsound(f"outputs {program.outputs} where operators give 1 to {count - 1}")
    if unused := given - outputs - {source for operator in program.operators for source in operator.sources}:
        raise Unsound(f"nothing takes the activations {sorted(unused)}")


def _verify_ends(given: Activation, logits: Activation, metadata: ModelMetadata) -> None:
    expected = input_of(metadata)
    if given != expected:
        raise Unsound(f"its input is {given}, the metadata's {expected}")
    if logits.shape != (1, len(metadata.categories)):
        raise Unsound(f"{len(metadata.categories)} labels for outputs of {logits.shape}")


def _verify_outputs(program: Program, features: int) -> None:
    """Logits alone; or, behind them, the mean that the last layer makes them of."""
    logits, *others = program.outputs
    if not features:
        if others:
            raise Unsound("it gives more than logits")
        return
    layer = program.operators[logits - 1]
    if not isinstance(layer, FullyConnected) or others != [*layer.sources]:
        raise Unsound("it does not give the features that its logits are made of")
    mean = program.operators[others[0] - 1]
    if not isinstance(mean, Mean) or program.activations()[others[0]].shape != (1, features):
        raise Unsound(f"it does not give {features} features")


def _verify_sizes(program: Program, activations: Sequence[Activation]) -> None:
    if min(min(activation.shape) for activation in activations) < 1:
        raise Unsound("an activation has no size")
    values = sum(math.prod(activation.shape) for activation in activations)
    products = sum(
        math.prod(output.shape[1:-1]) * weights.values.size
        for weights, output in zip(map(_weights, program.operators), activations[1:], strict=True)
        if weights
    )
    if values > MOST_VALUES or products > MOST_PRODUCTS:
        raise Unsound(f"{values} values and {products} products are too many")


def _verify_scales(program: Program, activations: Sequence[Activation]) -> None:
    weights = [_weights(operator) for operator in program.operators]
    scales = [activation.scale for activation in activations] + [each.scale for each in weights if each]
    if not all(SCALES[0] <= scale <= SCALES[1] for scale in scales):
        raise Unsound("a scale is out of all bounds")
    for operator, weighted, output in zip(program.operators, weights, activations[1:], strict=True):
        (low, high), factor = (WEIGHTED_RATIOS, weighted.scale) if weighted else (ADDED_RATIOS, 1.0)
        for source in operator.sources:
            if not low <= activations[source].scale * factor / output.scale < high:
                raise Unsound(f"a {type(operator).__name__} from scale {activations[source].scale} to {output.scale}")


def _weights(operator: Operator) -> Weights | None:
    return operator.weights if isinstance(operator, Convolution | FullyConnected) else None

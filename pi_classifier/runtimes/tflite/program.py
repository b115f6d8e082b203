"""A quantised network as a list of operators. It holds what is free to choose; shapes and all else follow from that.

Every value is an int8, and real value = scale * (stored value - zero point). The activations have numbers: 0 is the
input, and n what the n-th operator gives.
"""

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Shape: TypeAlias = tuple[int, ...]


class Unsound(ValueError):
    """No program: an operator does not take what it is given, say. Says briefly what is wrong."""


class Activation(NamedTuple):
    """What operators take and give."""

    shape: Shape
    """(1, height, width, channels), or (1, channels) behind a mean."""
    scale: float
    zero_point: int


class Weights(NamedTuple):
    """Of a convolution or a fully connected layer. All have one scale, and the zero point 0."""

    values: NDArray[np.int8]
    scale: float
    bias: NDArray[np.int32]
    """(outputs,), at the scale of the input times that of the weights, with the zero point 0."""


class Convolution(NamedTuple):
    """With weights (outputs, k, k, inputs).

    With a stride of 1 the output is as large as the input, by zero points around that; with a longer one the kernel
    stays inside the input.
    """

    sources: tuple[int]
    weights: Weights
    scale: float
    zero_point: int
    stride: int
    relu: bool
    """Whether the output ends at the real value 0."""

    def gives(self, source: Activation) -> Activation:
        """The output for this input."""
        outputs, height, width, inputs = _dimensions(self.weights.values.shape, 4)
        return self._convolved(source, (height, width), inputs, outputs)

    def _convolved(self, source: Activation, kernel: Shape, inputs: int, outputs: int) -> Activation:
        _, height, width, channels = _dimensions(source.shape, 4)
        side = kernel[0]
        fits = kernel == (side, side) and inputs == channels and self.weights.bias.shape == (outputs,)
        if not fits or side < 1 or self.stride not in (1, 2):
            raise Unsound(f"a convolution of {source.shape} with {self.weights.values.shape}")
        if self.stride > 1:
            height, width = ((size - side) // self.stride + 1 for size in (height, width))
        return Activation((1, height, width, outputs), self.scale, self.zero_point)


class DepthwiseConvolution(Convolution):
    """Each channel for itself, with weights (1, k, k, channels)."""

    __slots__ = ()

    def gives(self, source: Activation) -> Activation:
        """The output for this input."""
        one, height, width, channels = _dimensions(self.weights.values.shape, 4)
        if one != 1:
            raise Unsound(f"a depthwise convolution with {self.weights.values.shape}")
        return self._convolved(source, (height, width), channels, channels)


class FullyConnected(NamedTuple):
    """With weights (outputs, inputs)."""

    sources: tuple[int]
    weights: Weights
    scale: float
    zero_point: int

    def gives(self, source: Activation) -> Activation:
        """The output for this input."""
        outputs, inputs = _dimensions(self.weights.values.shape, 2)
        if source.shape != (1, inputs) or self.weights.bias.shape != (outputs,):
            raise Unsound(f"a layer of {source.shape} with {self.weights.values.shape}")
        return Activation((1, outputs), self.scale, self.zero_point)


class Add(NamedTuple):
    """Of two activations of one shape."""

    sources: tuple[int, int]
    scale: float
    zero_point: int

    def gives(self, one: Activation, other: Activation) -> Activation:
        """The output for these inputs."""
        if one.shape != other.shape:
            raise Unsound(f"a sum of {one.shape} and {other.shape}")
        return Activation(one.shape, self.scale, self.zero_point)


class Pad(NamedTuple):
    """Rows and columns of zero points around each channel, `width` at each side."""

    sources: tuple[int]
    width: int

    def gives(self, source: Activation) -> Activation:
        """The output for this input."""
        _, height, width, channels = _dimensions(source.shape, 4)
        if self.width < 1:
            raise Unsound(f"a padding of {self.width}")
        shape = (1, height + 2 * self.width, width + 2 * self.width, channels)
        return Activation(shape, source.scale, source.zero_point)


class Mean(NamedTuple):
    """Of each channel."""

    sources: tuple[int]

    def gives(self, source: Activation) -> Activation:
        """The output for this input."""
        _, _, _, channels = _dimensions(source.shape, 4)
        return Activation((1, channels), source.scale, source.zero_point)


Operator: TypeAlias = Convolution | FullyConnected | Add | Pad | Mean


class Program(NamedTuple):
    """A network of one input."""

    input: Activation
    operators: tuple[Operator, ...]
    """In the order in which they run."""
    outputs: tuple[int, ...]
    """The activations that are handed out, the logits first."""

    def activations(self) -> list[Activation]:
        """All of them, by number.

        Raises:
            Unsound: an operator does not take what it is given, or is given what is not yet there.
        """
        there = [self.input]
        for operator in self.operators:
            if not all(0 <= source < len(there) for source in operator.sources):
                raise Unsound(f"an operator of {operator.sources} where {len(there)} activations are")
            there.append(operator.gives(*(there[source] for source in operator.sources)))
        return there


def _dimensions(shape: Shape, count: int) -> Shape:
    if len(shape) != count:
        raise Unsound(f"{shape} where {count} dimensions are due")
    return shape

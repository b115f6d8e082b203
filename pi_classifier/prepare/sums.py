"""The sums of a program, and what torch's QNNPACK and LiteRT's XNNPACK make of every pair of bytes.

Both compute `(a_multiplier * (a - a_zero_point) + b_multiplier * (b - b_zero_point)) / 2**shift`, rounded, with integer
multipliers for the ratios of scales. QNNPACK's have up to 22 bits, XNNPACK's 21, so a value very near to the middle
between two bytes may be rounded up by one and down by the other.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from pi_classifier.runtimes.tflite.program import Activation, Add, Program
from pi_classifier.runtimes.tflite.verify import SIGNED

PAIRS = 1 << 16
"""How many pairs of bytes there are."""
BYTES = np.arange(-128, 128, dtype=np.int32)
"""All of them."""


class Sum(NamedTuple):
    """What an `Add` takes and gives; of the activations, only scales and zero points matter."""

    a: Activation
    b: Activation
    total: Activation


class Multipliers(NamedTuple):
    """What XNNPACK makes of a sum's scales."""

    a: int
    b: int
    shift: int


def sums_of(program: Program) -> dict[int, Sum]:
    """All sums, by the number of the activation that they give."""
    activations = program.activations()
    return {
        number: Sum(activations[operator.sources[0]], activations[operator.sources[1]], activations[number])
        for number, operator in enumerate(program.operators, 1)
        if isinstance(operator, Add)
    }


def by_torch(addition: Sum) -> NDArray[np.int8]:
    """What torch gives, in quint8 and on its engine of the moment, which has to be QNNPACK.

    Returns:
        int8, shape (256, 256): at [i, k] for a = i - 128 and b = k - 128.
    """
    given = torch.arange(256, dtype=torch.uint8).expand(256, 256)
    a, b = (
        torch._make_per_tensor_quantized_tensor(values.contiguous(), one.scale, one.zero_point + SIGNED)  # noqa: SLF001
        for values, one in ((given.T, addition.a), (given, addition.b))
    )
    total = torch.ops.quantized.add(a, b, addition.total.scale, addition.total.zero_point + SIGNED)
    stored: NDArray[np.uint8] = total.int_repr().numpy()
    return (stored ^ np.uint8(SIGNED)).view(np.int8)


def multipliers_of(addition: Sum) -> Multipliers:
    """Those that XNNPACK takes: `xnn_init_qs8_add_minmax_scalar_params` in its src/microparams-init.c."""
    ratios = np.array([addition.a.scale, addition.b.scale], np.float32) / np.float32(addition.total.scale)
    shift = 21 - int(np.frexp(ratios.max())[1])
    a, b = np.rint(np.ldexp(ratios, shift)).astype(int).tolist()
    return Multipliers(a, b, shift)


def by_xnnpack(
    addition: Sum, by: Multipliers, a: NDArray[np.int32] = BYTES[:, None], b: NDArray[np.int32] = BYTES
) -> NDArray[np.int8]:
    """What XNNPACK would give with these multipliers: `xnn_qs8_vadd_minmax_ukernel` in its src/qs8-vadd/.

    Args:
        addition: whose zero points count.
        by: the multipliers.
        a: bytes of the first summand.
        b: bytes of the second; the two are broadcast.
    """
    half = 1 << (by.shift - 1)
    accumulated = by.a * (a - addition.a.zero_point) + by.b * (b - addition.b.zero_point) + half
    totals: NDArray[np.int32] = (accumulated >> by.shift) + addition.total.zero_point
    return totals.clip(-128, 127).astype(np.int8)

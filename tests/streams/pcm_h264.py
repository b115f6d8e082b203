"""H.264 without an encoder: key frames alone, of macroblocks whose samples stand there as they are (I_PCM).

Of ITU-T H.264, 7.3.2 (parameter sets), 7.3.3 (slice header) and 7.3.5 (macroblock).
"""

from collections.abc import Iterator

import numpy as np

from pi_classifier.contracts.frame import Pixels
from tests.streams.numbered import drawn

MACROBLOCK = 16
I_PCM = 25
BLACK, RANGE = 16, 219 / 255
"""Of luma, and of what lies above it, beside 0 to 255."""


class _Bits:
    """Syntax elements, one after another."""

    def __init__(self) -> None:
        self._text: list[str] = []

    def u(self, count: int, value: int) -> "_Bits":
        """An unsigned integer of so many bits."""
        self._text.append(f"{value:0{count}b}")
        return self

    def ue(self, *values: int) -> "_Bits":
        """Exponential-Golomb codes, 9.1; 0 is also the code of a signed 0."""
        for value in values:
            digits = f"{value + 1:b}"
            self._text.append("0" * (len(digits) - 1) + digits)
        return self

    def aligned(self, *, end: bool = False) -> bytes:
        """All so far, filled up with zeros to whole bytes; at the end of a unit with a one before them."""
        text = "".join(self._text) + "1" * end
        text += "0" * (-len(text) % 8)
        return int(text, 2).to_bytes(len(text) // 8, "big")


def parameter_sets(width: int, height: int) -> tuple[bytes, bytes]:
    """The sequence's and the picture's, without start codes. Width and height: multiples of 16."""
    size = (width // MACROBLOCK - 1, height // MACROBLOCK - 1)
    # Constrained baseline, level 3; the order of output is that of decoding; no reference frames.
    sequence = _Bits().u(8, 66).u(8, 0xC0).u(8, 30).ue(0, 0, 2, 0).u(1, 0).ue(*size).u(1, 1).u(1, 1).u(1, 0).u(1, 0)
    # CAVLC; the deblocking filter can be turned off.
    picture = _Bits().ue(0, 0).u(2, 0).ue(0, 0, 0).u(3, 0).ue(0, 0, 0).u(1, 1).u(2, 0)
    return b"\x67" + sequence.aligned(end=True), b"\x68" + picture.aligned(end=True)


def key_frame(number: int, width: int, height: int) -> bytes:
    """The slice of a frame that shows its number, without a start code. Width and height: multiples of 16."""
    # The first macroblock, an I slice, frame_num, an idr_pic_id other than the last, no marking, no filter.
    header = _Bits().ue(0, 7, 0).u(4, 0).ue(number % 2).u(2, 0).ue(0, 1)
    begin, before_others = header.ue(I_PCM).aligned(), _Bits().ue(I_PCM).aligned()
    # No sample is 0, so that nothing in it looks like a start code.
    return b"\x65" + begin + before_others.join(_samples(drawn(number, width, height))) + b"\x80"


def _samples(pixels: Pixels) -> Iterator[bytes]:
    luma = np.round(BLACK + RANGE * pixels[:, :, 0]).astype(np.uint8)
    chroma = bytes([128]) * (2 * (MACROBLOCK // 2) ** 2)
    for top in range(0, luma.shape[0], MACROBLOCK):
        for left in range(0, luma.shape[1], MACROBLOCK):
            yield luma[top : top + MACROBLOCK, left : left + MACROBLOCK].tobytes() + chroma

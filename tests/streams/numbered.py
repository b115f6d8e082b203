"""Frames that show their number, in black and white blocks, the lowest bit first: as `gst_server.py` draws them."""

import numpy as np

from pi_classifier.contracts.frame import Pixels

BITS, BLOCK = 20, 16
"""Of a number, where the width has room for them; pixels a bit: what a codec does within them cannot change it."""


def bits_in(width: int) -> int:
    """How many bits of its number a frame of that width shows: 20 from 320 pixels on."""
    return min(BITS, width // BLOCK)


def drawn(number: int, width: int, height: int) -> Pixels:
    """A frame, uint8, height x width x 3, all channels alike: its number above grey stripes, which move."""
    pixels = np.empty((height, width, 3), np.uint8)
    pixels[:] = (60 + (np.arange(height) + number) // 8 % 8 * 16)[:, None, None]
    pixels[:BLOCK] = 0
    for bit in range(bits_in(width)):
        pixels[:BLOCK, bit * BLOCK : (bit + 1) * BLOCK] = 255 * (number >> bit & 1)
    return pixels


def number_in(pixels: Pixels) -> int:
    """The number that a frame shows, of the size that it was drawn in; uint8, height x width x 3."""
    bits = bits_in(pixels.shape[1])
    centres = pixels[BLOCK // 2, BLOCK // 2 : bits * BLOCK : BLOCK].mean(axis=1)
    return sum(1 << bit for bit, centre in enumerate(centres) if centre > 127)

"""Stands in for rpicam-vid: `fake_rpicam_vid.py BEHAVIOUR OPTIONS...` takes its options and writes the bytes it would.

It pads rows to 128 bytes, as the ISP of a Pi 5 does, and its colours are full-range, as the real one's are. Frame by
frame the left half goes through `COLOURS`; the right half is white. Its process id goes to the file `pids` next to it.
It needs nothing but the standard library, so that it starts fast.
"""

import argparse
import os
import signal
import sys
import time
from pathlib import Path

COLOURS = ((200, 100, 50), (20, 60, 220), (0, 0, 0), (90, 180, 90))
"""BGR."""
LISTING = """\
Available cameras
-----------------
0 : imx708_wide [4608x2592 10-bit RGGB] (/base/axi/pcie@1000120000/rp1/i2c@80000/imx708@1a)
    Modes: 'SRGGB10_CSI2P' : 1536x864 [120.13 fps - (768, 432)/3072x1728 crop]
                             2304x1296 [56.03 fps - (0, 0)/4608x2592 crop]

1 : imx219 [3280x2464 10-bit RGGB] (/base/axi/pcie@1000120000/rp1/i2c@88000/imx219@10)
    Modes: 'SRGGB10_CSI2P' : 640x480 [206.65 fps - (1000, 752)/1280x960 crop]

"""


def jpeg_ycbcr(blue: int, green: int, red: int) -> tuple[int, int, int]:
    """A colour as JPEG's full-range Y, Cb, Cr."""
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return round(luma), round(128 + (blue - luma) / 1.772), round(128 + (red - luma) / 1.402)


def picture(number: int, width: int, height: int) -> bytes:
    """Frame `number`: I420, rows padded."""
    stride = -(-width // 128) * 128
    left, right = jpeg_ycbcr(*COLOURS[number % len(COLOURS)]), jpeg_ycbcr(255, 255, 255)
    planes = b""
    for plane, shrink in enumerate((1, 2, 2)):
        half = width // shrink // 2
        row = bytes([left[plane]]) * half + bytes([right[plane]]) * (width // shrink - half)
        planes += row.ljust(stride // shrink, b"\0") * (height // shrink)
    return planes


def write(data: bytes) -> None:
    """To the pipe, all of it."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def fail(message: str) -> None:
    """As the real one does: after chatter, one last line."""
    sys.exit(f"Stream configuration adjusted\nERROR: *** {message} ***")


def parsed(arguments: list[str]) -> argparse.Namespace:
    """The options, all of them as a raw stream needs them; as the real one, it knows no others."""
    parser = argparse.ArgumentParser()
    for name in ("--verbose", "--timeout"):
        parser.add_argument(name, type=int, choices=[0], required=True)
    for name in ("--width", "--height", "--camera"):
        parser.add_argument(name, type=int, required=True)
    for name in ("--nopreview", "--flush"):
        parser.add_argument(name, action="store_true", required=True)
    parser.add_argument("--framerate", type=float, required=True)
    parser.add_argument("--codec", choices=["yuv420"], required=True)
    parser.add_argument("--output", choices=["-"], required=True)
    return parser.parse_args(arguments)


def stream(behaviour: str, options: argparse.Namespace) -> None:
    """Frames without end, or three and a half."""
    frames = [picture(number, options.width, options.height) for number in range(len(COLOURS))]
    for number in range(3 if behaviour in ("dies", "hangs", "stubborn") else 1 << 60):
        write(frames[number % len(frames)])
        time.sleep(1 / options.framerate)
    write(frames[3][: len(frames[3]) // 2])


def main() -> None:
    """Behave as told."""
    behaviour, *arguments = sys.argv[1:]
    with Path(sys.argv[0]).with_name("pids").open("a", encoding="utf-8") as pids:
        pids.write(f"{os.getpid()}\n")
    if arguments == ["--list-cameras"]:
        sys.stdout.write("No cameras available!\n" if behaviour == "absent" else LISTING)
        return
    options = parsed(arguments)
    if behaviour == "absent":
        fail("no cameras available")
    if behaviour == "slow to start":
        time.sleep(2.5)
    if behaviour == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    stream(behaviour, options)
    if behaviour == "dies":
        fail("failed to queue request")
    while True:
        signal.pause()


if __name__ == "__main__":
    main()

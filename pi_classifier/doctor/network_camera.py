"""A network camera: what it sends, and what of that makes its frames older or the processor warmer than need be."""

import time
from typing import NamedTuple, Self

import cv2

from pi_classifier.contracts.frame import FrameSource
from pi_classifier.doctor.finding import Finding, State
from pi_classifier.errors import NetworkCameraSilent
from pi_classifier.sources.network.camera import NetworkCamera

FRAMES, SECONDS = 45, 5.0
"""Looked at, whichever comes first after the first frame: enough for a rate, and for B-frames, which come every few."""
MOST_TIMES = 4
"""How much wider or higher a picture may be than what the model takes before a smaller one should be asked for."""
MODEL_SIZE = 224
"""Pixels, of nearly all models."""
BIDIRECTIONAL = ord("B")
"""What OpenCV calls such a frame (CAP_PROP_FRAME_TYPE)."""


class Stream(NamedTuple):
    """What a camera sends."""

    codec: str
    """FFmpeg's name in four letters: `h264`, `hevc`."""
    width: int
    height: int
    fps: float
    """As the frames came; 0 for a single one."""
    b_frames: bool
    """Whether a frame may have to wait for later ones."""

    @classmethod
    def seen_in(cls, capture: cv2.VideoCapture) -> Self | None:
        """From some seconds of frames; None if none comes."""
        arrivals: list[float] = []
        kinds: set[int] = set()
        while len(arrivals) < FRAMES and (not arrivals or time.monotonic() < arrivals[0] + SECONDS) and capture.grab():
            arrivals.append(time.monotonic())
            kinds.add(int(capture.get(cv2.CAP_PROP_FRAME_TYPE)))
        if not arrivals:
            return None
        seconds = arrivals[-1] - arrivals[0]
        return cls(
            codec=int(capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little").decode("latin-1").strip("\0 "),
            width=int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            height=int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
            fps=(len(arrivals) - 1) / seconds if seconds else 0.0,
            b_frames=BIDIRECTIONAL in kinds,
        )


def network_camera(name: str, source: FrameSource) -> list[Finding]:
    """Connect to it and look.

    Args:
        name: of the finding.
        source: a `NetworkCamera`.

    Raises:
        CaptureError: it cannot be reached, refuses, or sends nothing.
    """
    assert isinstance(source, NetworkCamera)  # noqa: S101 - what its URL stands for
    with source.opened() as capture:
        stream = Stream.seen_in(capture)
    if stream is None:
        raise NetworkCameraSilent(f"{source} is connected and sends no picture", remedy="restart the camera")
    seen = f"{stream.codec} {stream.width}x{stream.height} at {stream.fps:.1f} fps"
    findings = [Finding(name, State.OK, seen)]
    if stream.b_frames:
        remedy = "turn B-frames off in the camera's settings, or take the profile 'baseline'"
        findings.append(
            Finding(name, State.WARNING, "sends B-frames, which make every frame some frames older", remedy)
        )
    if max(stream.width, stream.height) > MOST_TIMES * MODEL_SIZE:
        remedy = "name the camera's substream of 640x360 or so: decoding takes several times less"
        findings.append(Finding(name, State.WARNING, f"larger than {MOST_TIMES} times what the model takes", remedy))
    return findings

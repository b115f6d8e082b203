"""The cameras: a real RTSP server, the tests' own."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from tests.streams.gst_process import Mount
from tests.streams.servers import RtspServer


@contextmanager
def playing(names: Sequence[str], width: int, height: int, fps: float) -> Iterator[RtspServer]:
    """So many cameras, whose frames are due one after another; what lacks on this machine is said in one line."""
    mounts = {
        name: Mount(width=width, height=height, fps=fps, phase_seconds=index / len(names) / fps)
        for index, name in enumerate(names)
    }
    server = RtspServer(mounts)
    try:
        server.start()
    except pytest.skip.Exception as missing:
        sys.exit(f"cameras: {missing}")
    try:
        yield server
    finally:
        server.kill()

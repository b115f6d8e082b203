"""How far clients are behind whose connection carries a fifth of what the camera gives."""

import http.client
import json
import struct
import time
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import takewhile
from statistics import median
from typing import NamedTuple

import numpy as np
from websockets.sync.client import ClientConnection, connect

from pi_classifier.contracts.frame import Frame
from tests.fakes import FakeModel
from tests.live.slow_link import slow_link
from tests.waiting import DEADLINE_SECONDS
from tests.web.site import running

FPS = 36.0
SIZE = (480, 640, 3)
PICTURES = 8
INFERENCE_SECONDS = 0.015
SHARE = 0.2
"""Of what a client on a good connection gets."""
MEASURED_SECONDS = 2.0
WATCHED_SECONDS = 20.0
LAST_SECONDS = 5.0
"""Of these it is told how far a client was behind at the end."""
LIVE_BEHIND, MJPEG_BEHIND = 0.3, 1.0
"""Seconds more than a client on a good connection, where the camera's rate is reached; as much longer as it is not."""


class NoisyCamera:
    """Frames that no encoder makes small, and the time when each was captured."""

    pace_fps: float | None = FPS

    def __init__(self) -> None:
        noise = np.random.default_rng(1)
        self._pictures = [noise.integers(64, 192, SIZE, np.uint8) for _ in range(PICTURES)]
        self.captured_at: list[float] = []

    def __str__(self) -> str:
        return "a camera in the dark"

    def frames(self) -> Generator[Frame, None, None]:
        """Without end."""
        while True:
            number = len(self.captured_at)
            self.captured_at.append(time.monotonic())
            yield Frame("front", number, self.captured_at[-1], self._pictures[number % PICTURES])


class Arrival(NamedTuple):
    """A frame that has come to a client."""

    at: float
    sequence: int
    size: int
    """Bytes, with what is around the picture."""


def live_frames(port: int) -> Generator[Arrival, None, None]:
    """What comes to a page that asks for the next frame as soon as it has one."""
    with connect(f"ws://127.0.0.1:{port}/api/v1/live", open_timeout=DEADLINE_SECONDS, proxy=None) as page:
        while True:
            page.send('{"camera": "front"}')
            message = _next_frame(page)
            (length,) = struct.unpack_from(">I", message)
            header = json.loads(message[4 : 4 + length])
            yield Arrival(time.monotonic(), header["sequence"], len(message))


def _next_frame(page: ClientConnection) -> bytes:
    while isinstance(message := page.recv(DEADLINE_SECONDS), str):
        pass
    return message


def mjpeg_frames(port: int) -> Generator[Arrival, None, None]:
    """What comes to a client of Motion JPEG."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_SECONDS)
    connection.request("GET", "/api/v1/cameras/front/stream.mjpg?overlay=0")
    stream = connection.getresponse()
    try:
        while True:
            while not stream.readline().startswith(b"--"):
                pass
            head = http.client.parse_headers(stream)
            size = int(head["Content-Length"])
            assert len(stream.read(size)) == size
            yield Arrival(time.monotonic(), int(head["X-Sequence"]), size)
    finally:
        connection.close()


def watched(arrivals: Generator[Arrival, None, None], seconds: float) -> list[Arrival]:
    """What comes within so many seconds."""
    end = time.monotonic() + seconds
    with closing(arrivals):
        return list(takewhile(lambda one: one.at < end, arrivals))


def fps(arrivals: Sequence[Arrival]) -> float:
    """Frames a second."""
    return (len(arrivals) - 1) / (arrivals[-1].at - arrivals[0].at)


def ages_at_the_end(arrivals: Sequence[Arrival], camera: NoisyCamera) -> list[float]:
    """Of the last frames: seconds from each one's capture until it has come."""
    return [one.at - camera.captured_at[one.sequence] for one in arrivals if one.at > arrivals[-1].at - LAST_SECONDS]


class Watched(NamedTuple):
    """What came to three clients at once: one on a good connection, and two on slow ones."""

    camera: NoisyCamera
    good: list[Arrival]
    live: list[Arrival]
    mjpeg: list[Arrival]


def watch(seconds: float) -> Watched:
    """A site with a camera of 36 frames a second, and who looks, for so long."""
    camera = NoisyCamera()
    with running({"front": camera}, model=FakeModel(INFERENCE_SECONDS)) as site:
        port = site.door.address.port
        first = watched(live_frames(port), MEASURED_SECONDS)
        slow = SHARE * sum(one.size for one in first) / MEASURED_SECONDS
        with slow_link(port, slow) as first_link, slow_link(port, slow) as second_link, ThreadPoolExecutor() as threads:
            clients = (live_frames(port), live_frames(first_link), mjpeg_frames(second_link))
            looking = [threads.submit(watched, client, seconds) for client in clients]
            return Watched(camera, *(one.result() for one in looking))


def test_slow_clients_are_a_moment_behind() -> None:
    """Protects who looks from afar: frames that a connection cannot carry are left out, and never wait in a queue."""
    camera, good, live, mjpeg = watch(WATCHED_SECONDS)
    slowness = max(1.0, FPS / fps(good))
    usual = median(ages_at_the_end(good, camera))
    for arrivals, promised in ((live, LIVE_BEHIND), (mjpeg, MJPEG_BEHIND)):
        assert fps(arrivals) < fps(good) / 2, "the connection was slow"
        assert median(ages_at_the_end(arrivals, camera)) - usual <= promised * slowness

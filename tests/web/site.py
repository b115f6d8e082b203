"""A whole site: cameras, the inference loop and the server, on a port of the loopback."""

import itertools
import threading
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import cv2
import httpx
import numpy as np
from starlette.routing import BaseRoute, Route, WebSocketRoute
from websockets.sync.client import ClientConnection, connect

from pi_classifier.capture import Capture
from pi_classifier.config.address import ListenAddress
from pi_classifier.config.schema import SteadinessSettings, WebSettings
from pi_classifier.contracts.component import Component
from pi_classifier.contracts.frame import Frame, FrameSource, Pixels
from pi_classifier.contracts.job import PictureDemand
from pi_classifier.contracts.model import Model
from pi_classifier.inference.in_this_thread import InThisThread
from pi_classifier.inference.pipeline import Pipeline
from pi_classifier.inference.presence import ObjectWatch, Presence
from pi_classifier.inference.publisher import Publisher
from pi_classifier.inference.requests import Requests
from pi_classifier.inference.steadiness import Steadiness
from pi_classifier.inference.synchroniser import Synchroniser
from pi_classifier.statistics import CameraStatistics
from pi_classifier.web.door import Door
from pi_classifier.web.server import WebServer
from tests.fakes import CollectingObserver, CollectingSink, CollectingWebObserver, FakeModel, steadiness
from tests.waiting import DEADLINE_SECONDS

BITS = 12
BLOCK = 16
"""Pixels a bit: what JPEG does within them cannot change it."""


class NumberedCamera:
    """Every frame shows its number, in black and white blocks, the lowest bit first."""

    def __init__(self, pace_fps: float | None = 100.0) -> None:
        self.pace_fps = pace_fps
        self._numbers = itertools.count()

    def __str__(self) -> str:
        return "a camera that counts"

    def frames(self) -> Generator[Frame, None, None]:
        """Without end; the memory is used again."""
        pixels = np.zeros((BLOCK, BITS * BLOCK, 3), np.uint8)
        for number in self._numbers:
            for bit in range(BITS):
                pixels[:, bit * BLOCK : (bit + 1) * BLOCK] = 255 * (number >> bit & 1)
            yield Frame("front", number, time.monotonic(), pixels)


class Site:
    """One that runs."""

    def __init__(
        self,
        sources: Mapping[str, FrameSource],
        settings: WebSettings,
        model: Model,
        groups: Mapping[str, Sequence[str]],
    ) -> None:
        work_available, self._shutdown = threading.Event(), threading.Event()
        self.door = Door.opened(settings, ListenAddress("127.0.0.1", 0))
        self.url = f"http://{self.door.address}"
        self.observer, self.sink, self.requests = CollectingWebObserver(), CollectingSink(), Requests(work_available)
        self.statistics = [CameraStatistics(camera, time.monotonic()) for camera in sources]
        demands = {camera: PictureDemand() for camera in sources}
        self.server = WebServer(
            self.door,
            pictures_shown=settings.pictures,
            model=model,
            top_k=2,
            statistics=self.statistics,
            picture_demands=demands,
            ask=self.requests.ask,
            observers=[self.observer],
            groups=groups,
            collect=Path(settings.collect) if settings.collect else None,
        )
        self._synchroniser = Synchroniser(groups, sinks=[self.server])
        self.captures = [
            Capture(
                source,
                statistics=one,
                observers=[CollectingObserver(), self._synchroniser],
                model=model,
                work_available=work_available,
                shutdown=self._shutdown,
                picture_demand=demands[one.camera],
            )
            for source, one in zip(sources.values(), self.statistics, strict=True)
        ]
        self._pipeline = Pipeline(
            cameras=list(zip(self.captures, self.statistics, strict=True)),
            executor=InThisThread(model.new_predictor()),
            publisher=Publisher(_steadiness(model, sources), [self.sink, self.server, self._synchroniser]),
            work_available=work_available,
            requests=self.requests,
        )
        self._loop = threading.Thread(target=self._run)

    def start(self) -> None:
        """All of it."""
        components: list[Component] = [self.server, *self.captures]
        for component in components:
            component.start()
        self._loop.start()

    def stop(self) -> None:
        """All of it."""
        self._shutdown.set()
        self._loop.join(DEADLINE_SECONDS)
        components: list[Component] = [*self.captures, self.server]
        for component in components:
            component.stop()

    def client(self, **headers: str) -> httpx.Client:
        """A client of its API; close it."""
        return httpx.Client(base_url=self.url, headers=headers, timeout=DEADLINE_SECONDS, trust_env=False)

    def live(self, **headers: str) -> ClientConnection:
        """A page's connection; close it."""
        return connect(
            f"ws://{self.door.address}/api/v1/live",
            additional_headers=headers,
            open_timeout=DEADLINE_SECONDS,
            proxy=None,
        )

    def _run(self) -> None:
        self._pipeline.run(frames=0, stopping=self._shutdown.is_set, after_turn=self._synchroniser.check)


def _steadiness(model: Model, cameras: Iterable[str]) -> Steadiness:
    """Of a detector, as the daemon has it, its watches; here there are none."""
    if model.metadata.detects:
        watches: dict[str, tuple[ObjectWatch, ...]] = dict.fromkeys(cameras, ())
        return Presence(SteadinessSettings(), watches=watches, on_change=lambda _: None)
    return steadiness(*cameras, categories=model.metadata.categories)


@contextmanager
def running(
    sources: Mapping[str, FrameSource] | None = None,
    settings: WebSettings | None = None,
    model: Model | None = None,
    groups: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Iterator[Site]:
    """A site with one camera that counts and no group, if nothing else is said, while the context lasts."""
    site = Site(sources or {"front": NumberedCamera()}, settings or WebSettings(), model or FakeModel(), groups)
    site.start()
    try:
        yield site
    finally:
        site.stop()


def pixels_of(jpeg: bytes) -> Pixels:
    """Decoded."""
    pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    return pixels.astype(np.uint8)


def path_of(route: BaseRoute) -> str:
    """Its pattern."""
    assert isinstance(route, Route | WebSocketRoute)
    return route.path


def number_in(pixels: Pixels) -> int:
    """The number that a frame of a `NumberedCamera` shows."""
    centres: Sequence[float] = [pixels[BLOCK // 2, bit * BLOCK + BLOCK // 2].mean() for bit in range(BITS)]
    return sum(1 << bit for bit, centre in enumerate(centres) if centre > 127)

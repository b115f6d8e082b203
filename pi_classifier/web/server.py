"""The thread that serves the page and the API."""

import asyncio
import logging
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import uvicorn

from pi_classifier.contracts.event import Event
from pi_classifier.contracts.job import PictureDemand
from pi_classifier.contracts.model import Model
from pi_classifier.contracts.prediction import Prediction
from pi_classifier.contracts.web import WebObserver
from pi_classifier.statistics import CameraStatistics
from pi_classifier.web.api import About, Api
from pi_classifier.web.app import application, routes
from pi_classifier.web.cameras import Cameras
from pi_classifier.web.connection import MOST_HEADERS, BoundedConnection, websocket
from pi_classifier.web.door import Door
from pi_classifier.web.frames import FrameSender
from pi_classifier.web.guard import Guard
from pi_classifier.web.jpeg import JpegEncoder
from pi_classifier.web.live import Live
from pi_classifier.web.news import News
from pi_classifier.web.page import Page
from pi_classifier.web.pictures import Ask, Pictures
from pi_classifier.web.streams import Streams
from pi_classifier.web.view import CameraView, GroupView
from pi_classifier.web.viewers import Viewers

if TYPE_CHECKING:
    # Imported only where a camera has a group.
    from pi_classifier.contracts.group import Group
    from pi_classifier.web.collect import Collect

PING_SECONDS = 20.0
"""A page that answers no ping for so long is gone."""
STOP_SECONDS = 0.7

logger = logging.getLogger(__name__)


class WebServer:
    """Serves the page and the API on a thread of its own. A `Component`, `Sink`, `GroupSink` and `Listener`."""

    def __init__(
        self,
        door: Door,
        *,
        pictures_shown: bool,
        model: Model,
        top_k: int,
        statistics: Sequence[CameraStatistics],
        picture_demands: Mapping[str, PictureDemand],
        ask: Ask,
        observers: Sequence[WebObserver],
        groups: Mapping[str, Sequence[str]] = MappingProxyType({}),
        collect: Path | None = None,
    ) -> None:
        """Build it.

        Args:
            door: where it listens, and who may come in.
            pictures_shown: whether anybody may see pictures, or labels alone.
            model: what pictures that are sent are pre-processed for.
            top_k: classes that are named where a request does not say.
            statistics: of all cameras.
            picture_demands: of each camera, by name.
            ask: has the inference loop run a tensor.
            observers: learn of requests, viewers and frames.
            groups: the names of each group's cameras, by its own.
            collect: the folder that takes pictures of own classes; None: there is no page for that.
        """
        self._door = door
        self._loop = asyncio.new_event_loop()
        self._closing = asyncio.Event()
        self._encoder = JpegEncoder()
        self._pictures = Pictures(model, ask)
        self._news = News(self._loop)
        views = {
            one.camera: CameraView(one.camera, self._loop, picture_demands[one.camera] if pictures_shown else None)
            for one in statistics
        }
        in_step = [GroupView(name, self._loop, [views[one] for one in cameras]) for name, cameras in groups.items()]
        self._cameras = Cameras(list(views.values()), statistics, in_step)
        frames, viewers = FrameSender(self._encoder, observers), Viewers(observers)
        api = Api(
            about=About(model.runtime, model.metadata, pictures_shown, collect is not None),
            access=door.access,
            cameras=self._cameras,
            frames=frames,
            pictures=self._pictures,
            top_k=top_k,
            viewers=viewers,
        )
        streams = Streams(api=api, frames=frames, news=self._news, viewers=viewers, closing=self._closing)
        live = Live(
            api=api,
            cameras=self._cameras,
            frames=frames,
            news=self._news,
            viewers=viewers,
            closing=self._closing,
        )
        page = Page()
        self.routes = routes(api, streams, live, page)
        self._collect = _collecting(collect, api) if collect else None
        if self._collect:
            self.routes += self._collect.routes(page)
        guard = Guard(application(self.routes), access=door.access, observers=observers)
        self._server = _Server(guard, self._closing)
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        logger.info("web: http://%s/%s", self._door.address, " (with its token)" if self._door.is_guarded else "")
        self._thread.start()

    def stop(self) -> None:
        """End all streams, and close the port and all connections; what hangs is left behind."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._closing.set)
            self._thread.join(STOP_SECONDS)
        self._door.listener.close()

    def healthy(self, now: float) -> bool:  # noqa: ARG002 - it serves people, and feeds no watchdog
        """Whether it can answer."""
        return self._thread.is_alive()

    def offer(self, prediction: Prediction) -> None:
        """Show a prediction to who looks."""
        self._cameras.offer(prediction)

    def offer_group(self, group: "Group") -> None:
        """Show a group to who looks."""
        self._cameras.offer_group(group)

    def notify(self, event: Event) -> None:
        """Tell an event to who listens."""
        self._news.notify(event)

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._server.serve(sockets=[self._door.listener]))
        finally:
            self._encoder.close()
            self._pictures.close()
            if self._collect:
                self._collect.close()


def _collecting(folder: Path, api: Api) -> "Collect":
    from pi_classifier.web.collect import Collect  # noqa: PLC0415 - only where it is turned on

    return Collect(folder, api)


class _Server(uvicorn.Server):
    """Sleeps while nobody asks: uvicorn's own looks around ten times a second."""

    def __init__(self, app: Guard, closing: asyncio.Event) -> None:
        # It would log each request, and what strangers send that is none; the guard logs what is a fault of ours.
        for name in ("uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
            logging.getLogger(name).disabled = True
        super().__init__(
            uvicorn.Config(
                app,
                http=BoundedConnection,
                ws=websocket,  # type: ignore[arg-type]  # it is only called
                loop="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                # A header that its own timer would have to renew.
                date_header=False,
                # Whoever connects could say that it is somebody else.
                proxy_headers=False,
                # JPEG is compressed already.
                ws_per_message_deflate=False,
                ws_max_size=MOST_HEADERS,
                ws_ping_interval=PING_SECONDS,
                ws_ping_timeout=PING_SECONDS,
                h11_max_incomplete_event_size=MOST_HEADERS,
                timeout_keep_alive=10,
                timeout_graceful_shutdown=0,
            )
        )
        self._closing = closing

    async def main_loop(self) -> None:
        """Until everything closes; then who looks is told, and has a moment to hear it."""
        await self._closing.wait()
        await asyncio.sleep(0.05)

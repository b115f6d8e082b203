"""What goes on until somebody has seen enough: Motion JPEG, and events as they happen."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, aclosing, suppress

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from pi_classifier.sinks.objects import Object
from pi_classifier.web.api import Api, fps_of, overlay_of
from pi_classifier.web.frames import FrameSender
from pi_classifier.web.guard import ENDLESS
from pi_classifier.web.news import News
from pi_classifier.web.view import CameraView
from pi_classifier.web.viewers import Viewers

BOUNDARY = "frame"
SILENCE_SECONDS = 15.0
"""Then a comment goes to a listener of events: proxies and browsers give up on silence."""
Chunks = AsyncGenerator[bytes, None]


class Streams:
    """Streams for programs that are no page of ours."""

    def __init__(self, *, api: Api, frames: FrameSender, news: News, viewers: Viewers, closing: asyncio.Event) -> None:
        """`closing`: set when all streams shall end."""
        self._api = api
        self._frames = frames
        self._news = news
        self._viewers = viewers
        self._closing = closing

    async def get_mjpeg(self, request: Request) -> Response:
        """GET /api/v1/cameras/NAME/stream.mjpg."""
        view = self._api.view_of(request)
        labelled, fps = overlay_of(request), fps_of(request)
        self._api.pictures_are_shown()
        chunks = self._mjpeg(view, 1 / fps if fps else 0.0, labelled=labelled)
        media_type = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
        return _Stream(chunks, self._viewers.one("mjpeg"), self._closing, media_type)

    async def get_events(self, request: Request) -> Response:
        """GET /api/v1/events."""
        chunks = self._events(request.headers.get("last-event-id", ""))
        return _Stream(chunks, self._viewers.one("events"), self._closing, "text/event-stream")

    async def _mjpeg(self, view: CameraView, interval: float, *, labelled: bool) -> Chunks:
        clock = asyncio.get_running_loop().time
        sequence, due = -1, clock()
        yield f"--{BOUNDARY}\r\n".encode()
        while True:
            prediction = await view.later_than(sequence)
            sequence = prediction.sequence
            jpeg = await self._frames.jpeg(prediction, "mjpeg", labelled=labelled)
            head = f"Content-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\nX-Sequence: {sequence}\r\n\r\n"
            # The next boundary at once: a browser shows a part when it has seen its end.
            yield head.encode() + jpeg + f"\r\n--{BOUNDARY}\r\n".encode()
            due = max(due + interval, clock())
            await asyncio.sleep(due - clock())

    async def _events(self, last_id: str) -> Chunks:
        with self._news.listening() as queue:
            yield b"retry: 2000\n\n"
            for event in self._news.since(last_id):
                yield _as_message(event)
            while True:
                try:
                    message = _as_message(await asyncio.wait_for(queue.get(), SILENCE_SECONDS))
                except TimeoutError:
                    message = b": still here\n\n"
                yield message


class _Stream(StreamingResponse):
    """Ends when the client goes or everything closes, and takes a viewer's place until then."""

    def __init__(
        self, chunks: Chunks, place: AbstractContextManager[None], closing: asyncio.Event, media_type: str
    ) -> None:
        super().__init__(chunks, media_type=media_type)
        self._chunks = chunks
        self._place = place
        self._closing = closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._place:
            scope[ENDLESS] = True
            async with aclosing(self._chunks):
                sending = asyncio.ensure_future(super().__call__(scope, receive, send))
                closing = asyncio.ensure_future(self._closing.wait())
                try:
                    await asyncio.wait({sending, closing}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    closing.cancel()
                    sending.cancel()
                    with suppress(asyncio.CancelledError):
                        await sending


def _as_message(event: Object) -> bytes:
    return f"id: {event['id']}\nevent: {event['event']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode()

"""The page's WebSocket: every camera, the newest frame of each whenever the page has painted the one before.

A page gives a credit for each frame that it wants, or for the frames of one moment of a group. So one that is slow gets
fewer frames and no old ones, and one that is hidden gets none.
"""

import asyncio
import json
import struct
import time
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from pi_classifier.contracts.prediction import Prediction
from pi_classifier.sinks.objects import Object, time_text
from pi_classifier.web.api import Api
from pi_classifier.web.cameras import Cameras, member_object, prediction_object
from pi_classifier.web.frames import FrameSender
from pi_classifier.web.news import News
from pi_classifier.web.problem import Problem
from pi_classifier.web.view import CameraView, GroupView
from pi_classifier.web.viewers import Viewers

STATUS_SECONDS = 1.0
GOING_AWAY, WRONG_MESSAGE = 1001, 1003
"""Codes of RFC 6455, 7.4.1."""
TOO_MANY_VIEWERS = 4013
"""Of the range for private use (7.4.2): of 1013, "try again later", WebKitGTK tells a page nothing."""

Credits = Mapping[str, Mapping[str, asyncio.Event]]
"""Those that a page may give: by `camera` or `group`, by its name."""


class Live:
    """Serves pages."""

    def __init__(
        self, *, api: Api, cameras: Cameras, frames: FrameSender, news: News, viewers: Viewers, closing: asyncio.Event
    ) -> None:
        """`closing`: set when all pages shall be told that the daemon ends."""
        self._api = api
        self._cameras = cameras
        self._frames = frames
        self._news = news
        self._viewers = viewers
        self._closing = closing

    async def connect(self, websocket: WebSocket) -> None:
        """One page, until it goes."""
        await websocket.accept()
        try:
            with self._viewers.one("live"):
                await self._serve(websocket)
        except Problem as problem:
            await websocket.close(TOO_MANY_VIEWERS, problem.detail)

    async def _serve(self, websocket: WebSocket) -> None:
        cameras = {view.camera: asyncio.Event() for view in self._cameras}
        groups = {name: asyncio.Event() for name in self._cameras.groups}
        # A Raspberry Pi without a network has the wrong time: with it the page tells how long ago an event was.
        now = time_text(time.time())
        hello = {"type": "hello", "time": now, **self._api.status(), "history": list(self._news.history)}
        await websocket.send_text(json.dumps(hello, ensure_ascii=False))
        await _until_one_ends(
            self._receive(websocket, {"camera": cameras, "group": groups}),
            self._send_news(websocket),
            self._say_farewell(websocket),
            *(self._send_frames(websocket, view, cameras[view.camera]) for view in self._cameras),
            *(self._send_groups(websocket, view, groups[view.name]) for view in self._cameras.groups.values()),
        )

    async def _receive(self, websocket: WebSocket, credits_of: Credits) -> None:
        """Take credits until the page goes, or says what is none."""
        while (message := await websocket.receive())["type"] != "websocket.disconnect":
            credit = _credit_in(message.get("text") or "", credits_of)
            if credit is None:
                await websocket.close(WRONG_MESSAGE, 'a message is {"camera": "NAME"} or {"group": "NAME"}')
                return
            credit.set()

    async def _send_frames(self, websocket: WebSocket, view: CameraView, credit: asyncio.Event) -> None:
        sequence = -1
        while True:
            await credit.wait()
            credit.clear()
            prediction = await view.later_than(sequence)
            sequence = prediction.sequence
            await self._send(websocket, prediction, prediction_object(prediction))

    async def _send_groups(self, websocket: WebSocket, view: GroupView, credit: asyncio.Event) -> None:
        number = -1
        while True:
            await credit.wait()
            credit.clear()
            group = await view.later_than(number)
            number = group.number
            for member in group.members:
                await self._send(websocket, member.prediction, member_object(group, member))

    async def _send(self, websocket: WebSocket, prediction: Prediction, header: Object) -> None:
        await websocket.send_bytes(_frame(prediction, header, await self._frames.jpeg(prediction, "live")))

    async def _send_news(self, websocket: WebSocket) -> None:
        """Each event as it happens; how the cameras are once a second, and at once when one goes or comes back."""
        loop = asyncio.get_running_loop()
        due = loop.time() + STATUS_SECONDS
        with self._news.listening() as queue:
            while True:
                try:
                    event = await asyncio.wait_for(queue.get(), max(0.0, due - loop.time()))
                    await websocket.send_text(json.dumps({"type": "event", **event}, ensure_ascii=False))
                    if event["event"] not in ("camera_down", "camera_up"):
                        continue
                except TimeoutError:
                    due = loop.time() + STATUS_SECONDS
                status: Object = {"type": "status", "cameras": self._cameras.all_statuses()}
                await websocket.send_text(json.dumps(status, ensure_ascii=False))

    async def _say_farewell(self, websocket: WebSocket) -> None:
        await self._closing.wait()
        await websocket.close(GOING_AWAY, "the daemon ends")


async def _until_one_ends(*jobs: Coroutine[Any, Any, None]) -> None:
    """Run all until one ends, which ends the others; its exception is raised, but for that of a client who is gone."""
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        with suppress(WebSocketDisconnect):
            task.result()


def _credit_in(message: str, credits_of: Credits) -> asyncio.Event | None:
    """What a credit is for; None if it is none."""
    try:
        credit = json.loads(message)
    except (ValueError, RecursionError):
        return None
    if not isinstance(credit, dict) or len(credit) != 1:
        return None
    ((kind, name),) = credit.items()
    return credits_of.get(kind, {}).get(name) if isinstance(name, str) else None


def _frame(prediction: Prediction, header: Object, jpeg: bytes) -> bytes:
    """A message: the length of its header (uint32, big-endian), the header as JSON, the JPEG."""
    picture = prediction.picture
    size = {} if picture is None else {"width": picture.shape[1], "height": picture.shape[0]}
    text = json.dumps({**header, **size}, ensure_ascii=False).encode()
    return struct.pack(">I", len(text)) + text + jpeg

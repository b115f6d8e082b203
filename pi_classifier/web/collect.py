"""The page `/collect` and its calls: imported, and there at all, only where `[web] collect` names a folder."""

import shlex
from http import HTTPStatus
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from pi_classifier.collecting.burst import EVERY_SECONDS
from pi_classifier.errors import CannotWrite, PiClassifierError
from pi_classifier.web.api import RETRY_SECONDS, Api
from pi_classifier.web.body import json_of
from pi_classifier.web.page import Page
from pi_classifier.web.problem import Problem, busy, too_often
from pi_classifier.web.rate import Rate
from pi_classifier.web.recording import Recorder

A_SECOND, AT_ONCE = 10.0, 20
"""Calls that are taken: a page makes two or three a second."""
MOST_BYTES = 10_000
"""Of a body."""
ASKED = 'write {"camera": "...", "label": "..."}, and "keep_similar": true to keep what is practically the same'


class Collect:
    """Answers the page that takes pictures."""

    def __init__(self, folder: Path, api: Api) -> None:
        """`folder`: of the classes."""
        self._api = api
        self._recorder = Recorder(folder)
        self._rate = Rate(A_SECOND, AT_ONCE)

    def routes(self, page: Page) -> list[BaseRoute]:
        """By path."""
        burst = "/api/v1/collect/burst"
        return [
            Route("/collect", page.collect),
            Route("/api/v1/collect", self.get_classes, methods=["GET"]),
            Route(burst, self.burst, methods=["POST", "DELETE"]),
            Route(f"{burst}/renew", self.post_renew, methods=["POST"]),
            Route(f"{burst}/stop", self.post_stop, methods=["POST"]),
        ]

    async def get_classes(self, _: Request) -> Response:
        """GET /api/v1/collect: the classes, and the last burst."""
        self._limit()
        try:
            found = await self._recorder.counts()
        except PiClassifierError as error:
            raise _problem(error) from None
        folder = self._recorder.folder
        return JSONResponse(
            {
                "every": EVERY_SECONDS,
                "train": f"pi-classifier train {shlex.quote(str(folder))} --output own.bundle",
                "classes": [{"label": label, "pictures": count} for label, count in found.items()],
                "burst": self._recorder.state(),
            }
        )

    async def burst(self, request: Request) -> Response:
        """POST or DELETE /api/v1/collect/burst."""
        return await (self.post_burst if request.method == "POST" else self.delete_burst)(request)

    async def post_burst(self, request: Request) -> Response:
        """POST /api/v1/collect/burst: begin to take pictures."""
        self._limit()
        asked = await json_of(request, MOST_BYTES)
        camera, label, keep_similar = (asked.get(key) for key in ("camera", "label", "keep_similar"))
        if not (isinstance(camera, str) and isinstance(label, str) and isinstance(keep_similar, bool | None)):
            raise Problem(HTTPStatus.BAD_REQUEST, ASKED)
        view = self._api.view_named(camera)
        if away := self._api.error_of(camera):
            raise busy(away, RETRY_SECONDS)
        try:
            await self._recorder.start(view, label, keep_similar=bool(keep_similar))
        except PiClassifierError as error:
            raise _problem(error) from None
        return JSONResponse(self._recorder.state(), HTTPStatus.CREATED)

    async def post_renew(self, request: Request) -> Response:
        """POST /api/v1/collect/burst/renew: the button is still held."""
        self._limit()
        self._recorder.renew(_id_in(request))
        return JSONResponse(self._recorder.state())

    async def post_stop(self, request: Request) -> Response:
        """POST /api/v1/collect/burst/stop: it was released."""
        self._limit()
        await self._recorder.stop(_id_in(request))
        return JSONResponse(self._recorder.state())

    async def delete_burst(self, request: Request) -> Response:
        """DELETE /api/v1/collect/burst: the pictures of the last burst, and no others."""
        self._limit()
        try:
            await self._recorder.discard(_id_in(request))
        except PiClassifierError as error:
            raise _problem(error) from None
        return JSONResponse(self._recorder.state())

    def close(self) -> None:
        """Take no more."""
        self._recorder.close()

    def _limit(self) -> None:
        if wait := self._rate.seconds_until_next():
            raise too_often(f"{A_SECOND:g} calls a second are taken", wait)


def _id_in(request: Request) -> str:
    burst_id = request.query_params.get("id")
    if not burst_id:
        raise Problem(HTTPStatus.BAD_REQUEST, "id: name the burst")
    return burst_id


def _problem(error: PiClassifierError) -> Problem:
    status = HTTPStatus.INSUFFICIENT_STORAGE if isinstance(error, CannotWrite) else HTTPStatus.UNPROCESSABLE_ENTITY
    return Problem(status, str(error))

"""Every route there is."""

from collections.abc import Sequence
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp

from pi_classifier.web.api import CLASSIFY, DETECT, Api
from pi_classifier.web.live import Live
from pi_classifier.web.page import Page
from pi_classifier.web.problem import Problem
from pi_classifier.web.streams import Streams


def routes(api: Api, streams: Streams, live: Live, page: Page) -> list[BaseRoute]:
    """By path. What may be asked without a token stands in `guard`."""
    camera = "/api/v1/cameras/{camera}"
    return [
        Route("/", page.index),
        Route("/static/{name}", page.file),
        Route("/healthz", api.get_health),
        Route("/login", api.post_login, methods=["POST"]),
        Route("/api/v1/openapi.json", api.get_openapi),
        Route("/api/v1/status", api.get_status),
        Route(camera, api.get_camera),
        Route(f"{camera}/snapshot.jpg", api.get_snapshot),
        Route(f"{camera}/stream.mjpg", streams.get_mjpeg, methods=["GET"]),
        Route("/api/v1/events", streams.get_events, methods=["GET"]),
        Route(CLASSIFY, api.post_classify, methods=["POST"]),
        Route(DETECT, api.post_detect, methods=["POST"]),
        WebSocketRoute("/api/v1/live", live.connect),
    ]


def application(routes: Sequence[BaseRoute]) -> ASGIApp:
    """Routes, whose refusals are answered as problems."""
    app = Starlette(routes=routes, exception_handlers={Problem: _refused, HTTPException: _refused, Exception: _failed})
    app.router.redirect_slashes = False
    return app


def _refused(_: Request, error: Exception) -> Response:
    """A Problem, or Starlette's own: no such path, no such method."""
    if isinstance(error, HTTPException):
        error = Problem(HTTPStatus(error.status_code), error.detail, error.headers)
    return error.response if isinstance(error, Problem) else _failed(_, error)


def _failed(_: Request, __: Exception) -> Response:
    """It is raised again when this has been sent."""
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "a fault of this program; its log says more").response

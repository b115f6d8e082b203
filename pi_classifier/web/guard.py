"""What stands before every route: who may not ask is turned away, every answer is made safe, every request counted."""

import logging
import time
from collections.abc import Sequence
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from pi_classifier.contracts.web import WebObserver
from pi_classifier.system.log_limit import LogLimit
from pi_classifier.web.access import Access
from pi_classifier.web.problem import Problem
from pi_classifier.web.refusal import refusal

OPEN = ("/", "/collect", "/healthz", "/login")
OPEN_FOLDER = "/static/"
"""What may be asked without a token: the pages' own files, which hold no secret, and nothing else."""
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Of every answer."""
OTHER = "other"
METHODS = ("GET", "HEAD", "POST", "DELETE")
ENDLESS = "pi_classifier.endless"
"""What a route sets in the scope of a request once its answer lasts as long as somebody looks."""
CLIENT_GONE = 499
"""What nginx calls it when a client goes before it has an answer."""

logger = logging.getLogger(__name__)


class Guard:
    """ASGI middleware, the outermost."""

    def __init__(self, app: ASGIApp, *, access: Access, observers: Sequence[WebObserver]) -> None:
        """`observers`: learn of every request."""
        self._app = app
        self._access = access
        self._observers = tuple(observers)
        self._failures = LogLimit()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        exchange = _Exchange(scope, send)
        try:
            problem = self._refusal(scope)
            if problem is None:
                await self._app(scope, receive, exchange.send)
            else:
                await _refuse(problem, scope, receive, exchange.send)
        except Exception:  # the fault of one request is no other's
            if occasions := self._failures.occasions(time.monotonic()):
                logger.exception("web: a request failed; such requests since the last such line: %d", occasions)
        finally:
            for observer in self._observers:
                observer.request_answered(*exchange.summary)

    def _refusal(self, scope: Scope) -> Problem | None:
        headers = Headers(scope=scope)
        path: str = scope["path"]
        client = scope["client"][0] if scope["client"] else ""
        verdict = self._access.judge(headers, client, is_open=path in OPEN or path.startswith(OPEN_FOLDER))
        return refusal(verdict)


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._started = time.monotonic()
        self.status: int | None = None

    async def send(self, message: Message) -> None:
        """Send on, with the headers that every answer has."""
        kind = message["type"]
        if kind in ("http.response.start", "websocket.http.response.start"):
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
        elif kind == "websocket.accept":
            self.status = HTTPStatus.SWITCHING_PROTOCOLS.value
        await self._send(message)

    @property
    def summary(self) -> tuple[str, str, int, float | None]:
        """Its route, method, status and seconds."""
        # Neither path nor method as they came: strangers could make as many series of them as they like.
        route = getattr(self._scope.get("route"), "path", OTHER)
        method = self._scope.get("method", "GET")
        status = self.status if self.status is not None else CLIENT_GONE
        is_endless = status == HTTPStatus.SWITCHING_PROTOCOLS or ENDLESS in self._scope
        seconds = None if is_endless else time.monotonic() - self._started
        return route, method if method in METHODS else OTHER, status, seconds


async def _refuse(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await WebSocket(scope, receive, send).send_denial_response(problem.response)
    else:
        await problem.response(scope, receive, send)

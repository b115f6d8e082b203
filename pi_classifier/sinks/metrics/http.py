"""HTTP, as far as a scrape needs it: the bytes of one request become the bytes of one answer."""

import gzip
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from email.utils import formatdate
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import parse_qs

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder, gzip_accepted
from prometheus_client.registry import Collector

from pi_classifier.system.log_limit import LogLimit

LARGEST_REQUEST = 8192
"""Bytes, for request line and headers together; Prometheus sends some 400."""
METRICS = ("/metrics", "/")
ALLOW = ("Allow", "GET, HEAD, OPTIONS")
END = re.compile(rb"\r?\n\r?\n")
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

logger = logging.getLogger(__name__)

Header = tuple[str, str]


class Request(NamedTuple):
    """What was asked for."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    """By their names in lower case; what came several times is joined by commas."""


class Answer(NamedTuple):
    """What is sent back."""

    status: HTTPStatus
    body: bytes = b""
    headers: Sequence[Header] = ()

    def to_bytes(self, *, head: bool) -> bytes:
        """As it is sent. `head`: without the body, whose length is told all the same (RFC 9110, 9.3.2)."""
        lines = [
            f"HTTP/1.0 {self.status.value} {self.status.phrase}",
            f"Date: {formatdate(usegmt=True)}",
            *(f"{name}: {value}" for name, value in self.headers),
            f"Content-Length: {len(self.body)}",
            "Connection: close",
        ]
        return "".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1") + (b"" if head else self.body)


class _Refused(Exception):
    """A request that is not answered with metrics, and why, in one line for whoever sent it."""

    def __init__(self, status: HTTPStatus, why: str, *headers: Header) -> None:
        super().__init__(why)
        self.answer = Answer(status, f"{why}\n".encode(), (("Content-Type", "text/plain; charset=utf-8"), *headers))


class MetricsPage:
    """Answers requests with what a registry holds, in the format and the encoding that the client accepts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._failures = LogLimit()

    def answer(self, received: bytes) -> bytes | None:
        """The whole answer, once the request is complete or can be none any more; until then None.

        Status 200; 4xx for what is not understood, with a line that says why; 500 where the metrics cannot be read,
        which is a fault of this program, and logged.
        """
        try:
            request = _parse(received)
            if request is None:
                return None
            answer = self._respond(request)
        except _Refused as refused:
            answer = refused.answer
        except Exception:  # a collector's fault costs one scrape, not all that follow
            if occasions := self._failures.occasions(time.monotonic()):
                logger.exception("metrics: a scrape failed; such scrapes since the last such line: %d", occasions)
            answer = Answer(HTTPStatus.INTERNAL_SERVER_ERROR, b"the metrics cannot be read; the log says why\n")
        return answer.to_bytes(head=received.startswith(b"HEAD "))

    def _respond(self, request: Request) -> Answer:
        if request.method == "OPTIONS":
            return Answer(HTTPStatus.OK, headers=(ALLOW,))
        if request.method not in ("GET", "HEAD"):
            raise _Refused(HTTPStatus.METHOD_NOT_ALLOWED, "take GET, HEAD or OPTIONS", ALLOW)
        if request.path == "/favicon.ico":  # every browser asks, and would be told of an error
            return Answer(HTTPStatus.OK)
        if request.path not in METRICS:
            raise _Refused(HTTPStatus.NOT_FOUND, "the metrics are at /metrics")
        return self._exposition(request)

    def _exposition(self, request: Request) -> Answer:
        """As prometheus_client's own server would answer."""
        encode, content_type = _format(request.headers.get("accept", ""))
        names = parse_qs(request.query).get("name[]")
        body = encode(self._registry.restricted_registry(names) if names else self._registry)
        headers = [("Content-Type", content_type)]
        if gzip_accepted(request.headers.get("accept-encoding", "")):
            body = gzip.compress(body)
            headers.append(("Content-Encoding", "gzip"))
        return Answer(HTTPStatus.OK, body, headers)


def _format(accept: str) -> tuple[Callable[[Collector], bytes], str]:
    """The encoder and the content type that a client accepts."""
    try:
        return choose_encoder(accept)
    except (TypeError, ValueError):  # it compares versions without a look at them
        raise _Refused(HTTPStatus.NOT_ACCEPTABLE, "Accept: no such version of the format") from None


def _parse(received: bytes) -> Request | None:
    """A request out of the bytes that have come; None: it is not complete. A body is not looked at."""
    head = received[:LARGEST_REQUEST]
    end = END.search(head)
    if not end and len(head) < LARGEST_REQUEST:
        return None
    if not end:
        too_large = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE if b"\n" in head else HTTPStatus.REQUEST_URI_TOO_LONG
        raise _Refused(too_large, f"request line and headers may have {LARGEST_REQUEST} bytes")
    first, *lines = (line.removesuffix("\r") for line in head[: end.start()].decode("latin-1").split("\n"))
    method, target = _request_line(first)
    path, _, query = target.partition("?")
    return Request(method, path, query, _headers(lines))


def _request_line(line: str) -> tuple[str, str]:
    """Method and target; of a whole URL, which is allowed as well (RFC 9112, 3.2.2), its path and query."""
    words = line.split(" ")
    if len(words) != 3 or not all(words) or CONTROL.search(line) or words[2] not in ("HTTP/1.0", "HTTP/1.1"):
        raise _Refused(HTTPStatus.BAD_REQUEST, "this is no request of HTTP/1.0 or HTTP/1.1")
    method, target, _ = words
    if target.startswith("http://"):
        target = "/" + target.removeprefix("http://").partition("/")[2]
    return method, target


def _headers(lines: Sequence[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not TOKEN.fullmatch(name) or CONTROL.search(value):
            raise _Refused(HTTPStatus.BAD_REQUEST, "a header is not NAME: VALUE")
        name, value = name.lower(), value.strip()
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers

"""What cannot be answered, as `application/problem+json` (RFC 9457)."""

import json
from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import Response


class Problem(Exception):
    """Ends a request: a status, and in one line what is wrong and what would be right."""

    def __init__(self, status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})

    @property
    def response(self) -> Response:
        """As it is sent."""
        body = {"type": "about:blank", "title": self.status.phrase, "status": self.status.value, "detail": self.detail}
        return Response(
            json.dumps(body, ensure_ascii=False), self.status.value, self.headers, media_type="application/problem+json"
        )


def busy(detail: str, retry_seconds: int) -> Problem:
    """503: what was asked for is possible at another time."""
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": str(retry_seconds)})


def too_often(detail: str, retry_seconds: int) -> Problem:
    """429: too many in too short a time."""
    return Problem(HTTPStatus.TOO_MANY_REQUESTS, detail, {"Retry-After": str(retry_seconds)})

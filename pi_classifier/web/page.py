"""The page's own files, read once: no request's path ever becomes a file's."""

import hashlib
from http import HTTPStatus
from importlib.resources import files
from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}


class _File(NamedTuple):
    content: bytes
    media_type: str
    etag: str


class Page:
    """Serves index.html, collect.html and what they name."""

    def __init__(self) -> None:
        found = {file.name: file.read_bytes() for file in (files("pi_classifier.web") / "static").iterdir()}
        self._files = {
            name: _File(content, TYPES[suffix], f'"{hashlib.sha256(content).hexdigest()[:32]}"')
            for name, content in found.items()
            if (suffix := f".{name.rpartition('.')[2]}") in TYPES
        }

    async def index(self, request: Request) -> Response:
        """The page."""
        return self._answer(request, "index.html")

    async def collect(self, request: Request) -> Response:
        """The page that takes pictures."""
        return self._answer(request, "collect.html")

    async def file(self, request: Request) -> Response:
        """One of its files."""
        return self._answer(request, request.path_params["name"])

    def _answer(self, request: Request, name: str) -> Response:
        file = self._files.get(name)
        if file is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        # Asked for again each time, and then answered in a line: an upgrade shows at once.
        headers = {"ETag": file.etag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == file.etag:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        return Response(file.content, headers=headers, media_type=file.media_type)

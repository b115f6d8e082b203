"""What a request carries, bounded in size and time."""

import asyncio
import base64
import binascii
import json
from collections.abc import AsyncGenerator
from http import HTTPStatus
from typing import NamedTuple

from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from pi_classifier.web.problem import Problem

MOST_BYTES = 10_000_000
"""Of a body."""
BODY_SECONDS = 30.0
PICTURES = ("image/jpeg", "image/png", "image/webp")
KINDS = f"{', '.join(PICTURES)}, multipart/form-data or application/json"
JSON = "application/json"


class Posted(NamedTuple):
    """A picture to be classified."""

    data: bytes
    """As a file has it."""
    top_k: object = None
    """What was said of that beside it; None: nothing."""


async def body_of(request: Request, most: int = MOST_BYTES) -> bytes:
    """All bytes. Raises Problem: too many (413), too slow (408)."""
    too_large = Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body may have {most} bytes")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > most:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most:
                    raise too_large
    except TimeoutError:
        raise Problem(HTTPStatus.REQUEST_TIMEOUT, f"the body did not come within {BODY_SECONDS:g} s") from None
    except ClientDisconnect:
        raise Problem(HTTPStatus.BAD_REQUEST, "the body ended too soon") from None
    return bytes(body)


async def json_of(request: Request, most: int = MOST_BYTES) -> dict[str, object]:
    """A body that is a JSON object. Raises Problem as `body_of`; 400: it is none."""
    return _object(await body_of(request, most))


async def posted_picture(request: Request) -> Posted:
    """The picture of a request: raw, in a form, or in JSON as base64.

    Raises:
        Problem: as `body_of`; 400: not what its type says; 415: of a type that is not known.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in PICTURES:
        return Posted(await body_of(request))
    if kind == "multipart/form-data":
        return await _of_form(request.headers, await body_of(request))
    if kind == JSON:
        return _of_json(await json_of(request))
    raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Content-Type: send {KINDS}", {"Accept-Post": KINDS})


async def _of_form(headers: Headers, body: bytes) -> Posted:
    async def once() -> AsyncGenerator[bytes, None]:
        yield body

    try:
        # One part may be as long as the whole.
        parser = MultiPartParser(headers, once(), max_files=2, max_fields=8, max_part_size=MOST_BYTES)
        form: FormData = await parser.parse()
    except (MultiPartException, KeyError) as error:
        raise Problem(HTTPStatus.BAD_REQUEST, f"the form cannot be read: {error}") from None
    picture = form.get("image")
    try:
        if not isinstance(picture, UploadFile):
            raise Problem(HTTPStatus.BAD_REQUEST, "the form has no file 'image'")
        return Posted(await picture.read(), form.get("top_k"))
    finally:
        await form.close()


def _of_json(body: dict[str, object]) -> Posted:
    """Both spellings: `{"image": "..."}` and `{"image": {"type": "base64", "value": "..."}}`."""
    image = body.get("image")
    if isinstance(image, dict) and image.get("type") == "base64":
        image = image.get("value")
    if not isinstance(image, str):
        raise Problem(
            HTTPStatus.BAD_REQUEST, 'write {"image": "BASE64"}, or {"image": {"type": "base64", "value": "BASE64"}}'
        )
    try:
        return Posted(base64.b64decode(image, validate=True), body.get("top_k"))
    except (binascii.Error, ValueError):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "image: this is no base64") from None


def _object(body: bytes) -> dict[str, object]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise Problem(HTTPStatus.BAD_REQUEST, "the body is no JSON") from None
    if not isinstance(found, dict):
        raise Problem(HTTPStatus.BAD_REQUEST, "the body is no JSON object")
    return found

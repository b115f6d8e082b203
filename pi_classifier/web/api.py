"""The API's calls that are a question and an answer."""

import asyncio
import json
from http import HTTPStatus
from importlib.resources import files
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from pi_classifier import __version__
from pi_classifier.contracts.model import Described, Runtime
from pi_classifier.contracts.prediction import Prediction
from pi_classifier.runtimes.classification import best
from pi_classifier.sinks.objects import Object, detection_object, score_objects
from pi_classifier.web.access import COOKIE, Access
from pi_classifier.web.body import json_of, posted_picture
from pi_classifier.web.cameras import Cameras, prediction_object
from pi_classifier.web.frames import FrameSender
from pi_classifier.web.pictures import Looked, Pictures
from pi_classifier.web.problem import Problem, busy
from pi_classifier.web.refusal import refusal
from pi_classifier.web.view import CameraView
from pi_classifier.web.viewers import Viewers

FRAME_SECONDS = 5.0
"""How long a snapshot waits for the next frame."""
RETRY_SECONDS = 5
COOKIE_SECONDS = 365 * 86400
LOGIN_BYTES = 10_000
CLASSIFY, DETECT = "/api/v1/classify", "/api/v1/detect"
"""Of which one answers, as the model is."""
COLLECT = "/api/v1/collect"
"""What begins so is there only where pictures of own classes can be taken."""


class About(NamedTuple):
    """What runs here."""

    runtime: Runtime
    metadata: Described
    pictures: bool
    """Whether pictures are shown."""
    collects: bool
    """Whether pictures of own classes can be taken."""

    @property
    def model_object(self) -> Object:
        """The model, as JSON has it."""
        return {"name": self.metadata.name, "weights": self.metadata.weights, "runtime": self.runtime}


class Api:
    """Answers questions."""

    def __init__(
        self,
        *,
        about: About,
        access: Access,
        cameras: Cameras,
        frames: FrameSender,
        pictures: Pictures,
        top_k: int,
        viewers: Viewers,
    ) -> None:
        """Take the parts. `top_k`: classes that are named where a request does not say."""
        self._about = about
        self._access = access
        self._cameras = cameras
        self._frames = frames
        self._pictures = pictures
        self._top_k = top_k
        self._viewers = viewers
        self._openapi = json.loads((files("pi_classifier.web") / "openapi.json").read_text(encoding="utf-8"))
        self._openapi["info"]["version"] = __version__
        absent = (CLASSIFY if about.metadata.detects else DETECT, *(() if about.collects else (COLLECT,)))
        paths = self._openapi["paths"]
        self._openapi["paths"] = {path: paths[path] for path in paths if not path.startswith(absent)}

    def status(self) -> Object:
        """All there is to say of the daemon and its cameras."""
        return {
            "version": __version__,
            "model": self._about.model_object,
            "pictures": self._about.pictures,
            "collect": self._about.collects,
            "viewers": self._viewers.total,
            "cameras": self._cameras.all_statuses(),
        }

    async def get_status(self, _: Request) -> Response:
        """GET /api/v1/status."""
        return JSONResponse(self.status())

    async def get_camera(self, request: Request) -> Response:
        """GET /api/v1/cameras/NAME: how it is, and its newest prediction."""
        view = self.view_of(request)
        newest = view.newest
        said = None if newest is None else prediction_object(newest)
        return JSONResponse({**self._cameras.status(view.camera), "prediction": said})

    async def get_snapshot(self, request: Request) -> Response:
        """GET /api/v1/cameras/NAME/snapshot.jpg. Who waits for it looks already: pictures are kept for who waits."""
        view = self.view_of(request)
        labelled = overlay_of(request)
        self.pictures_are_shown()
        with self._viewers.one("snapshot"):
            prediction = await self._next_frame(view)
            jpeg = await self._frames.jpeg(prediction, "snapshot", labelled=labelled)
        headers = {"X-Sequence": str(prediction.sequence), "X-Camera": view.camera}
        return Response(jpeg, headers=headers, media_type="image/jpeg")

    async def post_classify(self, request: Request) -> Response:
        """POST /api/v1/classify."""
        if self._about.metadata.detects:
            raise Problem(HTTPStatus.NOT_FOUND, f"the model here is a detector; post the picture to {DETECT}")
        posted = await posted_picture(request)
        asked = [one for one in (request.query_params.get("top_k"), posted.top_k) if one is not None]
        top_k, *_ = [_number(one, "top_k", 1, 1000) for one in asked] or [self._top_k]
        looked = await self._pictures.look_at(posted.data)
        scores = best(looked.result.probabilities, self._about.metadata.categories, top_k)
        return self._answer(looked, {"predictions": score_objects(scores)})

    async def post_detect(self, request: Request) -> Response:
        """POST /api/v1/detect."""
        if not self._about.metadata.detects:
            raise Problem(HTTPStatus.NOT_FOUND, f"the model here is a classifier; post the picture to {CLASSIFY}")
        posted = await posted_picture(request)
        looked = await self._pictures.look_at(posted.data)
        return self._answer(looked, {"detections": [detection_object(one) for one in looked.result.detections or ()]})

    def _answer(self, looked: Looked, said: Object) -> Response:
        seconds = {"queue": round(looked.queue_seconds, 6), "inference": round(looked.inference_seconds, 6)}
        image = {"width": looked.width, "height": looked.height}
        return JSONResponse({"model": self._about.model_object, "image": image, **said, "seconds": seconds})

    async def get_openapi(self, _: Request) -> Response:
        """GET /api/v1/openapi.json."""
        return JSONResponse(self._openapi)

    async def get_health(self, _: Request) -> Response:
        """GET /healthz: that it answers, and nothing else."""
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def post_login(self, request: Request) -> Response:
        """POST /login: a cookie for the token."""
        token = (await json_of(request, LOGIN_BYTES)).get("token")
        if not isinstance(token, str):
            raise Problem(HTTPStatus.BAD_REQUEST, 'write {"token": "..."}')
        if problem := refusal(self._access.log_in(token, request.client.host if request.client else "")):
            raise problem
        response = Response(status_code=HTTPStatus.NO_CONTENT)
        if self._access.cookie:
            response.set_cookie(
                COOKIE, self._access.cookie, max_age=COOKIE_SECONDS, httponly=True, samesite="strict",
                secure=request.headers.get("x-forwarded-proto") == "https",
            )  # fmt: skip
        return response

    def view_of(self, request: Request) -> CameraView:
        """The camera that a path names. Raises Problem (404) if there is none."""
        return self.view_named(request.path_params["camera"])

    def view_named(self, camera: str) -> CameraView:
        """The camera of a name. Raises Problem (404) if there is none."""
        view = self._cameras.get(camera)
        if view is None:
            names = ", ".join(one.camera for one in self._cameras)
            raise Problem(HTTPStatus.NOT_FOUND, f"there is no camera of this name; there are: {names}")
        return view

    def error_of(self, camera: str) -> str:
        """Why a camera is away, with the remedy; empty if it is not."""
        return self._cameras.error(camera)

    def pictures_are_shown(self) -> None:
        """Raises Problem (403) where they are not."""
        if not self._about.pictures:
            raise Problem(HTTPStatus.FORBIDDEN, "pictures are turned off: [web] pictures = false")

    async def _next_frame(self, view: CameraView) -> Prediction:
        # Of a camera that is known to be away nobody waits, and takes a viewer's place.
        if error := self._cameras.error(view.camera):
            raise busy(error, RETRY_SECONDS)
        try:
            async with asyncio.timeout(FRAME_SECONDS):
                return await view.later_than(view.newest.sequence if view.newest else -1)
        except TimeoutError:
            raise busy(self._cameras.error(view.camera) or f"{view.camera} sends no frames", RETRY_SECONDS) from None


def overlay_of(request: Request) -> bool:
    """Whether labels shall be drawn: they are, unless `overlay=0`. Raises Problem (400) for anything else."""
    return bool(_number(request.query_params.get("overlay", "1"), "overlay", 0, 1))


def fps_of(request: Request) -> float | None:
    """How many frames a second at most; None: as many as there are. Raises Problem (400) for what is no such number."""
    asked = request.query_params.get("fps")
    if asked is None:
        return None
    try:
        fps = float(asked)
    except ValueError:
        fps = 0.0
    if not 0.01 <= fps <= 1000:
        raise Problem(HTTPStatus.BAD_REQUEST, "fps: give a number from 0.01 to 1000")
    return fps


def _number(value: object, name: str, least: int, most: int) -> int:
    if isinstance(value, float) and value.is_integer():  # JSON has one kind of number
        value = int(value)
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) <= 9 and least <= int(text) <= most:
        return int(text)
    raise Problem(HTTPStatus.BAD_REQUEST, f"{name}: give a whole number from {least} to {most}")

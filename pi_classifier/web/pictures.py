"""A picture that somebody sends, through the model that looks at the cameras, when these leave time."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from pi_classifier.contracts.job import Tensor
from pi_classifier.contracts.model import Model, ModelMetadata
from pi_classifier.contracts.prediction import Result
from pi_classifier.contracts.request import Answer
from pi_classifier.web.problem import busy, too_often
from pi_classifier.web.rate import Rate

if TYPE_CHECKING:
    # Not imported for a classifier.
    from pi_classifier.contracts.detection import Geometry

A_SECOND, AT_ONCE = 10.0, 20
"""Pictures that are taken: more would only be refused one step later."""
MOST_WAITING = 4
"""Pictures that wait to be decoded: each may take a hundred megabytes, so one is decoded at a time."""
ANSWER_SECONDS = 20.0
"""For the model to have its turn."""


class Looked(NamedTuple):
    """What the model says of a picture."""

    width: int
    height: int
    result: Result
    queue_seconds: float
    inference_seconds: float


class Prepared(NamedTuple):
    """A picture as the model gets it."""

    width: int
    height: int
    """Of the whole, as it was sent."""
    tensor: Tensor
    geometry: "Geometry | None"
    """What the pre-processor gave with it."""


Ask = Callable[[Tensor, "Geometry | None"], Future[Answer] | None]
"""Has the inference loop run a tensor; None where too many wait."""


class Pictures:
    """Classifies pictures as the weights' authors would, or finds objects in them. For one event loop."""

    def __init__(self, model: Model, ask: Ask) -> None:
        """`ask`: has the inference loop run a tensor."""
        self._metadata = model.metadata
        self._new_tensor = model.new_tensor
        self._preprocess = model.new_preprocessor()
        self._ask = ask
        self._executor = ThreadPoolExecutor(1, "web-decode")
        self._decoding = 0
        self._rate = Rate(A_SECOND, AT_ONCE)

    async def look_at(self, data: bytes) -> Looked:
        """Decode a picture and have the model look at it.

        Args:
            data: JPEG, PNG or WebP, as a file has it.

        Raises:
            Problem: 413, 422 no fit picture; 429, 503 too many at once.
        """
        if wait := self._rate.seconds_until_next():
            raise too_often(f"{A_SECOND:g} pictures a second are taken", wait)
        picture = await self._decoded(data)
        asked = self._ask(picture.tensor, picture.geometry)
        if asked is None:
            raise busy("too many pictures wait already", 1)
        try:
            answer = await asyncio.wait_for(asyncio.wrap_future(asked), ANSWER_SECONDS)
        except TimeoutError:
            raise busy("the model had no time", 5) from None
        return Looked(picture.width, picture.height, answer.result, answer.queue_seconds, answer.inference_seconds)

    def close(self) -> None:
        """Decode no more."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def _decoded(self, data: bytes) -> Prepared:
        if self._decoding >= MOST_WAITING:
            raise busy("too many pictures wait already", 1)
        self._decoding += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, self._decode, data)
        finally:
            self._decoding -= 1

    def _decode(self, data: bytes) -> Prepared:
        from pi_classifier.web.decoding import cropped, whole  # noqa: PLC0415 - with the first picture

        known = self._metadata
        if isinstance(known, ModelMetadata):
            picture = cropped(data, resize_size=known.resize_size, crop_size=known.input_size)
        else:
            picture = whole(data)
        tensor = self._new_tensor()
        return Prepared(picture.width, picture.height, tensor, self._preprocess(picture.pixels, tensor))

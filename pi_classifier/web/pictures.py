"""A picture that somebody sends, through the model that looks at the cameras, when these leave time."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from pi_classifier.contracts.job import Tensor
from pi_classifier.contracts.model import Model
from pi_classifier.contracts.prediction import Score
from pi_classifier.contracts.request import Answer
from pi_classifier.runtimes.classification import best
from pi_classifier.web.problem import busy, too_often
from pi_classifier.web.rate import Rate

A_SECOND, AT_ONCE = 10.0, 20
"""Pictures that are taken: more would only be refused one step later."""
MOST_WAITING = 4
"""Pictures that wait to be decoded: each may take a hundred megabytes, so one is decoded at a time."""
ANSWER_SECONDS = 20.0
"""For the model to have its turn."""


class Classified(NamedTuple):
    """What the model says of a picture."""

    width: int
    height: int
    scores: tuple[Score, ...]
    queue_seconds: float
    inference_seconds: float


class Pictures:
    """Classifies pictures as the weights' authors would. For one event loop."""

    def __init__(self, model: Model, ask: Callable[[Tensor], Future[Answer] | None]) -> None:
        """`ask`: has the inference loop classify a tensor; None where too many wait."""
        self._metadata = model.metadata
        self._new_tensor = model.new_tensor
        self._preprocess = model.new_preprocessor()
        self._ask = ask
        self._executor = ThreadPoolExecutor(1, "web-decode")
        self._decoding = 0
        self._rate = Rate(A_SECOND, AT_ONCE)

    async def classify(self, data: bytes, top_k: int) -> Classified:
        """Decode a picture and have it classified.

        Args:
            data: JPEG, PNG or WebP, as a file has it.
            top_k: classes to name.

        Raises:
            Problem: 413, 422 no fit picture; 429, 503 too many at once.
        """
        if wait := self._rate.seconds_until_next():
            raise too_often(f"{A_SECOND:g} pictures a second are taken", wait)
        width, height, tensor = await self._decoded(data)
        asked = self._ask(tensor)
        if asked is None:
            raise busy("too many pictures wait already", 1)
        try:
            answer = await asyncio.wait_for(asyncio.wrap_future(asked), ANSWER_SECONDS)
        except TimeoutError:
            raise busy("the model had no time", 5) from None
        scores = best(answer.probabilities, self._metadata.categories, top_k)
        return Classified(width, height, scores, answer.queue_seconds, answer.inference_seconds)

    def close(self) -> None:
        """Decode no more."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def _decoded(self, data: bytes) -> tuple[int, int, Tensor]:
        if self._decoding >= MOST_WAITING:
            raise busy("too many pictures wait already", 1)
        self._decoding += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, self._decode, data)
        finally:
            self._decoding -= 1

    def _decode(self, data: bytes) -> tuple[int, int, Tensor]:
        from pi_classifier.web.decoding import cropped  # noqa: PLC0415 - with the first picture

        picture = cropped(data, resize_size=self._metadata.resize_size, crop_size=self._metadata.input_size)
        tensor = self._new_tensor()
        self._preprocess(picture.pixels, tensor)
        return picture.width, picture.height, tensor

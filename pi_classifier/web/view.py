"""What those who look can see of one camera: its newest prediction, with the very frame if they want pictures."""

import asyncio
import time
from contextlib import suppress

from pi_classifier.contracts.job import PictureDemand
from pi_classifier.contracts.prediction import Prediction

LINGER_SECONDS = 0.5
"""So long pictures go on to be kept for a viewer who has just got one: the next request is on its way."""


class CameraView:
    """The newest prediction of a camera, for all viewers.

    `offer` belongs to the inference loop, the rest to the event loop.
    """

    def __init__(self, camera: str, loop: asyncio.AbstractEventLoop, picture_demand: PictureDemand | None) -> None:
        """Show one camera.

        Args:
            camera: its name.
            loop: the viewers'.
            picture_demand: makes the camera hand over pictures; None where none are shown.
        """
        self.camera = camera
        self.newest: Prediction | None = None
        self._loop = loop
        self._picture_demand = picture_demand
        self._awaited = False
        """Whether somebody wants to be woken."""
        self._waiting = 0
        """Viewers that wait for the next frame."""
        self._news = asyncio.Event()

    def offer(self, prediction: Prediction) -> None:
        """Take a prediction, and wake who waits for one."""
        self.newest = prediction
        if self._awaited:
            self._awaited = False
            with suppress(RuntimeError):  # the event loop has ended; nobody looks any more
                self._loop.call_soon_threadsafe(self._tell)

    async def later_than(self, sequence: int) -> Prediction:
        """The newest prediction whose frame comes after `sequence`, with its picture unless none are shown."""
        self._waiting += 1
        self._request(float("inf"))
        try:
            while True:
                newest = self.newest
                if newest and newest.sequence > sequence and (newest.picture is not None or not self._picture_demand):
                    return newest
                news, self._awaited = self._news, True
                # It may have come before it was known that somebody waits for it.
                if self.newest is newest:
                    await news.wait()
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._request(time.monotonic() + LINGER_SECONDS)

    def _request(self, until: float) -> None:
        if self._picture_demand:
            self._picture_demand.until = until

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

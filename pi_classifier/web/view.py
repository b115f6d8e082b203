"""What those who look can see: of a camera its newest prediction, of a group its newest moment, with the frames."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Generic, TypeVar

from pi_classifier.contracts.job import PictureDemand
from pi_classifier.contracts.prediction import Prediction

if TYPE_CHECKING:
    # Imported only where a camera has a group.
    from pi_classifier.contracts.group import Group

LINGER_SECONDS = 0.5
"""So long pictures go on to be kept for a viewer who has just got one: the next request is on its way."""
T = TypeVar("T")


class _Newest(Generic[T]):
    """The newest value of its kind. `offer` belongs to the inference loop, the rest to the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.value: T | None = None
        self._loop = loop
        self._awaited = False
        """Whether somebody wants to be woken."""
        self._news = asyncio.Event()

    def offer(self, value: T) -> None:
        """Take a value, and wake who waits for one."""
        self.value = value
        if self._awaited:
            self._awaited = False
            with suppress(RuntimeError):  # the event loop has ended; nobody looks any more
                self._loop.call_soon_threadsafe(self._tell)

    async def when(self, wanted: Callable[[T], bool]) -> T:
        """The first newest one that is `wanted`."""
        while True:
            newest = self.value
            if newest is not None and wanted(newest):
                return newest
            news, self._awaited = self._news, True
            # It may have come before it was known that somebody waits for it.
            if self.value is newest:
                await news.wait()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


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
        self._newest = _Newest[Prediction](loop)
        self._picture_demand = picture_demand
        self._waiting = 0
        """Viewers that wait for the next frame."""

    @property
    def newest(self) -> Prediction | None:
        """The newest prediction; None before the first."""
        return self._newest.value

    def offer(self, prediction: Prediction) -> None:
        """Take a prediction, and wake who waits for one."""
        self._newest.offer(prediction)

    async def later_than(self, sequence: int) -> Prediction:
        """The newest prediction whose frame comes after `sequence`, with its picture unless none are shown."""
        with self.wanted():
            return await self._newest.when(lambda one: one.sequence > sequence and self.is_to_be_shown(one))

    def is_to_be_shown(self, prediction: Prediction) -> bool:
        """Whether it has its picture, or none are shown."""
        return prediction.picture is not None or not self._picture_demand

    @contextmanager
    def wanted(self) -> Iterator[None]:
        """Somebody waits for a frame while the context lasts: the camera hands over pictures, and a little longer."""
        self._waiting += 1
        self._request(float("inf"))
        try:
            yield
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._request(time.monotonic() + LINGER_SECONDS)

    def _request(self, until: float) -> None:
        if self._picture_demand:
            self._picture_demand.until = until


class GroupView:
    """The newest moment of a group, for all viewers. Threads as with the views of its cameras."""

    def __init__(self, name: str, loop: asyncio.AbstractEventLoop, cameras: Sequence[CameraView]) -> None:
        """Show a group of these cameras."""
        self.name = name
        self._newest = _Newest["Group"](loop)
        self._views = {view.camera: view for view in cameras}

    @property
    def cameras(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self._views)

    def offer(self, group: "Group") -> None:
        """Take a group, and wake who waits for one."""
        self._newest.offer(group)

    async def later_than(self, number: int) -> "Group":
        """The newest group that comes after `number`, each member with its picture unless none are shown."""
        with ExitStack() as stack:
            for view in self._views.values():
                stack.enter_context(view.wanted())
            return await self._newest.when(lambda one: one.number > number and self._is_to_be_shown(one))

    def _is_to_be_shown(self, group: "Group") -> bool:
        predictions = [member.prediction for member in group.members]
        return all(self._views[one.camera].is_to_be_shown(one) for one in predictions)

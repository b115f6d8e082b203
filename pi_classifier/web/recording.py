"""Pictures of own classes, taken of what a camera shows while somebody holds a button.

Whoever holds it says so again and again. So a recording ends by itself when a phone leaves the network, or its page.
"""

import asyncio
import unicodedata
import uuid
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

from pi_classifier.collecting.burst import EVERY_SECONDS, Burst
from pi_classifier.collecting.folder import counts
from pi_classifier.errors import PiClassifierError
from pi_classifier.sinks.objects import Object
from pi_classifier.web.problem import Problem
from pi_classifier.web.view import CameraView

SILENCE_SECONDS = 2.0
"""After so long without a word from who holds the button it ends."""
SESSION_SECONDS = 60.0
"""A burst that begins so soon after another of the same class and camera belongs to its session: who presses a button
three times in a minute has moved the cup a little, and of one session all pictures are learnt, or all judge."""
MOST_PICTURES = 1000
"""Of one burst."""
MOST_CLASSES = 100
LEAST_FREE = 200_000_000
"""Bytes that stay free on the disk: the daemon and its machine live there, too."""
T = TypeVar("T")
InOrder = Callable[..., Awaitable[Any]]
"""Runs a function off the event loop, one after another."""


class Recorder:
    """Records one burst at a time, and remembers the last one. For one event loop; a thread of its own writes."""

    def __init__(self, folder: Path) -> None:
        """`folder`: of the classes."""
        self.folder = folder
        self._executor = ThreadPoolExecutor(1, "web-collect")
        self._changing = asyncio.Lock()
        """Held while one burst takes another's place."""
        self._last: _Recording | None = None

    async def counts(self) -> dict[str, int]:
        """How many pictures each class has. Raises DatasetError."""
        return await self._in_order(counts, self.folder)

    def state(self) -> Object | None:
        """The last burst; None before the first."""
        return self._last.state() if self._last else None

    async def start(self, view: CameraView, label: str, *, keep_similar: bool) -> None:
        """Begin to take pictures.

        Raises:
            Problem: 409 one is being taken already, or there are too many classes.
            DatasetError, CannotWrite: as `Burst`.
        """
        async with self._changing:
            if self._last and self._last.is_running:
                raise Problem(HTTPStatus.CONFLICT, "pictures are being taken already, of one class at a time")
            session = self._last.session_for(view.camera, label) if self._last else ""
            burst = await self._in_order(self._begun, label, session, keep_similar=keep_similar)
            if self._last:
                await self._in_order(self._last.burst.close)
            self._last = _Recording(view, burst, self._in_order)

    def renew(self, burst_id: str) -> None:
        """The button is still held. Raises Problem as `_named`."""
        self._named(burst_id).renew()

    async def stop(self, burst_id: str) -> None:
        """The button was released; no picture comes after this. Raises Problem as `_named`."""
        recording = self._named(burst_id)
        await recording.stop()
        await self._in_order(int)  # what was being written is written

    async def discard(self, burst_id: str) -> None:
        """End it, and delete what it took. Raises Problem as `_named`, CannotWrite."""
        async with self._changing:
            recording = self._named(burst_id)
            await recording.stop()
            await self._in_order(recording.burst.discard)

    def close(self) -> None:
        """Take no more; what is being written is finished."""
        self._executor.shutdown(cancel_futures=True)
        if self._last:
            self._last.burst.close()

    def _named(self, burst_id: str) -> "_Recording":
        """The last burst. Raises Problem (409) if it is another."""
        if self._last is None or self._last.id != burst_id:
            raise Problem(HTTPStatus.CONFLICT, "this is not the last burst; only that one is known")
        return self._last

    def _begun(self, label: str, session: str, *, keep_similar: bool) -> Burst:
        known = counts(self.folder)
        if len(known) >= MOST_CLASSES and unicodedata.normalize("NFC", label) not in known:
            raise Problem(HTTPStatus.CONFLICT, f"there are {MOST_CLASSES} classes already, and may be no more")
        return Burst(self.folder, label, session=session, keep_similar=keep_similar, least_free=LEAST_FREE)

    async def _in_order(self, function: Callable[..., T], *arguments: object, **options: object) -> T:
        call = partial(function, *arguments, **options)
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)


class _Recording:
    """One burst that is being taken, or was."""

    def __init__(self, view: CameraView, burst: Burst, in_order: InOrder) -> None:
        """Begin it."""
        self.id = uuid.uuid4().hex
        self.burst = burst
        self._view = view
        self._in_order = in_order
        self._problem = ""
        self._ended_at = 0.0
        self._patience = asyncio.timeout(SILENCE_SECONDS)
        self._task = asyncio.create_task(self._record())

    @property
    def is_running(self) -> bool:
        """Whether pictures are still taken."""
        return not self._task.done()

    def session_for(self, camera: str, label: str) -> str:
        """The session that a burst belongs to which begins now; empty: a new one."""
        same = (camera, unicodedata.normalize("NFC", label)) == (self._view.camera, self.burst.label)
        recent = asyncio.get_running_loop().time() - self._ended_at < SESSION_SECONDS
        return self.burst.session if same and recent else ""

    def state(self) -> Object:
        """As JSON has it."""
        return {
            "id": self.id,
            "camera": self._view.camera,
            "label": self.burst.label,
            "running": self.is_running,
            "saved": len(self.burst.saved),
            "similar": self.burst.similar,
            "problem": self._problem,
        }

    def renew(self) -> None:
        """It may go on."""
        if self.is_running and not self._patience.expired():
            self._patience.reschedule(asyncio.get_running_loop().time() + SILENCE_SECONDS)

    async def stop(self) -> None:
        """Take no more; a picture that is being written may still come."""
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _record(self) -> None:
        try:
            async with self._patience:
                await self._take_pictures()
        except TimeoutError:
            pass  # nobody holds the button any more
        except PiClassifierError as error:
            self._problem = str(error)
        finally:
            self._ended_at = asyncio.get_running_loop().time()

    async def _take_pictures(self) -> None:
        clock = asyncio.get_running_loop().time
        newest, due = self._view.newest, clock()
        sequence = newest.sequence if newest else -1
        while len(self.burst.saved) < MOST_PICTURES:
            prediction = await self._view.later_than(sequence)
            sequence = prediction.sequence
            await self._in_order(self.burst.save, prediction.picture)
            due = max(due + EVERY_SECONDS, clock())
            await asyncio.sleep(due - clock())
        self._problem = f"a burst has {MOST_PICTURES} pictures at most; begin another"

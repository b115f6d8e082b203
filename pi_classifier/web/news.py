"""What happened, for those who listen now and those who come later."""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from pi_classifier.contracts.event import CAMERA_EVENTS, STATE_EVENTS, Event
from pi_classifier.sinks.objects import Object, event_object

HISTORY = 200
"""Events that are kept."""
WAITING = 64
"""Events that wait for a listener who is slow; of more the oldest are left out."""


class News:
    """Hands events to listeners. `notify` is a dispatcher's, on its thread; the rest the event loop's."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """`loop`: the listeners'."""
        self._loop = loop
        self._listeners: set[asyncio.Queue[Object]] = set()
        self.history: deque[Object] = deque(maxlen=HISTORY)
        """Oldest first."""

    def notify(self, event: Event) -> None:
        """Take an event; those of states and cameras are told."""
        if event.kind in STATE_EVENTS | CAMERA_EVENTS:
            with suppress(RuntimeError):  # the event loop has ended; nobody listens any more
                self._loop.call_soon_threadsafe(self._tell, event_object(event))

    @contextmanager
    def listening(self) -> Iterator[asyncio.Queue[Object]]:
        """What happens while the context lasts."""
        queue: asyncio.Queue[Object] = asyncio.Queue(WAITING)
        self._listeners.add(queue)
        try:
            yield queue
        finally:
            self._listeners.discard(queue)

    def since(self, event_id: str) -> list[Object]:
        """What came after an event, all that is kept if that is not; nothing for an empty id."""
        if not event_id:
            return []
        events = list(self.history)
        ids = [event["id"] for event in events]
        return events[ids.index(event_id) + 1 :] if event_id in ids else events

    def _tell(self, event: Object) -> None:
        self.history.append(event)
        for queue in self._listeners:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(event)

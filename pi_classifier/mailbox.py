"""The newest value from one thread to another, without copying, without waiting."""

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """A triple buffer: the writer fills one slot, the reader holds another, the third is the newest finished one.

    Three slots are what it takes for neither side ever to wait for the other: slots only change hands, under a lock
    held for a few assignments. One writer thread, one reader thread.
    """

    def __init__(self, first: T, second: T, third: T) -> None:
        """The three slots, which live as long as the mailbox; their contents are overwritten in turn."""
        self._lock = threading.Lock()
        self._back, self._middle, self._front = first, second, third
        self._fresh = False

    @property
    def back(self) -> T:
        """The writer's slot: fill it, then `publish`."""
        return self._back

    def publish(self) -> bool:
        """Make the writer's slot the newest. True if that overwrote one that the reader never took."""
        with self._lock:
            self._back, self._middle = self._middle, self._back
            stale, self._fresh = self._fresh, True
            return stale

    def take(self) -> T | None:
        """The newest slot, the reader's until it takes again; None if nothing was published since."""
        with self._lock:
            if not self._fresh:
                return None
            self._front, self._middle = self._middle, self._front
            self._fresh = False
            return self._front

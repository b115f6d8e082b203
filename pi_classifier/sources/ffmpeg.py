"""The FFmpeg inside OpenCV, and the options that it takes from an environment variable of the whole process."""

import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

VARIABLE = "OPENCV_FFMPEG_CAPTURE_OPTIONS"


class _Options:
    """Shared by those who want the same at the same time: a camera that is slow to answer keeps no other waiting."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._in_force = ""
        self._users = 0
        self._waiting: deque[object] = deque()

    @contextmanager
    def in_force(self, options: str) -> Iterator[None]:
        turn = object()
        with self._changed:
            # First come, first served, also among those whose options are in force: else others might wait for ever.
            self._waiting.append(turn)
            self._changed.wait_for(lambda: self._waiting[0] is turn and self._are_free_for(options))
            self._waiting.popleft()
            self._users += 1
            self._in_force = options
            _set(options)
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._users -= 1
                if not self._users:
                    _set("")
                    self._changed.notify_all()

    def _are_free_for(self, options: str) -> bool:
        return not self._users or options == self._in_force


def _set(options: str) -> None:
    if options:
        os.environ[VARIABLE] = options
    else:
        os.environ.pop(VARIABLE, None)


_options = _Options()
"""One for the process, as its environment is."""


@contextmanager
def ffmpeg_options(options: str = "") -> Iterator[None]:
    """While the context lasts, what OpenCV's FFmpeg opens is opened with these: `KEY;VALUE|KEY;VALUE`.

    Without any, a file is read as it is: those of a network camera lose frames of files.
    """
    with _options.in_force(options):
        yield

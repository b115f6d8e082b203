"""stderr without a line that a native library writes to it, and cannot be told not to."""

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

STDERR = 2
_one_at_a_time = threading.Lock()
"""There is one stderr: two that put something in its place at once would mix up which was the real one."""


@contextmanager
def stderr_without(line: re.Pattern[bytes]) -> Iterator[None]:
    """While the context lasts, all that the process writes to stderr is kept; then it is written, but for this line.

    For what is short and ends: nothing is seen of it before its end, and nothing at all if the process dies in it.
    """
    with _one_at_a_time, os.fdopen(os.memfd_create("stderr"), "rb") as kept:
        stderr = os.dup(STDERR)
        os.dup2(kept.fileno(), STDERR)
        try:
            yield
        finally:
            os.dup2(stderr, STDERR)
            os.close(stderr)
            kept.seek(0)
            for written in kept:
                if not line.fullmatch(written.rstrip(b"\n")):
                    os.write(STDERR, written)

"""stdin, stdout and stderr of this process: there, even where the caller has closed them, and with failures by name."""

import errno
import io
import os
import sys
from typing import cast


class ReaderGone(BrokenPipeError):
    """Who read stdout has stopped doing so, as `head` does: there is nothing more to be written, and no fault."""


class StdoutFailed(OSError):
    """stdout cannot be written: a full disk behind a redirection, or it is closed."""


class _Stdout(io.TextIOWrapper):
    """stdout, whose failures are told apart from those of other files."""

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError as error:
            raise _failure(error) from None

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            raise _failure(error) from None


def _failure(error: OSError) -> OSError:
    return ReaderGone() if error.errno == errno.EPIPE else StdoutFailed(error.errno, error.strerror)


def discard_stdout() -> None:
    """Let what is still to be written to stdout go nowhere, so that the interpreter's end does not fail on it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def secure_standard_streams() -> None:
    """Open what is closed, lest another file take its descriptor; write what is no text as an escape.

    A stdout that was closed fails when something is written to it, with `StdoutFailed`.
    """
    # Opened for reading, so that to write fails; each takes the lowest free descriptor, which is the closed one's.
    for number, mode in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)
    if cast("object", sys.stdin) is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - for as long as the process lives
    if cast("object", sys.stderr) is None:
        sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    terminal = os.isatty(1)
    buffer = io.BufferedWriter(io.FileIO(1, "w", closefd=False))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.flush()
    sys.stdout = _Stdout(buffer, encoding="utf-8", errors="backslashreplace", line_buffering=terminal)

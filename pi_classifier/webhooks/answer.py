"""What a receiver answers, of which nothing is read but the head."""

import http.client
import io
import socket
import time
from typing import NamedTuple

from pi_classifier.webhooks.schedule import requested_pause

GONE = 410


class Answer(NamedTuple):
    """What a receiver said."""

    status: int
    """Of HTTP; 0: there was none."""
    problem: str = ""
    """Why it was not taken, in words, to be put behind the receiver's name; empty: it was."""
    pause: float = 0.0
    """Seconds for which it wants to be left alone."""

    @property
    def is_gone(self) -> bool:
        """Whether it wants nothing more."""
        return self.status == GONE


class _UntilDeadline(io.RawIOBase):
    """What comes from a connection until a moment: who sends a byte now and then does not get more time by that."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override] # of those that come
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        self._connection.settimeout(remaining)
        return self._connection.recv_into(buffer)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """As of a socket."""
        return io.BufferedReader(self)


def answer_of(connection: socket.socket, deadline: float) -> Answer:
    """Read the head of an answer.

    Args:
        connection: over which a message was sent.
        deadline: until when, seconds of `time.monotonic()`.

    Raises:
        OSError: the connection is lost, or it takes too long.
        HTTPException: it is none.
    """
    # It asks a socket for nothing but the file.
    answer = http.client.HTTPResponse(_UntilDeadline(connection, deadline), method="POST")  # type: ignore[arg-type]
    answer.begin()
    while 100 <= answer.status < 200 and answer.status != http.client.SWITCHING_PROTOCOLS:
        # Said in the meantime, as 103 (Early Hints): the answer follows (RFC 9110, 15.2).
        answer.headers = None  # type: ignore[assignment] # which lets it begin again
        answer.begin()
    status = answer.status
    if 200 <= status < 300:
        return Answer(status)
    known = http.client.responses.get(status, "")
    words = f"answers {status}{f' ({known})' if known else ''}"
    if 300 <= status < 400:
        words += ", and no redirect is followed"
    return Answer(status, words, requested_pause(answer.getheader("Retry-After"), time.time()))

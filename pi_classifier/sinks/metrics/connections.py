"""The connections to a server whose exchanges are short: one thread for all, and bounds for strangers."""

import errno
import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable, Generator

from pi_classifier.system.log_limit import LogLimit

MOST_CONNECTIONS = 32
"""At once. Of more, the oldest are closed."""
MOST_ACCEPTED = 8
"""In one turn, so that a client has some turns' time to ask before so many newer ones have come."""
LONGEST_SECONDS = 10.0
"""For a connection from its first moment to its last: as long as Prometheus gives a scrape by default."""
SPARE_DESCRIPTORS = 4
"""Where descriptors run out: for an answer, which reads files, and for the rest of the process."""
PAUSE = 9.0
"""Times as long as it computed it pauses, so that it takes a tenth of one processor at most: while one thread computes
in Python, the others wait."""
RETRY_SECONDS = 0.5
"""Until it looks again whether there is a descriptor."""
HUNG_SECONDS = 15.0
"""An answer that takes longer to make hangs."""
CHUNK = 65536
NO_ROOM = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}

logger = logging.getLogger(__name__)

Respond = Callable[[bytes], bytes | None]
"""Makes of all bytes that a client has sent the whole answer, or None while more have to come."""


class Connection:
    """One client: a request comes in, the answer goes out."""

    def __init__(self, client: socket.socket, respond: Respond, *, deadline: float) -> None:
        """`deadline`: until when it may be open, seconds of `time.monotonic()`."""
        client.setblocking(False)
        self.socket = client
        self.deadline = deadline
        self.is_answered = False
        """Whether its answer has been made."""
        self._steps = self._exchange(respond)

    def proceed(self) -> int | None:
        """Go on as far as that needs no waiting. Returns what to wait for, of `selectors`' events; None at the end."""
        try:
            return next(self._steps, None)
        except OSError:  # the client is gone
            return None

    def close(self) -> None:
        """Wherever it stands."""
        self._steps.close()
        self.socket.close()

    def _exchange(self, respond: Respond) -> Generator[int, None, None]:
        received = b""
        while (answer := respond(received)) is None:
            yield selectors.EVENT_READ
            chunk = self.socket.recv(CHUNK)
            if not chunk:
                return
            received += chunk
        self.is_answered = True
        unsent = memoryview(answer)
        while unsent := unsent[self.socket.send(unsent) :]:
            yield selectors.EVENT_WRITE
        self.socket.shutdown(socket.SHUT_WR)
        # Who closes while something comes in resets the connection, and the answer may be lost on its way.
        yield selectors.EVENT_READ
        while self.socket.recv(CHUNK):
            yield selectors.EVENT_READ


class Connections:
    """Accepts clients and answers each once, within bounds of their number, their time, and the processor's."""

    def __init__(self, listener: socket.socket, respond: Respond, *, longest_seconds: float = LONGEST_SECONDS) -> None:
        """`listener`: a socket that listens; closing it is left to who made it."""
        listener.setblocking(False)
        self._listener = listener
        self._respond = respond
        self._longest = longest_seconds
        self._answers: dict[bytes, bytes | None] = {}
        """Of this turn."""
        self._open: dict[Connection, None] = {}
        """The oldest first."""
        self._most = MOST_CONNECTIONS
        self._cut_short = LogLimit()
        self._selector = selectors.DefaultSelector()
        self._stopping = threading.Event()
        self._computing_since: float | None = None

    def serve(self) -> None:
        """Until `stop`."""
        with self._selector:
            self._selector.register(self._listener, selectors.EVENT_READ)
            while not self._stopping.is_set():
                self._turn()
            for connection in tuple(self._open):
                self._close(connection)

    def stop(self) -> None:
        """Accept nobody any more; `serve` ends. From any thread."""
        self._stopping.set()
        self._listener.shutdown(socket.SHUT_RDWR)  # which ends the wait for clients, too

    def healthy(self, now: float) -> bool:
        """Whether no answer takes too long. `now`: seconds of `time.monotonic()`."""
        since = self._computing_since
        return since is None or now - since < HUNG_SECONDS

    def _turn(self) -> None:
        """Everything that can be done by now."""
        ready = [key.data for key, _ in self._selector.select(self._seconds_to_deadline())]
        self._computing_since, began = time.monotonic(), time.thread_time()
        for connection in filter(None, ready):
            self._proceed(connection)
        if None in ready:
            self._accept()
        while self._seconds_to_deadline() == 0:
            self._close(next(iter(self._open)))
        self._answers.clear()
        self._computing_since = None
        self._stopping.wait(PAUSE * (time.thread_time() - began))

    def _seconds_to_deadline(self) -> float | None:
        for oldest in self._open:
            return max(0.0, oldest.deadline - time.monotonic())
        return None

    def _proceed(self, connection: Connection) -> None:
        events = connection.proceed()
        if events is None:
            self._close(connection)
        else:
            self._selector.modify(connection.socket, events, connection)

    def _accept(self) -> None:
        try:
            for _ in range(MOST_ACCEPTED):
                client, _ = self._listener.accept()
                connection = Connection(client, self._respond_once, deadline=time.monotonic() + self._longest)
                self._selector.register(client, selectors.EVENT_READ, connection)
                self._open[connection] = None
                self._proceed(connection)
                self._keep(self._most)
        except OSError as error:  # nobody is left to accept, or is gone again
            if error.errno in NO_ROOM:
                self._make_room()

    def _respond_once(self, received: bytes) -> bytes | None:
        """Who asks the same in the same turn gets the same answer, so that a crowd costs one scrape a turn."""
        if received not in self._answers:
            self._answers[received] = self._respond(received)
        return self._answers[received]

    def _make_room(self) -> None:
        """No descriptor is left: take fewer from now on. Where all are in other hands, wait for them a moment."""
        if self._open:
            self._most = max(0, len(self._open) - SPARE_DESCRIPTORS)
            self._keep(self._most)
        else:
            self._warn()
            self._stopping.wait(RETRY_SECONDS)

    def _keep(self, most: int) -> None:
        """Close what is too many: the oldest of those that have not asked yet, or of those that have, if more have.

        So who only connects drives nobody out who is being answered, and who never reads nobody who is about to ask.
        """
        while len(self._open) > most:
            waiting = [connection for connection in self._open if not connection.is_answered]
            answered = [connection for connection in self._open if connection.is_answered]
            self._close(max(waiting, answered, key=len)[0])
            self._warn()

    def _close(self, connection: Connection) -> None:
        del self._open[connection]
        self._selector.unregister(connection.socket)
        connection.close()
        if not self._open:
            self._most = MOST_CONNECTIONS

    def _warn(self) -> None:
        if occasions := self._cut_short.occasions(time.monotonic()):
            logger.warning(
                "metrics: more connections than are kept; closed early or kept waiting since the last such line: %d",
                occasions,
            )

"""Connections within bounds, whatever the clients do."""

import logging
import resource
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from pi_classifier.sinks.metrics.connections import MOST_CONNECTIONS, PAUSE, Connections
from tests.waiting import DEADLINE_SECONDS, eventually

LARGE = bytes(1 << 25)
"""More than the kernel takes off a sender's hands."""


def upper(received: bytes) -> bytes | None:
    """The answer to a line: the same in capitals; to `large` a large one."""
    if not received.endswith(b"\n"):
        return None
    return LARGE if received == b"large\n" else received.upper()


class Server:
    """Connections that are served on a thread, and clients of them."""

    def __init__(self, respond: Callable[[bytes], bytes | None], longest_seconds: float) -> None:
        self._stack = ExitStack()
        self._listener = self._stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=1000))
        self._connections = Connections(self._listener, respond, longest_seconds=longest_seconds)
        self._thread = threading.Thread(target=self._connections.serve, daemon=True)

    def start(self) -> None:
        """Accept."""
        self._thread.start()

    def connect(self, sends: bytes = b"") -> socket.socket:
        """A client that has sent this."""
        client = self._stack.enter_context(socket.create_connection(self._listener.getsockname(), DEADLINE_SECONDS))
        client.sendall(sends)
        return client

    def cpu_seconds(self) -> float:
        """That its thread has computed."""
        assert self._thread.ident
        return time.clock_gettime(time.pthread_getcpuclockid(self._thread.ident))

    def close(self) -> None:
        """Stop it, and take the clients away."""
        self._connections.stop()
        self._thread.join(DEADLINE_SECONDS)
        assert not self._thread.is_alive()
        self._stack.close()


@contextmanager
def serving(
    respond: Callable[[bytes], bytes | None] = upper, *, longest_seconds: float = DEADLINE_SECONDS, started: bool = True
) -> Iterator[Server]:
    """A server that is gone behind it."""
    server = Server(respond, longest_seconds)
    if started:
        server.start()
    try:
        yield server
    finally:
        server.close()


def read(client: socket.socket) -> bytes:
    """All that comes until the end; a connection that was reset has ended, too."""
    chunks = []
    try:
        while chunk := client.recv(1 << 20):
            chunks.append(chunk)
    except ConnectionError:
        pass
    return b"".join(chunks)


def is_open(client: socket.socket) -> bool:
    """Whether the server has closed it; of one that has been sent nothing."""
    client.setblocking(False)
    try:
        return client.recv(1) != b""
    except BlockingIOError:
        return True
    except ConnectionError:
        return False


def test_idle_clients_are_few_and_hold_nobody_up(caplog: pytest.LogCaptureFixture) -> None:
    """Protects descriptors, threads and the scrape: of idle connections the newest are kept, and the next is answered.

    One line in the log says so.
    """
    with serving() as server:
        before = threading.active_count()
        idle = [server.connect() for _ in range(4 * MOST_CONNECTIONS)]
        assert read(server.connect(b"scrape\n")) == b"SCRAPE\n"
        eventually(lambda: sum(map(is_open, idle)) < MOST_CONNECTIONS, "close of the oldest")
        assert all(map(is_open, idle[-MOST_CONNECTIONS // 2 :])), "the newest stay"
        assert threading.active_count() == before
    (record,) = caplog.records
    assert (record.levelno, record.exc_info) == (logging.WARNING, None)


@pytest.mark.parametrize("sends", [b"", b"half a line"])
def test_silence_is_bounded(sends: bytes) -> None:
    """Protects from who connects and falls silent: it is closed in its time, unanswered."""
    with serving(longest_seconds=0.2) as server:
        assert read(server.connect(sends)) == b""


@pytest.mark.parametrize("sends", [b"", b"large\n"], ids=["never asks", "never reads"])
def test_activity_buys_no_time(sends: bytes) -> None:
    """Protects from who sends a byte now and then, or never reads its answer: the time is that of the whole."""
    with serving(longest_seconds=0.2) as server:
        client = server.connect(sends)

        def is_closed() -> bool:
            try:
                return client.send(b"a") == 0
            except ConnectionError:
                return True

        eventually(is_closed, "close")


def test_who_only_connects_interrupts_no_answer() -> None:
    """Protects a scrape over a slow network from a flood: what is being answered stays, idle connections go."""
    with serving() as server:
        slow = server.connect(b"large\n")
        first = slow.recv(1)
        idle = [server.connect() for _ in range(4 * MOST_CONNECTIONS)]
        eventually(lambda: sum(map(is_open, idle)) < MOST_CONNECTIONS, "close of the oldest")
        assert len(first + read(slow)) == len(LARGE)


def test_who_never_reads_interrupts_no_request() -> None:
    """Protects a scrape from clients that ask and never read: the oldest of them go, not who is about to ask."""
    with serving() as server:
        slow = [server.connect(b"large\n") for _ in range(MOST_CONNECTIONS)]
        for client in slow:
            client.recv(1)
        asking = server.connect(b"scra")
        slow += [server.connect(b"large\n") for _ in range(MOST_CONNECTIONS)]
        for client in slow[MOST_CONNECTIONS:]:
            client.recv(1)
        asking.sendall(b"pe\n")
        assert read(asking) == b"SCRAPE\n"


def test_an_answer_arrives_although_more_is_sent() -> None:
    """Protects the reason from getting lost: who sends on after an early answer is not reset before it reads that."""
    with serving(lambda received: b"too large" if len(received) > 10 else None) as server:
        assert read(server.connect(bytes(1 << 24))) == b"too large"


def test_clients_that_go(caplog: pytest.LogCaptureFixture) -> None:
    """Protects the log: clients that leave at any moment, even without a farewell, are no news and no trouble."""
    with serving() as server:
        for sends in (b"", b"half a line", b"line\n", b"large\n"):
            for linger in (struct.pack("ii", 1, 0), struct.pack("ii", 0, 0)):
                client = server.connect(sends)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                client.close()
        assert read(server.connect(b"scrape\n")) == b"SCRAPE\n"
    assert not caplog.records


def test_a_crowd_that_asks_the_same_is_answered_at_once() -> None:
    """Protects the processor: who asks the same at the same moment shares the work of the answer."""
    answered = []

    def respond(received: bytes) -> bytes | None:
        if answer := upper(received):
            answered.append(received)
        return answer

    with serving(respond, started=False) as server:
        crowd = [server.connect(b"scrape\n") for _ in range(MOST_CONNECTIONS // 2)]
        server.start()
        assert {read(client) for client in crowd} == {b"SCRAPE\n"}
    assert len(answered) <= len(crowd) / 2


def test_its_share_of_the_processor_is_small() -> None:
    """Protects the frame rate: however many ask, this thread leaves the processor to others most of the time."""

    def compute(received: bytes) -> bytes | None:
        until = time.thread_time() + 0.002
        while time.thread_time() < until:
            pass
        return upper(received)

    with serving(compute) as server:
        since = time.monotonic()
        for number in range(25):
            assert read(server.connect(b"%d\n" % number)) == b"%d\n" % number
        assert server.cpu_seconds() < 2 * (time.monotonic() - since) / PAUSE


@contextmanager
def descriptors_left(number: int) -> Iterator[None]:
    """So many more can be opened while the context lasts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket() as probe:
        lowest = probe.fileno()
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + number, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_few_descriptors() -> None:
    """Protects the scrape where descriptors run out: fewer are kept open, and some are left for the answer's files."""

    def respond(received: bytes) -> bytes | None:
        with Path("/proc/self/stat").open(), Path("/proc/self/limits").open():
            return upper(received)

    with serving(respond, started=False) as server:
        for _ in range(MOST_CONNECTIONS):
            server.connect()
        scrape = server.connect(b"scrape\n")
        with descriptors_left(8):
            server.start()
            assert read(scrape) == b"SCRAPE\n"


def test_no_descriptors(caplog: pytest.LogCaptureFixture) -> None:
    """Protects the server's life where others have all descriptors: it says so, and who comes waits for one."""
    with serving(started=False) as server:
        scrape = server.connect(b"scrape\n")
        with descriptors_left(0):
            server.start()
            eventually(lambda: caplog.records, "line in the log")
        assert read(scrape) == b"SCRAPE\n"

"""One message to a real web server, and what is made of its answer."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from pi_classifier.config.schema import WebhookSettings
from pi_classifier.errors import ConfigError
from pi_classifier.system.tls import client_context
from pi_classifier.webhooks.envelope import cloud_event
from pi_classifier.webhooks.receiver import Receiver
from tests.running import unused_port
from tests.webhooks.certificates import certified
from tests.webhooks.receiving import EVENT, KEY, SECRET, Reply, receiving

standardwebhooks = pytest.importorskip("standardwebhooks", reason="standardwebhooks is not installed")
BODY = cloud_event(EVENT, "/pi-classifier/garden")


@contextmanager
def saying(answer: bytes) -> Iterator[str]:
    """A server that says this to whatever it is asked, and hangs up; gives its URL."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            client, _ = server.accept()
            with client, suppress(OSError):  # it may be hung up on before the end
                client.recv(65536)
                client.sendall(answer)
                client.shutdown(socket.SHUT_WR)
                while client.recv(65536):
                    pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        thread.join()


def test_reference_verifier_takes_what_is_sent() -> None:
    """Protects receivers: over a real connection, body and headers are such that the reference verifier takes them."""
    with receiving() as server:
        answer = Receiver(server.url, KEY, None).post(EVENT.id, BODY)
    assert (answer.status, answer.problem) == (204, "")
    (received,) = server.received
    assert received.path == "/hook?token=cAnArY4711"
    assert received.headers["Content-Type"] == "application/cloudevents+json; charset=utf-8"
    event = standardwebhooks.Webhook(SECRET).verify(received.body, dict(received.headers.items()))
    assert event["id"] == received.id == EVENT.id


def test_what_is_said_in_the_meantime_is_no_answer() -> None:
    """Protects receivers behind proxies from duplicates: 102 and 103 come before the answer, and are none."""
    early = b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    with saying(early + b"HTTP/1.1 204 No Content\r\n\r\n") as url:
        assert Receiver(url, KEY, None).post("id", b"{}") == (204, "", 0.0)


@pytest.mark.parametrize(
    ("reply", "problem", "pause"),
    [
        (Reply(200), "", 0.0),
        (Reply(302, {"Location": "http://127.0.0.1:1/"}), "answers 302 (Found), and no redirect is followed", 0.0),
        (Reply(401), "answers 401 (Unauthorized)", 0.0),
        (Reply(410), "answers 410 (Gone)", 0.0),
        (Reply(503, {"Retry-After": "120"}), "answers 503 (Service Unavailable)", 120.0),
        (Reply(599), "answers 599", 0.0),
    ],
)
def test_answers(reply: Reply, problem: str, pause: float) -> None:
    """Protects the schedule: what is not 2xx was not taken, a redirect leads nowhere, and a wish for a pause counts."""
    with receiving() as server:
        server.replies.put(reply)
        answer = Receiver(server.url, KEY, None).post(EVENT.id, BODY)
    assert (answer.status, answer.problem, answer.pause) == (reply.status, problem, pause)
    assert answer.is_gone == (reply.status == 410)
    assert len(server.received) == 1


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (b"", "closes the connection without an answer"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "answers no HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n", "answers no HTTP"),
        (b"HTTP/1.1 200 " + b"x" * 100_000, "answers no HTTP"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", ""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\nx", ""),
    ],
)
def test_what_servers_say(said: bytes, problem: str) -> None:
    """Protects the thread from servers of another kind, and from bodies without end, which nobody reads."""
    with saying(said) as url:
        assert Receiver(url, KEY, None).post(EVENT.id, BODY).problem == problem


def test_server_that_is_not_there() -> None:
    """Protects who reads the log: nobody listens, no such host, each in a few words without the path."""
    answer = Receiver(f"http://127.0.0.1:{unused_port()}/cAnArY", KEY, None).post(EVENT.id, BODY)
    assert answer == (0, "Connection refused", 0.0)


def test_slow_answer_has_an_end() -> None:
    """Protects a hook from a server that sends a byte now and then: its time is that of the whole answer."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            client, _ = server.accept()
            with client:
                client.sendall(b"HTTP/1.1 200 OK\r\n")
                while not over.wait(0.05):
                    try:
                        client.sendall(b"X: y\r\n")
                    except OSError:  # it has hung up
                        return

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.getsockname()[1]}/"
            assert Receiver(url, KEY, None, seconds=0.5).post(EVENT.id, BODY).problem == "does not answer within 0.5 s"
        finally:
            over.set()
            thread.join()


def test_own_authority(tmp_path: Path, secret_file: Path) -> None:
    """Protects receivers of one's own: by its authority the server is known, without it nothing is sent."""
    authority, server_side = certified(tmp_path)
    with receiving(server_side) as server:
        trusting = WebhookSettings(url=server.url, secret_file=str(secret_file), ca_file=str(authority))
        assert Receiver.of(trusting, "webhook.0").post(EVENT.id, BODY).status == 204
        answer = Receiver(server.url, KEY, client_context("webhook.0")).post(EVENT.id, BODY)
        assert answer.problem.startswith("its certificate is not trusted: ")
    assert len(server.received) == 1


def test_server_of_another_name(tmp_path: Path) -> None:
    """Protects from one that the same authority vouches for and that is somebody else."""
    authority, server_side = certified(tmp_path, "DNS:somebody.example")
    with receiving(server_side) as server:
        context = client_context("webhook.0", ca_file=str(authority))
        answer = Receiver(server.url, KEY, context).post(EVENT.id, BODY)
    assert "IP address mismatch" in answer.problem
    assert server.received == []


def test_server_without_tls() -> None:
    """Protects who wrote https for a server that has none: it is said in words."""
    with saying(b"HTTP/1.1 400 Bad Request\r\n\r\n") as url:
        answer = Receiver(url.replace("http", "https"), KEY, client_context("webhook.0")).post(EVENT.id, BODY)
    assert answer.problem.startswith("TLS fails: ")


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        (None, 0o600, "No such file"),
        (SECRET, 0o644, "can be read by others"),
        ("", 0o600, "does not begin with whsec_"),
        ("cAnArY4711", 0o600, "does not begin with whsec_"),
        ("whsec_cAnArY4711", 0o600, "has 7 bytes"),
    ],
)
def test_unfit_secret(tmp_path: Path, content: str | None, mode: int, said: str) -> None:
    """Protects who configures: what is wrong with the file is a line with its key and a remedy, without the secret."""
    file = tmp_path / "secret"
    if content is not None:
        file.touch()
        file.chmod(mode)
        file.write_text(content)
    settings = WebhookSettings(url="http://127.0.0.1/hook-id", secret_file=str(file))
    with pytest.raises(ConfigError, match=said) as refused:
        Receiver.of(settings, "webhook.3")
    assert str(refused.value).startswith(f"webhook.3.secret_file = {file}")
    assert not content or content not in str(refused.value).replace(str(file), "")
    assert "hook-id" not in str(refused.value)


def test_name_tells_no_path() -> None:
    """Protects the path and the query of a URL, which may be all that a stranger need know."""
    shown = Receiver("https://User.example:8443/cAnArY?token=cAnArY", KEY, None)
    assert str(shown) == "https://user.example:8443"
    assert repr(shown) == "Receiver(https://user.example:8443)"

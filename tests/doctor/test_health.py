"""`pi-classifier health`, on a running daemon and on what is none."""

import http.server
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.config.address import ListenAddress
from pi_classifier.doctor.health import health, scraped_values
from pi_classifier.errors import ConfigError
from tests.running import Program

Run = Callable[..., Program]


class Page(http.server.BaseHTTPRequestHandler):
    """Answers every question with the text of its server."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.text.encode())  # type: ignore[attr-defined]

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def page() -> Iterator[Callable[[str], ListenAddress]]:
    """Serves a text as metrics; returns the address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()

    def serve(text: str) -> ListenAddress:
        server.text = text  # type: ignore[attr-defined]
        return ListenAddress("127.0.0.1", server.server_port)

    yield serve
    server.shutdown()
    thread.join()
    server.server_close()


def camera(name: str, *, up: int, predicted: float | None) -> str:
    """A camera's part of a scrape."""
    lines = [
        f'pi_classifier_camera_up{{camera="{name}"}} {up}',
        f'pi_classifier_frames_per_second{{camera="{name}"}} 9',
    ]
    if predicted is not None:
        lines.append(f'pi_classifier_last_prediction_timestamp_seconds{{camera="{name}"}} {predicted}')
    return "\n".join(lines) + "\n"


def test_running_daemon_is_well(program: Run, free_port: int) -> None:
    """Protects containers in operation: a daemon that predicts is called well, by the command, with exit code 0."""
    address = f"127.0.0.1:{free_port}"
    running = program("run", "--source", "synthetic:", "--weights", "untrained", "--metrics-listen", address)
    running.wait_for_line("fps |")
    asked = program("health", "--metrics-listen", address).wait()
    assert asked.returncode == 0, asked
    assert "camera: last prediction" in asked.stdout


def test_nobody_answers(program: Run, free_port: int) -> None:
    """Protects containers whose daemon is gone: exit code 1 and one line."""
    asked = program("health", "--metrics-listen", f"0.0.0.0:{free_port}").wait()
    assert asked.returncode == 1
    assert len(asked.stderr.splitlines()) == 1
    assert f"http://127.0.0.1:{free_port}" in asked.stderr


@pytest.mark.parametrize(
    ("up", "predicted_before", "well"),
    [(1, 0.0, True), (1, 60.0, False), (1, None, False), (0, 60.0, True), (0, None, True)],
)
def test_hang_differs_from_waiting(
    page: Callable[[str], ListenAddress], up: int, predicted_before: float | None, well: bool
) -> None:
    """Protects the meaning: a camera that delivers and is not classified is a hang, one that is disconnected is not."""
    predicted = None if predicted_before is None else time.time() - predicted_before
    answer = health(page(camera("front", up=up, predicted=predicted)), within_seconds=30)
    assert answer.ok is well
    assert answer.messages[0].startswith("front: ")


def test_one_hanging_camera_of_two_is_a_hang(page: Callable[[str], ListenAddress]) -> None:
    """Protects from a mean over cameras: each must be well."""
    text = camera("front", up=1, predicted=time.time()) + camera("back", up=1, predicted=time.time() - 99)
    answer = health(page(text), within_seconds=30)
    assert not answer.ok
    assert len(answer.messages) == 2


def test_proxy_is_not_asked(program: Run, page: Callable[[str], ListenAddress]) -> None:
    """Protects containers, which are often given a proxy: the daemon beside is asked directly."""
    address = page(camera("front", up=1, predicted=time.time()))
    asked = program("health", "--metrics-listen", str(address), environment={"http_proxy": "http://127.0.0.1:9"}).wait()
    assert asked.returncode == 0, asked


@pytest.mark.parametrize("text", ["node_load1 0.3\n", "<html><body>It works!</body></html>", ""])
def test_somebody_elses_port(page: Callable[[str], ListenAddress], text: str) -> None:
    """Protects from node_exporter, or a web server, on the same port: it is not taken for a daemon that is well."""
    answer = health(page(text), within_seconds=30)
    assert not answer.ok
    assert "another program has that port" in answer.messages[0]


def test_metrics_turned_off() -> None:
    """Protects from a health check that cannot work: it says which key to set."""
    with pytest.raises(ConfigError, match="listen"):
        health(None, within_seconds=30)


def test_asking_loads_no_torch() -> None:
    """Protects a Raspberry Pi from a check that is made every half a minute: it imports neither torch nor OpenCV."""
    code = (
        "import sys; from pi_classifier import cli; from pi_classifier.doctor import health; "
        "sys.exit(not {'torch', 'cv2'}.isdisjoint(sys.modules))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


class Dripping(Page):
    """Begins an answer that never ends, a byte at a time."""

    def do_GET(self) -> None:
        """Drip until the other side has gone."""
        self.send_response(200)
        self.end_headers()
        try:
            while not self.server.ended.wait(0.05):  # type: ignore[attr-defined]
                self.wfile.write(b"#")
        except OSError:
            return


def test_server_that_drips_is_given_up() -> None:
    """Protects a container's health check: one deadline is for the whole answer, however often a byte of it comes."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Dripping)
    server.daemon_threads = True
    server.ended = threading.Event()  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    answer = health(ListenAddress("127.0.0.1", server.server_port), within_seconds=30, answer_seconds=0.5)
    assert not answer.ok
    assert "no whole answer within 0.5 s" in answer.messages[0]
    server.ended.set()  # type: ignore[attr-defined]
    server.shutdown()
    thread.join()
    server.server_close()


def test_huge_answer_is_read_to_a_bound(page: Callable[[str], ListenAddress]) -> None:
    """Protects memory: of an answer without end the first megabytes are looked at, and no more."""
    wanted = camera("front", up=1, predicted=time.time())
    assert health(page(wanted + "#" * (5 << 20)), within_seconds=30).ok
    assert not health(page("#" * (5 << 20) + "\n" + wanted), within_seconds=30).ok


def test_prediction_of_the_future_is_none(page: Callable[[str], ListenAddress]) -> None:
    """Protects from a clock that was wrong: a prediction that is still to come does not show that the daemon works."""
    assert not health(page(camera("front", up=1, predicted=time.time() + 3600)), within_seconds=30).ok


@given(st.text(st.sampled_from('pi_classifier_camera_up{camera="front"} 1\n#\\NaN,=\x00\u00e9'), max_size=200))
def test_nonsense_is_no_health(text: str) -> None:
    """Protects from tracebacks: whatever a server says, it is a set of values or none."""
    assert isinstance(scraped_values("pi_classifier_" + text), dict)

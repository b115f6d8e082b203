"""Weights that come by name: fetched once, whole, and no others."""

import hashlib
import socket
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from pi_classifier.config.schema import ModelSettings, Settings
from pi_classifier.detection.published import COCO_LABELS, PIECE, PUBLISHED, Published, fetched
from pi_classifier.errors import CannotWrite, WeightsUnavailable
from pi_classifier.model import open_detector
from pi_classifier.runtimes.labels import read_labels
from tests.detection.files import COUNT, NAMES, detector, models
from tests.running import Program
from tests.runtimes.onnx.files import labels_file, written
from tests.sources.test_files import write_picture
from tests.test_bad_input import CONFIG, UNAVAILABLE, refused

CONTENT = bytes(range(256)) * 1024
Run = Callable[..., Program]


class Release(BaseHTTPRequestHandler):
    """A server with one file, and with others under names that say what is wrong with them."""

    asked: list[str]

    def do_GET(self) -> None:
        """Answer."""
        self.asked.append(self.path)
        if "missing" in self.path:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        sent = {"/cut.onnx": CONTENT[:PIECE], "/other.onnx": CONTENT[::-1]}
        self.wfile.write(sent.get(self.path, CONTENT))

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def release() -> Iterator[tuple[Callable[[str], Published], list[str]]]:
    """Makes what is published under a name; and what the server was asked for."""
    handler = type("Handler", (Release,), {"asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()

    def published(name: str) -> Published:
        url = f"http://127.0.0.1:{server.server_port}/{name}"
        return Published(url, len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), "MIT", "yolox", COCO_LABELS)

    yield published, handler.asked  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()


Server = tuple[Callable[[str], Published], list[str]]


@pytest.mark.parametrize("progress", [False, True])
def test_fetched_once(release: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str], *, progress: bool) -> None:
    """Protects the first start and the second: what was fetched is kept, its licence told, and stdout untouched."""
    published, asked = release
    folder = tmp_path / "cache"
    first = fetched(published("good.onnx"), folder, progress=progress)
    assert (first, first.read_bytes()) == (folder / "good.onnx", CONTENT)
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f'Downloading: "{published("good.onnx").url}" to {first} (licence: MIT)\n')
    assert ("100.0%" in told.err) == progress
    assert fetched(published("good.onnx"), folder, progress=progress) == first
    assert (len(asked), capsys.readouterr().err) == (1, "")
    assert [path.name for path in folder.iterdir()] == ["good.onnx"]


def test_a_damaged_file_in_the_cache(release: Server, tmp_path: Path) -> None:
    """Protects a start after a power cut: half a file in the cache is fetched again."""
    published, asked = release
    (tmp_path / "good.onnx").write_bytes(CONTENT[:100])
    assert fetched(published("good.onnx"), tmp_path, progress=False).read_bytes() == CONTENT
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("name", "words"),
    [("missing.onnx", "Not Found"), ("cut.onnx", "cut short: 65536 of 262144 bytes"), ("other.onnx", "invalid hash")],
)
def test_what_is_not_taken(release: Server, name: str, words: str, tmp_path: Path) -> None:
    """Protects from half a file, and from another than was published: one line says so, and nothing is kept."""
    published, _ = release
    with pytest.raises(WeightsUnavailable) as caught:
        fetched(published(name), tmp_path, progress=False)
    assert words in str(caught.value)
    assert f"copy it to {tmp_path / name}, or name a copy of it with --weights" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_nowhere_to_keep_it(release: Server, tmp_path: Path) -> None:
    """Protects a read-only system: nothing is fetched that cannot be kept, and the line says where it would go."""
    published, asked = release
    (tmp_path / "occupied").write_text("")
    with pytest.raises(CannotWrite) as caught:
        fetched(published("good.onnx"), tmp_path / "occupied", progress=False)
    assert f"{tmp_path / 'occupied' / 'good.onnx'}: cannot be kept there" in str(caught.value)
    assert "--weights" in str(caught.value)
    assert asked == []


def test_who_answers_no_http(tmp_path: Path) -> None:
    """Protects from a traceback: a server that speaks something else is a failed download."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def answer() -> None:
            with server.accept()[0] as connection:
                connection.recv(1000)
                connection.sendall(b"220 mail\r\n\r\n")

        Thread(target=answer, daemon=True).start()
        published = PUBLISHED["yolox_nano"]._replace(url=f"http://127.0.0.1:{port}/a.onnx")
        with pytest.raises(WeightsUnavailable) as caught:
            fetched(published, tmp_path, progress=False)
    assert len(str(caught.value).splitlines()) == 1


def test_no_network(program: Run, tmp_path: Path) -> None:
    """Protects offline machines: the line names the URL, the place to copy it to, and --weights; stdout stays empty."""
    variables = {"CACHE_DIRECTORY": str(tmp_path), "https_proxy": "http://127.0.0.1:1"}
    running = program("classify", write_picture(tmp_path / "a.png"), "--model", "yolox_nano", environment=variables)
    result = running.wait()
    assert (result.returncode, running.lines) == (UNAVAILABLE, [])
    first, last = result.stderr.splitlines()
    assert first.startswith('Downloading: "https://github.com/Megvii-BaseDetection/YOLOX/')
    assert first.endswith(f"to {tmp_path / 'yolox_nano.onnx'} (licence: Apache-2.0)")
    assert f"copy it to {tmp_path / 'yolox_nano.onnx'}, or name a copy of it with --weights" in last


def test_a_copy_needs_no_labels(tmp_path: Path) -> None:
    """Protects who copied the file: by its name a YOLOX has COCO's labels, unless it has or is given others."""

    def labels(classes: int, metadata: dict[str, str] | None = None, given: str = "") -> tuple[str, ...]:
        weights = written(detector(np.zeros((1, COUNT, 5 + classes), np.float32), metadata=metadata), tmp_path)
        settings = Settings(model=ModelSettings(name="yolox_nano", weights=str(weights), labels=given, threads=1))
        found = open_detector(settings)
        assert found is not None
        return found.metadata.categories

    assert labels(80) == read_labels(COCO_LABELS)
    assert labels(2, NAMES) == ("cat", "dog")
    assert labels(3, given=str(labels_file(tmp_path, ("a", "b", "c")))) == ("a", "b", "c")


def test_the_labels_are_cocos(test_data: Path) -> None:
    """Protects what objects are called: the labels that come along are those of the annotations, in their order."""
    assert read_labels(COCO_LABELS) == read_labels(models(test_data) / "models" / "coco80.txt")


@pytest.mark.parametrize(
    ("command", "flags", "words"),
    [
        ("prepare", (), "runs without a bundle"),
        ("classify", ("--weights", "untrained"), "runs without a bundle"),
        ("classify", ("--runtime", "litert"), "runs on ONNX Runtime, not on litert"),
    ],
)
def test_what_a_detector_does_not_go_with(
    command: str, flags: tuple[str, ...], words: str, program: Run, tmp_path: Path
) -> None:
    """Protects users: a detector's name with what is for classifiers alone is refused in one line."""
    picture = [write_picture(tmp_path / "a.png")] if command == "classify" else []
    refused(program(command, *picture, "--model", "yolox_nano", *flags), CONFIG, words)

"""What is fed, and with what: one class a kind of input that comes from outside.

Each says what must hold whatever it is fed: a result, or one of our own errors, in one line. Everything else that
happens (another exception, a crash, a hang, gigabytes) is a defect.
"""

import io
import random
import socket
import tomllib
import urllib.request
import warnings
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from PIL import Image

from pi_classifier.config.address import ListenAddress
from pi_classifier.config.layers import is_table_array, load, section_class
from pi_classifier.config.reference import documented_defaults
from pi_classifier.config.schema import Settings
from pi_classifier.runtimes.reference_transform import reference_crop
from pi_classifier.sources.files.opening import open_file
from pi_classifier.sources.files.picture import Picture
from tests.fuzz.mutation import archived, mutated, mutated_archive

FRAMES = 40
"""Of a video that are read at most."""


class Target(Protocol):
    """One kind of input."""

    def make(self, rng: random.Random) -> bytes:
        """The next input; the same for the same state of `rng`."""

    def feed(self, path: Path) -> None:
        """Have it read by the program's own code. Raises PiClassifierError where it is refused."""


class Pictures:
    """Pictures and videos, as `classify` reads them."""

    def __init__(self, folder: Path) -> None:
        self._samples = [path.read_bytes() for path in _samples(folder)]

    def make(self, rng: random.Random) -> bytes:
        """One of every kind, mutated mostly near its head, where sizes and types stand."""
        sample = rng.choice(self._samples)
        head = rng.choice((64, 512, len(sample)))
        return mutated(sample[:head], rng) + sample[head:]

    def feed(self, path: Path) -> None:
        """Every frame of it, up to a few dozen."""
        source = open_file(path.name, path, fps=1)
        for frame in islice(source.frames(), FRAMES):
            assert frame.pixels.dtype == np.uint8
            assert frame.pixels.ndim == 3
            if isinstance(source, Picture):
                assert reference_crop(frame.pixels, resize_size=256, crop_size=224).shape == (224, 224, 3)


class ConfigurationFiles:
    """config.toml."""

    def __init__(self, _folder: Path) -> None:
        self._keys = [
            (section, key) for section in Settings.model_fields for key in section_class(section).model_fields
        ]
        self._defaults = documented_defaults().encode()

    def make(self, rng: random.Random) -> bytes:
        """Known keys with any value of any type, or the file of all defaults, mutated."""
        if rng.random() < 0.3:
            return mutated(self._defaults, rng)
        text = "\n".join(self._section(*rng.choice(self._keys), rng) for _ in range(rng.randrange(1, 5)))
        return text.encode("utf-8", "surrogatepass")

    def feed(self, path: Path) -> None:
        """What is accepted is printed as it is read, but for what is secret."""
        printed = load(file=path).to_toml()
        path.write_text(printed, encoding="utf-8")
        assert _without_secrets(load(file=path).to_toml()) == _without_secrets(printed)

    def _section(self, section: str, key: str, rng: random.Random) -> str:
        heading = f"[[{section}]]" if is_table_array(section) else f"[{section}]"
        return f"{heading}\n{key} = {_toml_value(rng)}"


class WeightsFiles:
    """State dicts."""

    def __init__(self, _folder: Path) -> None:
        import torch

        from pi_classifier.prepare.quantise import untrained
        from pi_classifier.prepare.torchvision_models import ARCHITECTURES

        # Narrow: there is as much to be wrong about, and less to copy.
        self._architecture = replace(ARCHITECTURES["mobilenet_v2"], options=(("width_mult", 0.25),))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._state = untrained(self._architecture).state_dict()
        self._torch = torch

    def make(self, rng: random.Random) -> bytes:
        """One with some entries replaced; or its archive, mutated."""
        state = dict(self._state)
        file = io.BytesIO()
        lies = rng.random() < 0.5
        for _ in range(rng.choice((1, 1, 3)) if lies else 0):
            state[rng.choice(list(state))] = rng.choice(self._lies())
        self._torch.save(state, file)
        return file.getvalue() if lies else mutated_archive(file.getvalue(), rng)

    def feed(self, path: Path) -> None:
        """As `prepare` reads it."""
        from pi_classifier.prepare.quantise import quantised
        from pi_classifier.prepare.state_dict import read_state

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            quantised(self._architecture, read_state(path)[0], path)

    def _lies(self) -> list[object]:
        torch = self._torch
        nan = float("nan")
        tensors = [torch.zeros(()), torch.tensor(nan), torch.tensor([1, 2]), torch.zeros(0), torch.zeros(1000, 1280)]
        return [None, 1, -1, 2**80, nan, "text", b"bytes", (), [], {}, True, *tensors, (tensors[4], tensors[0])]


class Bundles:
    """Bundles, as `run` loads them in either runtime."""

    def __init__(self, _folder: Path) -> None:
        from pi_classifier.config.schema import ModelSettings
        from pi_classifier.prepare.bundle import prepare

        bundle = prepare(ModelSettings(weights="untrained"), runtimes=["torchscript", "litert"])
        with zipfile.ZipFile(io.BytesIO(bundle.to_bytes())) as archive:
            self._members = [(name, archive.read(name)) for name in archive.namelist()]

    def make(self, rng: random.Random) -> bytes:
        """One member mutated, a program mostly, at its head or where the archive inside it has its members."""
        members = list(self._members)
        if rng.random() < 0.2:
            return mutated_archive(archived(members), rng)
        chosen = rng.choice((0, 2, 3, 3))
        name, content = members[chosen]
        if name.endswith(".pt"):
            content = mutated_archive(content, rng)
        else:
            # The weights' own values harm nobody; what describes them stands before and behind.
            edge = rng.choice((256, 4096, 65536))
            head = rng.random() < 0.5
            content = (
                mutated(content[:edge], rng) + content[edge:]
                if head
                else content[:-edge] + mutated(content[-edge:], rng)
            )
        members[chosen] = (name, content)
        return archived(members)

    def feed(self, path: Path) -> None:
        """Read, judged, loaded, and run once."""
        from pi_classifier.config.schema import ModelSettings
        from pi_classifier.model import open_model

        for runtime in ("torchscript", "litert"):
            settings = ModelSettings(weights=str(path), runtime=runtime, activations="quint8", threads=1)
            model = open_model(settings, progress=False)
            model.new_predictor().infer(model.new_tensor())


class OnnxFiles:
    """Classifiers from elsewhere, as `run` opens and tries them; ONNX Runtime reads what was not refused before."""

    def __init__(self, folder: Path) -> None:
        from tests.runtimes.onnx.files import classifier, labels_file

        kinds: list[dict[str, Any]] = [{}, {"softmax": True}, {"weights_as_inputs": True}, {"picture": (1, 32, 32, 3)}]
        self._samples = [classifier(metadata={"names": "['a', 'b']"}, **kind).SerializeToString() for kind in kinds]
        self._labels = str(labels_file(folder))

    def make(self, rng: random.Random) -> bytes:
        """One of several kinds, mutated anywhere: it is small, and nearly all of it is structure."""
        return mutated(rng.choice(self._samples), rng)

    def feed(self, path: Path) -> None:
        """What is left of it is a classifier of these labels, or refused."""
        from pi_classifier.config.schema import ModelSettings
        from pi_classifier.model import open_model

        named = path.with_suffix(".onnx")
        named.write_bytes(path.read_bytes())
        model = open_model(ModelSettings(weights=str(named), labels=self._labels, threads=1), progress=False)
        predictor = model.new_predictor()
        assert predictor.decode(predictor.infer(model.new_tensor())).scores


class Detectors:
    """Detectors in ONNX, of every kind, as `classify` opens and asks them."""

    def __init__(self, folder: Path) -> None:
        from tests.detection.files import LABELS, samples
        from tests.runtimes.onnx.files import labels_file

        self._samples = [made.SerializeToString() for made in samples()]
        self._labels = str(labels_file(folder, LABELS))

    def make(self, rng: random.Random) -> bytes:
        """One of every kind, mutated anywhere."""
        return mutated(rng.choice(self._samples), rng)

    def feed(self, path: Path) -> None:
        """What is left of it finds something, or nothing, inside the picture; or it is refused."""
        from pi_classifier.detection.limits import Limits
        from pi_classifier.detection.opening import Wishes, open_detector

        find = open_detector(path, Wishes(self._labels), Limits(), threads=1).new_finder()
        for found in find(np.full((48, 80, 3), 200, np.uint8)):
            left, top, right, bottom = found.box
            assert 0 <= left < right <= 80
            assert 0 <= top < bottom <= 48


class HttpRequests:
    """What comes to the metrics' port."""

    def __init__(self, _folder: Path) -> None:
        from pi_classifier.sinks.metrics.server import MetricsServer

        self._server = MetricsServer(ListenAddress("127.0.0.1", 0))
        self._server.start()
        self._fed = 0

    def make(self, rng: random.Random) -> bytes:
        """Requests with odd methods, targets, versions and headers, or plainly mutated."""
        line = f"{rng.choice(METHODS)} {rng.choice(REQUEST_TARGETS)} {rng.choice(VERSIONS)}\r\n"
        headers = "".join(f"{rng.choice(HEADERS)}\r\n" for _ in range(rng.randrange(5)))
        request = (line + headers + "\r\n").encode("latin-1")
        return mutated(request, rng) if rng.random() < 0.5 else request

    def feed(self, path: Path) -> None:
        """An answer is of the 2xx or 4xx kind, and an honest scrape is answered afterwards."""
        address = self._server.address
        with socket.create_connection((address.host, address.port), timeout=60) as connection:
            answer = _exchange(connection, path.read_bytes())
        status = answer.split(b" ", 2)[1:2] if answer.startswith(b"HTTP/") else []
        assert not status or status[0][:1] in (b"2", b"4"), answer[:200]
        self._fed += 1
        if self._fed % 20 == 0:
            with urllib.request.urlopen(f"http://{address}/metrics", timeout=60) as scrape:
                assert b"process_start_time_seconds" in scrape.read()


METHODS = ("GET", "HEAD", "POST", "OPTIONS", "PUT", "BREW", "get", "", "G\0T", "GET " * 3)
REQUEST_TARGETS = (
    "/metrics",
    "/",
    "/metrics?name[]=up&name[]=",
    "/nope",
    "*",
    "http://x/",
    "/%ff%00",
    "?" * 5000,
    "/é",
)
VERSIONS = ("HTTP/1.1", "HTTP/1.0", "HTTP/0.9", "HTTP/2", "HTTP/1.1.1", "HTTP/99999999999.1", "", "x")
HEADERS = (
    "Accept: application/openmetrics-text; version=a", "Accept: application/openmetrics-text; version=1.0.0",
    "Accept: text/plain;version=0.0.4;escaping=allow-utf-8", "Accept: ;;;=,=,", "Accept:", f"X: {'y' * 70_000}",
    "Content-Length: -1", "Content-Length: 99999999999999999999", "Transfer-Encoding: chunked", "Host:",
    "Expect: 100-continue", "Accept-Encoding: gzip;q=x", "Accept-Encoding: gzip", "no header at all", ": empty",
    "Connection: keep-alive",
)  # fmt: skip

TARGETS: dict[str, Callable[[Path], Target]] = {
    "pictures": Pictures,
    "configuration": ConfigurationFiles,
    "weights": WeightsFiles,
    "bundles": Bundles,
    "onnx": OnnxFiles,
    "detectors": Detectors,
    "http": HttpRequests,
}
"""By name; each is made with a folder of its own."""


def _exchange(connection: socket.socket, request: bytes) -> bytes:
    """All that is answered until the connection is closed."""
    answer = b""
    try:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        while piece := connection.recv(1 << 16):
            answer += piece
    except ConnectionError:  # it need not listen to the end
        pass
    return answer


def _toml_value(rng: random.Random) -> str:
    number = str(rng.choice((0, 1, -1, 36, 0.5, 1e300, 2**31, 2**63, 10**30, "inf", "nan", "0x1f", "1e999", "-0.0")))
    text = rng.choice(("", "auto", "é", "a b", "\\u0000", "x" * 5000, "127.0.0.1:9100", "[::1]:x", "/dev/zero", "\\n"))
    return rng.choice(
        (number, number, f'"{text}"', f'"{text}"', "true", f'["{text}", {number}]', "[]", "{a = 1}", "1979-05-27")
    )


def _samples(folder: Path) -> Iterator[Path]:
    """A small file of every kind that can be written here."""
    noise = np.random.default_rng(0).integers(0, 256, (4, 30, 40, 3), np.uint8)
    pictures = [Image.fromarray(one) for one in noise]
    for suffix in ("png", "jpg", "bmp", "ppm", "tif", "gif", "webp"):
        pictures[0].save(folder / f"still.{suffix}")
        yield folder / f"still.{suffix}"
    for suffix in ("gif", "webp", "png", "tif"):
        pictures[0].save(folder / f"moving.{suffix}", save_all=True, append_images=pictures[1:])
        yield folder / f"moving.{suffix}"
    for suffix, codec in (("mp4", "mp4v"), ("avi", "MJPG"), ("mkv", "mp4v"), ("ts", "mp4v"), ("mjpeg", "MJPG")):
        writer = cv2.VideoWriter(str(folder / f"video.{suffix}"), cv2.VideoWriter.fourcc(*codec), 25, (40, 30))
        for one in noise:
            writer.write(one)
        writer.release()
        if (folder / f"video.{suffix}").is_file():
            yield folder / f"video.{suffix}"


def _without_secrets(printed: str) -> dict[str, Any]:
    document = tomllib.loads(printed)
    for camera in document["camera"]:
        camera.pop("password", None)  # one that is set is not printed, and read again there is none
    return document

"""The API's answers, over real connections."""

import base64
import io
import json
import re
import struct
import threading
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest
from openapi_spec_validator import validate
from PIL import Image

from pi_classifier.config.schema import WebSettings
from pi_classifier.contracts.event import Event, EventKind
from pi_classifier.web import api
from tests.fakes import FakeModel, ScriptedCamera
from tests.waiting import DEADLINE_SECONDS, eventually
from tests.web.conftest import TOKEN
from tests.web.site import Site, number_in, path_of, pixels_of, running

CLASSIFY = "/api/v1/classify"
STREAM = "/api/v1/cameras/front/stream.mjpg"


def picture(kind: str = "PNG", value: int = 200, size: tuple[int, int] = (40, 30)) -> bytes:
    """A grey one, as a file."""
    file = io.BytesIO()
    Image.new("RGB", size, (value, value, value)).save(file, kind)
    return file.getvalue()


def cut_short() -> bytes:
    """A JPEG whose end is missing."""
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)).save(file, "JPEG")
    return file.getvalue()[:-1000]


@pytest.fixture
def client(site: Site) -> Iterator[httpx.Client]:
    """Of the shared site."""
    with site.client() as one:
        yield one


def assert_problem(answer: httpx.Response, status: int) -> None:
    """A refusal as RFC 9457 has it."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["status"] == status
    assert answer.json()["detail"]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_every_way_to_send_a_picture(client: httpx.Client, kind: str) -> None:
    """Protects clients of all kinds: raw, in a form and as base64 in both spellings a picture gets one answer."""
    data = picture(kind)
    text = base64.b64encode(data).decode()
    answers = [
        client.post(CLASSIFY, content=data, headers={"Content-Type": f"image/{kind.lower()}"}, params={"top_k": 3}),
        client.post(CLASSIFY, files={"image": data}, data={"top_k": "3"}),
        client.post(CLASSIFY, json={"image": text, "top_k": 3}),
        client.post(CLASSIFY, json={"image": {"type": "base64", "value": text}, "top_k": 3}),
    ]
    assert [answer.status_code for answer in answers] == [200] * 4
    found = [{key: value for key, value in answer.json().items() if key != "seconds"} for answer in answers]
    assert found == [found[0]] * 4
    assert found[0]["image"] == {"width": 40, "height": 30}
    assert [one["label"] for one in found[0]["predictions"]] == ["first", "second", "third"]
    assert set(answers[0].json()["seconds"]) == {"queue", "inference"}


def test_as_many_classes_as_configured(client: httpx.Client) -> None:
    """Protects who does not say how many: the configuration does, and a question may ask for more or fewer."""
    headers = {"Content-Type": "image/png"}
    counts = [
        len(client.post(f"{CLASSIFY}{query}", content=picture(), headers=headers).json()["predictions"])
        for query in ("", "?top_k=1", "?top_k=1000")
    ]
    assert counts == [2, 1, 3]


@pytest.mark.parametrize(("top_k", "count"), [(1.0, 1), (3.0, 3), (None, 2)])
def test_numbers_of_json(client: httpx.Client, top_k: object, count: int) -> None:
    """Protects programs whose JSON writes whole numbers with a point, or writes what is not said as null."""
    answer = client.post(CLASSIFY, json={"image": base64.b64encode(picture()).decode(), "top_k": top_k})
    assert len(answer.json()["predictions"]) == count


def bomb() -> bytes:
    """A PNG of 30000 x 30000 pixels in a few bytes."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", 30000, 30000, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("image/png", b"no picture", 422),
        ("image/png", b"", 422),
        ("image/jpeg", cut_short(), 422),
        ("image/png", picture("GIF"), 422),
        ("image/png", picture(size=(400_000, 1)), 422),
        ("image/png", bomb(), 413),
        ("image/png", bytes(10_000_001), 413),
        ("image/gif", picture("GIF"), 415),
        ("text/plain", b"hello", 415),
        ("", b"hello", 415),
        ("application/json", b"{", 400),
        ("application/json", b"[]", 400),
        ("application/json", b"[" * 100_000, 400),
        ("application/json", b"{}", 400),
        ("application/json", b'{"image": 7}', 400),
        ("application/json", b'{"image": "%%%"}', 422),
        ("application/json", b'{"image": {"type": "url", "value": "http://127.0.0.1/"}}', 400),
        ("application/json", json.dumps({"image": base64.b64encode(picture()).decode(), "top_k": 0}).encode(), 400),
        ("application/json", json.dumps({"image": base64.b64encode(picture()).decode(), "top_k": True}).encode(), 400),
        ("multipart/form-data; boundary=x", b"nonsense", 400),
        ("multipart/form-data", b"nonsense", 400),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\n--x--", 400),
    ],
)
def test_unfit_pictures(client: httpx.Client, kind: str, body: bytes, status: int) -> None:
    """Protects the daemon and who asks: whatever comes, a problem says what is wrong."""
    assert_problem(client.post(CLASSIFY, content=body, headers={"Content-Type": kind}), status)


@pytest.mark.parametrize("top_k", ["0", "-1", "1001", "a", "1.5", "", "9" * 50, "²"])
def test_unfit_numbers(client: httpx.Client, top_k: str) -> None:
    """Protects from numbers that are none."""
    answer = client.post(CLASSIFY, params={"top_k": top_k}, content=picture(), headers={"Content-Type": "image/png"})
    assert_problem(answer, 400)
    assert_problem(client.post(CLASSIFY, params={"top_k": 1}, files={"image": picture()}, data={"top_k": top_k}), 400)


def test_status_and_camera(client: httpx.Client, site: Site) -> None:
    """Protects who asks how it is: every camera with its counts, which balance, and its newest prediction."""
    eventually(lambda: site.sink.predictions, "a prediction")
    status = client.get("/api/v1/status").json()
    (camera,) = status["cameras"]
    assert (status["pictures"], camera["name"], camera["up"], camera["error"]) == (True, "front", True, "")
    assert camera["captured"] == camera["classified"] + sum(camera["dropped"].values())
    found = client.get("/api/v1/cameras/front").json()
    assert found["prediction"]["camera"] == "front"
    assert 0 <= found["prediction"]["age"] < DEADLINE_SECONDS
    missing = client.get("/api/v1/cameras/back")
    assert_problem(missing, 404)
    assert "front" in missing.json()["detail"]


def test_snapshot_is_the_very_frame(client: httpx.Client) -> None:
    """Protects snapshots: the picture is that of the number beside it, without labels where so asked."""
    clean = client.get("/api/v1/cameras/front/snapshot.jpg?overlay=0")
    assert clean.headers["content-type"] == "image/jpeg"
    assert number_in(pixels_of(clean.content)) == int(clean.headers["x-sequence"]) % 4096
    assert_problem(client.get("/api/v1/cameras/front/snapshot.jpg?overlay=2"), 400)


def test_stream_shows_frame_after_frame(client: httpx.Client) -> None:
    """Protects MJPEG for other programs: whole pictures of rising numbers, no faster than asked for."""
    parts: list[tuple[int, int]] = []
    with client.stream("GET", f"{STREAM}?overlay=0&fps=20") as stream:
        assert stream.headers["content-type"] == "multipart/x-mixed-replace; boundary=frame"
        received = b""
        for chunk in stream.iter_raw():
            received += chunk
            while found := re.match(rb"(?:\r\n)?--frame\r\n(.*?)\r\n\r\n", received, re.DOTALL):
                head = dict(line.split(b": ") for line in found[1].split(b"\r\n"))
                end = found.end() + int(head[b"Content-Length"])
                if len(received) < end:
                    break
                parts.append((int(head[b"X-Sequence"]), number_in(pixels_of(received[found.end() : end]))))
                received = received[end:]
            if len(parts) >= 10:
                break
    assert all(sequence % 4096 == number for sequence, number in parts)
    # The camera gives a hundred a second, so every fifth or so is shown.
    gaps = np.diff([sequence for sequence, _ in parts])
    assert (gaps > 0).all()
    assert gaps.mean() > 3
    assert_problem(client.get(f"{STREAM}?fps=0"), 400)


def test_events_as_they_happen(client: httpx.Client, site: Site) -> None:
    """Protects listeners: events come as they happen, each with its id, and what was missed comes first."""

    def tell(number: int) -> None:
        event = Event(EventKind.STARTED, "front", 0.0, f"event{number}", {"label": "first", "probability": 0.5})
        site.server.notify(event)

    def received(count: int, last: str = "", then: int | None = None) -> list[str]:
        ids: list[str] = []
        with client.stream("GET", "/api/v1/events", headers={"Last-Event-ID": last} if last else {}) as stream:
            lines = stream.iter_lines()
            assert next(lines) == "retry: 2000"
            if then is not None:
                tell(then)
            for line in lines:
                if line.startswith("id: "):
                    ids.append(line.removeprefix("id: "))
                if line.startswith("data: "):
                    assert json.loads(line.removeprefix("data: "))["label"] == "first"
                    if len(ids) == count:
                        return ids
        return ids

    assert received(1, then=1) == ["event1"]
    tell(2)
    assert received(2, last="event1", then=3) == ["event2", "event3"]


def test_camera_that_is_away() -> None:
    """Protects who asks for a picture that cannot be had: 503 with the daemon's own words, and when to try again."""
    camera = ScriptedCamera([])
    with running({"front": camera}) as site, site.client() as client:
        camera_down = site.statistics[0]
        camera_down.camera_failed("lost", "unplugged; check its plug")
        answer = client.get("/api/v1/cameras/front/snapshot.jpg")
        assert_problem(answer, 503)
        assert answer.json()["detail"] == "unplugged; check its plug"
        assert int(answer.headers["retry-after"]) > 0
        assert client.get("/api/v1/cameras/front").json()["prediction"] is None


def test_who_waits_for_a_picture_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects from crowds: whoever waits has a viewer's place, and gives it back when no frame comes."""
    monkeypatch.setattr(api, "FRAME_SECONDS", 1.0)
    with running({"front": ScriptedCamera([])}) as site, site.client() as client, ThreadPoolExecutor() as threads:
        asked = threads.submit(client.get, "/api/v1/cameras/front/snapshot.jpg")
        eventually(lambda: site.observer.viewers.get("snapshot") == 1 or asked.done(), "a viewer")
        assert not asked.done()
        assert_problem(asked.result(), 503)
        assert asked.result().json()["detail"] == "front sends no frames"
        assert site.observer.viewers["snapshot"] == 0


def test_pictures_can_be_turned_off() -> None:
    """Protects privacy: with pictures = false labels are told and no picture leaves, in any way."""
    with running(settings=WebSettings(pictures=False)) as site, site.client() as client, site.live() as page:
        assert_problem(client.get("/api/v1/cameras/front/snapshot.jpg"), 403)
        assert_problem(client.get(STREAM), 403)
        page.send('{"camera": "front"}')
        while isinstance(message := page.recv(DEADLINE_SECONDS), str):
            pass
        (length,) = struct.unpack(">I", message[:4])
        assert len(message) == 4 + length
        assert json.loads(message[4:])["predictions"]
        assert all(one.picture is None for one in site.sink.predictions)


def test_cameras_come_first() -> None:
    """Protects frames from pictures that are sent: many at once are answered or refused, and the cameras go on."""
    with running(model=FakeModel(0.005)) as site:
        statuses: list[int] = []

        def send() -> None:
            with site.client() as client:
                answer = client.post(CLASSIFY, content=picture(), headers={"Content-Type": "image/png"})
                statuses.append(answer.status_code)

        eventually(lambda: site.sink.predictions, "a prediction")
        before, senders = len(site.sink.predictions), [threading.Thread(target=send) for _ in range(40)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join(DEADLINE_SECONDS)
        answered = statuses.count(200)
        assert set(statuses) <= {200, 429, 503}
        assert answered >= 4
        assert statuses.count(429) > 0
        assert len(site.sink.predictions) - before >= answered - 1


def test_openapi_is_valid_and_complete(client: httpx.Client, site: Site) -> None:
    """Protects the document: it is valid OpenAPI, and names every route there is and no other."""
    document = client.get("/api/v1/openapi.json").json()
    validate(document)
    pages = {"/", "/static/{name}", "/api/v1/detect"}  # the last is a detector's
    assert document["paths"].keys() | pages == {path_of(route) for route in site.server.routes}


def test_openapi_with_all_that_can_be_turned_on(guarded: Site) -> None:
    """Protects the document: the same where pictures of own classes can be taken."""
    with guarded.client(Authorization=f"Bearer {TOKEN}") as client:
        document = client.get("/api/v1/openapi.json").json()
    validate(document)
    assert document["paths"].keys() | {"/", "/collect", "/static/{name}", "/api/v1/detect"} == set(
        map(path_of, guarded.server.routes)
    )


def test_page_is_asked_for_again_and_not_sent_twice(client: httpx.Client) -> None:
    """Protects upgrades and phones: a browser asks whether the page has changed, and gets it again only if it has."""
    first = client.get("/")
    assert first.headers["content-type"] == "text/html; charset=utf-8"
    again = client.get("/", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    for path in ("/static/../openapi.json", "/static/%2e%2e/openapi.json", "/static/..%2fopenapi.json"):
        assert client.get(path).status_code == 404

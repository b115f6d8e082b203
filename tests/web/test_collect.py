"""Pictures of own classes by the API: what is written, when it ends, what is refused."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import httpx
import pytest

from pi_classifier.config.schema import WebSettings
from pi_classifier.contracts.frame import FrameSource
from pi_classifier.errors import CameraAbsent
from pi_classifier.web import recording
from tests.fakes import ScriptedCamera
from tests.waiting import eventually
from tests.web.site import NumberedCamera, Site, number_in, running

COLLECT = "/api/v1/collect"
BURST = f"{COLLECT}/burst"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of the classes; there is none yet."""
    return tmp_path / "data"


@pytest.fixture
def collecting(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A site that takes pictures, as fast as they come."""
    monkeypatch.setattr(recording, "EVERY_SECONDS", 0.01)
    sources: dict[str, FrameSource] = {
        "front": NumberedCamera(),
        "away": ScriptedCamera([CameraAbsent("unplugged", remedy="check its plug")]),
    }
    with running(sources, WebSettings(collect=str(folder))) as site:
        folder.mkdir(exist_ok=True)
        eventually(lambda: site.sink.predictions, "a prediction")
        yield site


@pytest.fixture
def client(collecting: Site) -> Iterator[httpx.Client]:
    """Of its API."""
    with collecting.client() as one:
        yield one


def begin(client: httpx.Client, label: str = "cup", **more: object) -> dict[str, Any]:
    """A burst."""
    answer = client.post(BURST, json={"camera": "front", "label": label, "keep_similar": True, **more})
    assert answer.status_code == 201, answer.text
    burst: dict[str, Any] = answer.json()
    return burst


def said(client: httpx.Client, word: str, burst: dict[str, Any]) -> dict[str, Any]:
    """What there is of a burst after renew or stop."""
    answer = client.post(f"{BURST}/{word}", params={"id": burst["id"]})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def written(folder: Path) -> list[str]:
    """All files below it, hidden or not."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def finished(client: httpx.Client, count: int = 3, label: str = "cup") -> dict[str, Any]:
    """A burst of at least so many pictures, that was stopped."""
    burst = begin(client, label)
    eventually(lambda: said(client, "renew", burst)["saved"] >= count, "pictures", every=0.2)
    return said(client, "stop", burst)


def test_very_frames_are_written(client: httpx.Client, folder: Path) -> None:
    """Protects what it is for: the camera's frames, each once and in order, in one session, and all are counted."""
    burst = finished(client)
    names = written(folder)
    assert burst["saved"] == len(names) >= 3
    assert not burst["running"]
    numbers = [number_in(cv2.imread(str(folder / name))) for name in names]  # type: ignore[arg-type]
    assert numbers == sorted(set(numbers))
    assert {name.rpartition("_")[0] for name in names} == {names[0].rpartition("_")[0]}
    told = client.get(COLLECT).json()
    assert told["classes"] == [{"label": "cup", "pictures": len(names)}]
    assert told["burst"] == burst
    assert told["train"] == f"pi-classifier train {folder} --output own.bundle"


def test_silence_ends_it(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects from a recording that nobody holds any more: without a word it ends by itself, with one it goes on."""
    monkeypatch.setattr(recording, "SILENCE_SECONDS", 0.2)
    begin(client)
    eventually(lambda: not client.get(COLLECT).json()["burst"]["running"], "its end", every=0.2)
    monkeypatch.setattr(recording, "SILENCE_SECONDS", 1000.0)
    burst = begin(client)
    assert said(client, "renew", burst)["running"]
    assert not said(client, "stop", burst)["running"]


def test_only_one_at_a_time(client: httpx.Client) -> None:
    """Protects who records: nobody else begins, ends or deletes it: only the last burst is known, by its id."""
    burst = begin(client)
    other = client.post(BURST, json={"camera": "front", "label": "glass"})
    assert (other.status_code, other.headers["content-type"]) == (409, "application/problem+json")
    for method, path in (("POST", f"{BURST}/stop"), ("POST", f"{BURST}/renew"), ("DELETE", BURST)):
        assert client.request(method, path, params={"id": "another"}).status_code == 409
    assert said(client, "stop", burst)["id"] == burst["id"]


def test_last_burst_can_be_deleted_and_nothing_else(client: httpx.Client, folder: Path) -> None:
    """Protects pictures: what the last burst wrote goes, also while it is taken, and what was there before stays."""
    first = finished(client)
    kept = written(folder)
    second = finished(client)
    assert client.delete(BURST, params={"id": first["id"]}).status_code == 409
    gone = client.delete(BURST, params={"id": second["id"]})
    assert (gone.status_code, gone.json()["saved"]) == (200, 0)
    assert written(folder) == kept
    running_burst = begin(client, "glass")
    assert not client.delete(BURST, params={"id": running_burst["id"]}).json()["running"]
    assert os.listdir(folder) == ["cup"]  # noqa: PTH208


def test_bursts_of_a_minute_are_one_session(client: httpx.Client, folder: Path) -> None:
    """Protects the accuracy that training tells: presses in a row are one session, another class has its own."""
    for label in ("cup", "cup", "glass"):
        finished(client, 1, label)
    sessions = {(path.parent.name, path.name.rpartition("_")[0]) for path in folder.rglob("*.jpg")}
    assert sorted(label for label, _ in sessions) == ["cup", "glass"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"camera": "front"}, 400),
        ({"camera": "front", "label": 3}, 400),
        ({"camera": "front", "label": "cup", "keep_similar": "yes"}, 400),
        ({"camera": "nothing", "label": "cup"}, 404),
        ({"camera": "front", "label": "unknown"}, 422),
        ({"camera": "front", "label": "../elsewhere"}, 422),
        ({"camera": "front", "label": "cup/../../elsewhere"}, 422),
        ({"camera": "front", "label": "/etc"}, 422),
        ({"camera": "front", "label": ""}, 422),
        ({"camera": "front", "label": "\ud800"}, 422),
        ({"camera": "front", "label": "link"}, 507),
        ({"camera": "front", "label": "x" * 20_000}, 413),
        ({"camera": "away", "label": "cup"}, 503),
    ],
)
def test_what_cannot_be_taken_is_refused(
    client: httpx.Client, collecting: Site, folder: Path, body: dict[str, object], status: int
) -> None:
    """Protects the disk from what strangers call a class: each is refused as it should be, and nothing is made."""
    eventually(lambda: collecting.statistics[1].snapshot().error, "the camera's loss")
    (folder / "link").symlink_to(folder.parent)
    before = sorted(path.name for path in folder.parent.iterdir())
    answer = client.post(BURST, content=json.dumps(body))
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]
    assert [path.name for path in folder.iterdir()] == ["link"]
    assert sorted(path.name for path in folder.parent.iterdir()) == before


def test_limits(client: httpx.Client, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects the machine: room stays free on the disk, there are so many classes, a burst ends, calls are limited."""
    monkeypatch.setattr(recording, "MOST_PICTURES", 2)
    burst = begin(client)
    eventually(lambda: not said(client, "renew", burst)["running"], "its end", every=0.2)
    ended = said(client, "renew", burst)
    assert (ended["saved"], ended["problem"]) == (2, "a burst has 2 pictures at most; begin another")
    monkeypatch.setattr(recording, "LEAST_FREE", 10**18)
    full = begin(client)
    eventually(lambda: not said(client, "renew", full)["running"], "its end", every=0.2)
    assert "MB is free there; make room there" in said(client, "renew", full)["problem"]
    monkeypatch.setattr(recording, "MOST_CLASSES", 1)
    refused = client.post(BURST, json={"camera": "front", "label": "glass"})
    assert (refused.status_code, refused.json()["detail"][:21]) == (409, "there are 1 classes a")
    assert len(written(folder)) == 2
    statuses = [client.get(COLLECT).status_code for _ in range(50)]
    assert 429 in statuses


def test_without_a_folder_there_is_nothing(site: Site) -> None:
    """Protects who does not want it: neither the page nor any call of it is there, and the status says so."""
    with site.client() as client:
        asked = {path: client.get(path).status_code for path in ("/collect", COLLECT, BURST, f"{BURST}/stop")}
        assert set(asked.values()) == {404}
        assert client.post(BURST, json={"camera": "front", "label": "cup"}).status_code == 404
        assert client.get("/api/v1/status").json()["collect"] is False


def test_page_is_there_and_told(client: httpx.Client) -> None:
    """Protects the way to it: the page is served with what it names, and the live page learns of it."""
    page = client.get("/collect")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert client.get("/static/collect.js").status_code == 200
    assert client.get("/api/v1/status").json()["collect"] is True

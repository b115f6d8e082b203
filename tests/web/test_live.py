"""What is shown: the very frame, the newest, to who asks, and to nobody else."""

import asyncio
import json
import math
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import cv2
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from pi_classifier.config.schema import WebSettings
from pi_classifier.contracts.detection import Detection
from pi_classifier.contracts.event import Event, EventKind
from pi_classifier.contracts.frame import FrameSource, Pixels
from pi_classifier.contracts.job import PictureDemand
from pi_classifier.contracts.prediction import Prediction
from pi_classifier.errors import CameraAbsent
from pi_classifier.sinks.colours import colour_of
from pi_classifier.web.jpeg import JpegEncoder
from pi_classifier.web.view import CameraView, GroupView
from pi_classifier.web.viewers import MOST_VIEWERS
from tests.fakes import ScriptedCamera, group_of, prediction_of
from tests.waiting import DEADLINE_SECONDS, eventually
from tests.web.site import NumberedCamera, Site, number_in, pixels_of, running

DOG_ID = 16


def frame_of(page: ClientConnection) -> tuple[dict[str, Any], Pixels]:
    """The next frame that comes: its header and its pixels."""
    while isinstance(message := page.recv(DEADLINE_SECONDS), str):
        pass
    (length,) = struct.unpack(">I", message[:4])
    header = json.loads(message[4 : 4 + length])
    return header, pixels_of(message[4 + length :])


def asked_for(page: ClientConnection, camera: str = "front") -> tuple[dict[str, Any], Pixels]:
    """One frame."""
    page.send(json.dumps({"camera": camera}))
    return frame_of(page)


def moment_of(page: ClientConnection, group: str = "table") -> list[tuple[dict[str, Any], Pixels]]:
    """The frames of the next moment of a group that come for one credit."""
    page.send(json.dumps({"group": group}))
    frames = [frame_of(page)]
    while len(frames) < frames[0][0]["group"]["frames"]:
        frames.append(frame_of(page))
    return frames


@contextmanager
def table(*cameras: str, absent: Sequence[str] = (), pictures: bool = True) -> Iterator[Site]:
    """A site with a group of these cameras, some of which are not there, and a camera of no group."""
    sources: dict[str, FrameSource] = {camera: NumberedCamera(30) for camera in (*cameras, "door")}
    gone = CameraAbsent("/dev/video0: no such camera", remedy="plug it in")
    sources |= {camera: ScriptedCamera([gone] * 100) for camera in absent}
    groups = {"table": [*cameras, *absent]}
    with running(sources, WebSettings(pictures=pictures), groups=groups) as site:
        yield site


def end_of(page: ClientConnection) -> int:
    """The code with which the server closes it, whatever comes before."""
    try:
        while True:
            page.recv(DEADLINE_SECONDS)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 0


def test_very_frame_over_600(site: Site) -> None:
    """Protects what is seen: each of 600 pictures shows the number that its own prediction was made of, never less."""
    numbers = []
    with site.live() as page:
        for _ in range(600):
            header, pixels = asked_for(page)
            assert number_in(pixels) == header["sequence"] % 4096
            # The model's first logit is the first pixel: of odd numbers it is sure.
            assert (header["predictions"][0]["probability"] > 0.9) == bool(header["sequence"] % 2)
            assert (header["width"], header["height"]) == (pixels.shape[1], pixels.shape[0])
            numbers.append(header["sequence"])
    assert numbers == sorted(set(numbers))


def test_one_who_pauses_gets_the_newest(site: Site) -> None:
    """Protects hidden and slow pages: without a credit nothing comes, and after a pause no old frame does."""
    with site.live() as page:
        before, _ = asked_for(page)
        sent = len(site.observer.frames)
        time.sleep(0.5)  # as long as a page is hidden
        assert len(site.observer.frames) == sent
        newest = site.sink.predictions[-1].sequence
        after, _ = asked_for(page)
        assert after["sequence"] >= newest > before["sequence"] + 10


def test_frames_are_copied_on_demand_alone(site: Site) -> None:
    """Protects the frame path: nobody looks, and no picture is copied; somebody does, and it is; and then no more."""

    def copied() -> bool:
        return site.sink.predictions[-1].picture is not None

    eventually(lambda: site.sink.predictions and not copied(), "a frame without a picture")
    with site.live() as page:
        asked_for(page)
        assert any(one.picture is not None for one in site.sink.predictions[-100:])
    eventually(lambda: not copied(), "the end of the copies")


def test_frame_is_encoded_once_for_all(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects the processor from viewers: four who ask for every frame cost no more encodings than frames."""
    encoded: list[int] = []
    encode = cv2.imencode

    def counted(extension: str, pixels: Pixels, parameters: list[int]) -> object:
        encoded.append(number_in(pixels))
        return encode(extension, pixels, parameters)

    monkeypatch.setattr(cv2, "imencode", counted)
    with ExitStack() as stack:
        pages = [stack.enter_context(site.live()) for _ in range(4)]
        seen = set()
        for _ in range(50):
            for page in pages:
                page.send('{"camera": "front"}')
            seen |= {frame_of(page)[0]["sequence"] for page in pages}
    assert len(encoded) == len(set(encoded))
    assert len(seen) <= len(encoded) < 200


def test_hello_status_and_events(site: Site) -> None:
    """Protects what a page needs beside frames: what there is, how it is each second, and what happens, at once."""
    with site.live() as page:
        hello = json.loads(page.recv(DEADLINE_SECONDS))
        assert (hello["type"], [one["name"] for one in hello["cameras"]]) == ("hello", ["front"])
        assert json.loads(page.recv(DEADLINE_SECONDS))["type"] == "status"
        site.server.notify(Event(EventKind.STARTED, "front", 0.0, "1", {"label": "first", "probability": 0.5}))
        messages = iter(lambda: json.loads(page.recv(DEADLINE_SECONDS)), None)
        event = next(message for message in messages if message["type"] == "event")
        assert (event["event"], event["label"], event["time"]) == ("started", "first", "1970-01-01T00:00:00.000Z")
    with site.live() as page:
        assert json.loads(page.recv(DEADLINE_SECONDS))["history"][-1]["label"] == "first"


def test_viewers_are_limited(site: Site) -> None:
    """Protects the machine from crowds: the ninth page is told to try again later, and comes in when one has gone."""
    with ExitStack() as stack:
        for page in [stack.enter_context(site.live()) for _ in range(MOST_VIEWERS)]:
            page.recv(DEADLINE_SECONDS)
        with site.live() as ninth:
            assert end_of(ninth) == 4013
    eventually(lambda: site.observer.viewers["live"] == 0, "an empty house")


@pytest.mark.parametrize(
    "message",
    [
        "",
        "[]",
        "{",
        "{}",
        '{"camera": "nobody"}',
        '{"camera": 1}',
        '{"camera": ["front"]}',
        '{"group": "front"}',
        '{"name": "front"}',
        '{"camera": "front", "group": "front"}',
        "[" * 10000,
    ],
)
def test_nonsense_closes_the_connection(site: Site, message: str) -> None:
    """Protects the server from pages that are none of its own: what is no credit ends it."""
    with site.live() as page:
        page.send(message)
        assert end_of(page) == 1003


def test_eight_cameras_over_one_connection() -> None:
    """Protects walls of cameras: all of them move over one connection, each with its own pictures."""
    with running({f"camera{number}": _named(f"camera{number}") for number in range(8)}) as site, site.live() as page:
        latest: dict[str, int] = {}
        for name in [one.camera for one in site.statistics]:
            page.send(json.dumps({"camera": name}))
        for _ in range(80):
            header, pixels = frame_of(page)
            assert number_in(pixels) == header["sequence"]
            assert header["sequence"] > latest.get(header["camera"], -1)
            latest[header["camera"]] = header["sequence"]
            page.send(json.dumps({"camera": header["camera"]}))
        assert len(latest) == 8


def test_group_comes_in_one_piece() -> None:
    """Protects what is shown together: for one credit each camera's very frame of one moment, every moment once."""
    with table("left", "right") as site, site.live() as page:
        hello = json.loads(page.recv(DEADLINE_SECONDS))
        assert {one["name"]: one["group"] for one in hello["cameras"]} == {
            "left": "table", "right": "table", "door": None
        }  # fmt: skip
        moments = []
        for _ in range(40):
            frames = moment_of(page)
            about = [header["group"] for header, _ in frames]
            assert len({one["sequence"] for one in about}) == 1
            for header, pixels in frames:
                assert number_in(pixels) == header["sequence"] % 4096
                assert (header["predictions"][0]["probability"] > 0.9) == bool(header["sequence"] % 2)
            offsets = [one["offset"] for one in about]
            assert about[0]["skew"] == pytest.approx(max(offsets) - min(offsets), abs=1e-5)
            moments.append((about[0]["sequence"], {header["camera"] for header, _ in frames}, about[0]["missing"]))
    numbers = [number for number, _, _ in moments]
    assert numbers == sorted(set(numbers))
    assert sum(cameras == {"left", "right"} and not missing for _, cameras, missing in moments) > 20


def test_absent_camera_keeps_nobody_waiting() -> None:
    """Protects the others on the page: their frames come, and who is missing is named."""
    with table("left", "right", absent=["back"]) as site, site.live() as page:
        for _ in range(10):
            frames = moment_of(page)
            assert "back" not in [header["camera"] for header, _ in frames]
            assert "back" in frames[0][0]["group"]["missing"]


def test_group_without_pictures() -> None:
    """Protects who shows labels alone: groups come all the same, and nothing is copied for them."""
    with table("left", "right", pictures=False) as site, site.live() as page:
        page.send('{"group": "table"}')
        while isinstance(message := page.recv(DEADLINE_SECONDS), str):
            pass
        (length,) = struct.unpack(">I", message[:4])
        assert len(message) == 4 + length
        assert json.loads(message[4:])["group"]["name"] == "table"
        assert all(one.picture is None for one in site.sink.predictions)


def test_group_and_its_cameras_do_not_take_each_others_pictures() -> None:
    """Protects two who look, one at a group and one at a camera of it: pictures are kept until both have theirs."""
    demands = [PictureDemand(), PictureDemand()]
    picture = np.zeros((8, 8, 3), np.uint8)
    left, right = (prediction_of(camera=name)._replace(picture=picture) for name in ("left", "right"))

    async def look() -> None:
        loop = asyncio.get_running_loop()
        cameras = [CameraView(one.camera, loop, demand) for one, demand in zip((left, right), demands, strict=True)]
        group = GroupView("table", loop, cameras)
        both, alone = asyncio.create_task(group.later_than(-1)), asyncio.create_task(cameras[0].later_than(-1))
        await asyncio.sleep(0)
        cameras[0].offer(left)
        assert await alone == left
        assert [demand.until for demand in demands] == [math.inf, math.inf]
        group.offer(group_of(left, right._replace(picture=None)))
        group.offer(group_of(left, right, number=1))
        assert (await both).number == 1
        assert max(demand.until for demand in demands) < math.inf

    asyncio.run(look())


def test_frame_of_a_moment_ago_is_encoded_once() -> None:
    """Protects the processor: who sees a group sees frames that others have seen before, and costs no second JPEG."""
    encoder = JpegEncoder()
    picture = np.zeros((8, 8, 3), np.uint8)

    async def encoded(*numbers: int) -> list[bytes]:
        predictions = [prediction_of(sequence=number) for number in numbers]
        return [await encoder.encoded(one, picture, labelled=False) for one in predictions]

    first, second, again, *many = asyncio.run(encoded(1, 2, 1, *range(3, 100), 1))
    encoder.close()
    assert again is first is not second
    assert many[-1] is not first  # few are kept
    assert many[-1] == first


def test_objects_have_boxes_where_labels_are_drawn() -> None:
    """Protects MJPEG and snapshots of a detector: boxes on what is labelled, and the clean picture stays clean."""
    encoder = JpegEncoder()
    found = (Detection("dog", DOG_ID, 0.9, (40.0, 60.0, 180.0, 200.0)),)
    of_nothing = prediction_of()
    seen = of_nothing._replace(sequence=1, result=of_nothing.result._replace(detections=found))

    async def dogs_on(prediction: Prediction, *, labelled: bool) -> bool:
        jpeg = await encoder.encoded(prediction, np.zeros((240, 320, 3), np.uint8), labelled=labelled)
        far = np.abs(pixels_of(jpeg).astype(int) - colour_of(DOG_ID)).max(axis=2)
        return bool((far < 40).sum() > 500)

    async def drawn() -> list[bool]:
        return [
            await dogs_on(one, labelled=labelled) for one, labelled in ((seen, True), (seen, False), (of_nothing, True))
        ]

    assert asyncio.run(drawn()) == [True, False, False]
    encoder.close()


def test_end_is_told_and_quick() -> None:
    """Protects the stop: pages hear that the daemon ends, streams end, and all of it within a second."""
    with running() as site, site.live() as page, site.client() as client:
        page.recv(DEADLINE_SECONDS)
        with client.stream("GET", "/api/v1/cameras/front/stream.mjpg") as stream:
            next(stream.iter_raw())
            site.server.stop()
            assert not site.server.healthy(time.monotonic())
            assert end_of(page) == 1001


def _named(camera: str) -> NumberedCamera:
    """Names do not matter to a capture, which has its own."""
    assert camera
    return NumberedCamera()

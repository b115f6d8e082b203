"""The API and the page's connection where the model is a detector."""

import base64
import json
import struct
from collections.abc import Iterator

import numpy as np
import pytest

from pi_classifier.detection.limits import Limits
from pi_classifier.detection.opening import Wishes, open_detector
from tests.detection.files import seeing
from tests.runtimes.onnx.files import written
from tests.waiting import eventually
from tests.web.site import NumberedCamera, Site, running
from tests.web.test_api import assert_problem, picture

DETECT = "/api/v1/detect"


@pytest.fixture(scope="module")
def detecting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site whose model finds a dog in every picture."""
    file = written(seeing(), tmp_path_factory.mktemp("detector"))
    with running({"front": NumberedCamera()}, model=open_detector(file, Wishes(), Limits(0.05), threads=1)) as site:
        yield site


def test_boxes_are_of_the_picture_that_was_sent(detecting: Site) -> None:
    """Protects the contract: sent raw, in a form or as base64, a picture's boxes are in its own pixels."""
    data = picture("PNG")  # 40 x 30: in the model's 64 x 64 it lies 64 x 48 large, 8 below the top
    text = base64.b64encode(data).decode()
    with detecting.client() as client:
        answers = [
            client.post(DETECT, content=data, headers={"Content-Type": "image/png"}),
            client.post(DETECT, files={"image": data}),
            client.post(DETECT, json={"image": text}),
            client.post(DETECT, json={"image": {"type": "base64", "value": text}}),
        ]
    assert [answer.status_code for answer in answers] == [200] * 4
    said = [answer.json() for answer in answers]
    assert [one["image"] for one in said] == [{"width": 40, "height": 30}] * 4
    (found,) = said[0]["detections"]
    assert (found["class_id"], found["label"]) == (1, "dog")
    assert found["box"] == pytest.approx([22 / 1.6, (27 - 8) / 1.6, 42 / 1.6, (37 - 8) / 1.6], abs=0.02)
    assert all(one["detections"] == said[0]["detections"] for one in said)


def test_each_model_has_its_call(detecting: Site, site: Site) -> None:
    """Protects who asks the wrong one: the answer names the other, and nothing is run."""
    image = {"content": picture("PNG"), "headers": {"Content-Type": "image/png"}}
    with detecting.client() as client, site.client() as other:
        refused, also_refused = client.post("/api/v1/classify", **image), other.post(DETECT, **image)  # type: ignore[arg-type]
    for answer, remedy in ((refused, DETECT), (also_refused, "/api/v1/classify")):
        assert_problem(answer, 404)
        assert remedy in answer.json()["detail"]


def test_the_document_has_the_call_that_answers(detecting: Site) -> None:
    """Protects clients that are made of the document: of the two calls it has the one that this model answers."""
    with detecting.client() as client:
        paths = client.get("/api/v1/openapi.json").json()["paths"]
    assert DETECT in paths
    assert "/api/v1/classify" not in paths


def test_a_detectors_pictures_are_refused_as_any(detecting: Site) -> None:
    """Protects the daemon: what is no picture is refused here as it is there."""
    with detecting.client() as client:
        assert_problem(client.post(DETECT, content=b"no picture", headers={"Content-Type": "image/png"}), 422)


def test_frames_come_with_their_objects(detecting: Site) -> None:
    """Protects boxes that fit: the page gets the objects of the very frame, in pixels of the picture with them."""
    with detecting.live() as connection:
        assert isinstance(connection.recv(), str)
        connection.send(json.dumps({"camera": "front"}))
        message = connection.recv()
        while isinstance(message, str):
            message = connection.recv()
    (length,) = struct.unpack(">I", message[:4])
    header = json.loads(message[4 : 4 + length])
    assert header["state"] is None
    (found,) = header["detections"]
    left, top, right, bottom = found["box"]
    assert 0 <= left < right <= header["width"]
    assert 0 <= top < bottom <= header["height"]
    assert found["confidence"] == pytest.approx(header["predictions"][0]["probability"])


def test_a_camera_tells_its_objects(detecting: Site) -> None:
    """Protects clients without a WebSocket: the newest frame's objects are there for who asks."""
    eventually(lambda: detecting.sink.predictions, "a prediction")
    with detecting.client() as client:
        said = client.get("/api/v1/cameras/front").json()["prediction"]
    assert [one["label"] for one in said["detections"]] == ["dog"]
    assert np.all(np.array(said["detections"][0]["box"]) >= 0)

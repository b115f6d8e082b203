"""A detector on four RTSP cameras, on the live page in a real browser: each frame has its own boxes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from selenium.webdriver.remote.webdriver import WebDriver

from pi_classifier.contracts.detection import Detection
from pi_classifier.detection.limits import Limits
from pi_classifier.detection.opening import Wishes, open_detector
from tests.detection.files import models
from tests.live.browsers import chromium
from tests.live.page import Page, serving
from tests.live.scenes import FRAMES, MODEL, NAMES, Scenes, served
from tests.running import unused_port

SURE = 0.7
"""Confidence of objects that no codec takes away."""
NEAR = 12
"""Pixels by which a codec may move a box."""
LOOK = """
const card = document.querySelector(`.camera[data-camera="${arguments[0]}"]`);
const [picture, boxes] = card.querySelectorAll("canvas");
const bits = [...Array(20).keys()].map((bit) => picture.getContext("2d").getImageData(16 * bit + 8, 8, 1, 1).data[1]);
const [across, down] = [boxes.width / picture.width, boxes.height / picture.height];
const drawn = (left, top, right, bottom) => {
  const size = [Math.max(1, Math.round((right - left) * across)), Math.max(1, Math.round((bottom - top) * down))];
  const { data } = boxes.getContext("2d").getImageData(Math.round(left * across), Math.round(top * down), ...size);
  return data.some((value, index) => index % 4 === 3 && value === 255);
};
return {
  number: bits.reduce((number, value, bit) => number + (value > 127 ? 2 ** bit : 0), 0),
  words: picture.getAttribute("aria-label"),
  edges: arguments[1].map((edges) => edges.map((edge) => drawn(...edge))),
};
"""
Edge = tuple[float, float, float, float]


class Detecting(NamedTuple):
    """The page, and what is to be seen on it."""

    page: Page
    scenes: Scenes
    sure: list[list[Detection]]
    """The sure objects of each picture."""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    """Chromium."""
    with chromium(tmp_path_factory.mktemp("downloads")) as one:
        yield one


@pytest.fixture(scope="module")
def detecting(browser: WebDriver, test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Detecting]:
    """Four cameras, one daemon, one page."""
    folder, own = models(test_data), tmp_path_factory.mktemp("detecting")
    file, labels = folder / "models" / MODEL, folder / "models" / "coco80.txt"
    find = open_detector(file, Wishes(str(labels)), Limits(), threads=1).new_finder()
    pictures = sorted((folder / "val" / "images").glob("*.jpg"))[:6]
    port = unused_port()
    with served(pictures, own) as scenes:
        sure = [[one for one in find(picture) if one.confidence > SURE] for picture in scenes.pictures]
        with serving(scenes.config, port, file, own, labels=str(labels)):
            page = Page(browser, f"http://127.0.0.1:{port}")
            page.open()
            page.wait_until_live(*NAMES)
            yield Detecting(page, scenes, sure)


def edges_of(found: Detection) -> list[Edge]:
    """Stripes across the middle of a box's left and right edge, in which its outline is drawn."""
    left, top, right, bottom = found.box
    middle = (top + bottom) / 2
    return [(side - NEAR, middle, side + NEAR, middle + 1) for side in (max(left, NEAR), right - NEAR)]


@pytest.mark.parametrize("name", NAMES)
def test_each_frame_has_its_own_boxes(detecting: Detecting, name: str) -> None:
    """Protects boxes in step: what is drawn over a picture, and said of it, are the objects of that very picture."""
    page, scenes, sure = detecting
    seen: set[int] = set()

    def look() -> bool:
        """One frame; whether three pictures have been seen now."""
        expected = [[edges_of(one) for one in found] for found in sure]
        flat = [edges for found in expected for edges in found]
        told: dict[str, Any] = page.browser.execute_script(LOOK, name, flat)
        if told["number"] % FRAMES < 3:  # a codec may take some frames to get to the next picture
            return False
        index = scenes.shown(name, told["number"])
        begin = sum(len(found) for found in expected[:index])
        drawn = told["edges"][begin : begin + len(expected[index])]
        assert all(all(edges) for edges in drawn), (index, sure[index], told)
        assert all(one.label in told["words"] for one in sure[index]), (index, sure[index], told)
        seen.add(index)
        return len(seen) >= 3

    assert sum(bool(found) for found in sure) >= 3, "there is something to see"
    page.wait_for(look, "three pictures")


def test_boxes_of_another_picture_are_not_there(detecting: Detecting) -> None:
    """Protects the test above: where a picture has no object, nothing is drawn."""
    page, scenes, sure = detecting

    def look() -> bool:
        stripe = [(0.0, float(y), 640.0, float(y + 1)) for y in range(24, 470, 8)]
        told: dict[str, Any] = page.browser.execute_script(LOOK, NAMES[0], [stripe])
        drawn = np.array(told["edges"][0])
        return bool(drawn.any()) and not drawn.all()

    assert scenes.pictures
    assert sure
    page.wait_for(look, "a place without a box")

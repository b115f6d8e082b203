"""The live page in real browsers, served by a real daemon."""

import json
import math
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import cv2
import numpy as np
import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from websockets.sync.client import connect

from pi_classifier.config.schema import ModelSettings
from pi_classifier.contracts.frame import Pixels
from pi_classifier.model import open_model
from pi_classifier.prepare.store import DEMO_BUNDLE
from pi_classifier.sinks.colours import colour_of
from pi_classifier.sources.synthetic import Synthetic
from pi_classifier.web.viewers import MOST_VIEWERS
from tests.conftest import ROOT
from tests.live.browsers import chromium, resize, webkit
from tests.live.page import Page, camera, serving
from tests.running import unused_port
from tests.sources.test_files import write_video

AXE = ROOT / "tests" / "page" / "node_modules" / "axe-core" / "axe.min.js"
MOVING = ("front", "door", "garden", "workbench", "bird-table", "garage", "hall", "yard")
AWAY = "attic"
VIEWS = {"": "front", "#camera=front": "front", f"#camera={AWAY}": AWAY}
"""Parts of the address, and a camera that is then on the screen."""
SHAPES = {"square": (64, 64), "wide": (160, 48), "upright": (48, 96), "usual": (64, 48),
          "door": (96, 54), "hall": (54, 96), "yard": (80, 60), "attic": (32, 32)}  # fmt: skip
"""Width and height of cameras, in pixels."""
SIDE, RATE = 64, 5
"""Pixels, and frames a second, of all cameras."""
DOG_ID = 16
FRAMES = 16
"""That are looked at: of at least a shape, and mostly of two."""
NEAR = 2
"""So many frames before and after are alike, but for where the shape is and for the noise."""
TOKEN = "not-much-of-a-secret"  # noqa: S105
FRAMES_SHOWN = """
const [card, count, done] = [document.querySelector("[data-camera=front]"), ...arguments];
const canvas = card.querySelector("canvas");
const shown = [];
const observer = new MutationObserver(() => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  shown.push([Number(card.dataset.sequence), [...data], card.querySelector(".predictions").innerText]);
  if (shown.length < count) return;
  observer.disconnect();
  done(shown);
});
observer.observe(card, { attributes: true, attributeFilter: ["data-sequence"] });
"""
"""The numbers of the next frames that are shown, each with what is on the canvas (RGBA) and the labels then."""
COUNT_CREDITS = """
window.credits = 0;
const { send } = WebSocket.prototype;
WebSocket.prototype.send = function (...message) { window.credits += 1; send.apply(this, message); };
"""
DRAWN_TOGETHER = """
const [count, done] = arguments;
const drawn = [];
const observer = new MutationObserver((records) => {
  drawn.push([...new Set(records.map(({ target }) => target.dataset.camera))].sort());
  if (drawn.length < count) return;
  observer.disconnect();
  done(drawn);
});
observer.observe(document.querySelector(".group"), { subtree: true, attributeFilter: ["data-sequence"] });
"""
"""The cameras of a group whose frames appear at once, again and again: what one animation frame draws is one record."""
OBJECTS_SHOWN = """
const [side, detections, done] = arguments;
const settled = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
import("/static/picture.js").then(async ({ Picture }) => {
  const card = document.getElementById("camera").content.cloneNode(true).firstElementChild;
  card.dataset.sequence = 0;
  document.body.append(card);
  card.querySelector(".view").style.width = "250px";
  const plain = Object.assign(document.createElement("canvas"), { width: side, height: side });
  plain.getContext("2d");
  const picture = new Picture("probe", card);
  const header = detections ? { detections } : {};
  picture.paint({ bitmap: await createImageBitmap(plain), header });
  await settled();
  await settled();
  const [below, over] = card.querySelectorAll(".stage canvas");
  const [room, own] = [below, over].map((canvas) => canvas?.getBoundingClientRect());
  const words = below.getAttribute("aria-label");
  const pixels = over && [...over.getContext("2d").getImageData(0, 0, over.width, over.height).data];
  const size = over && [over.width, over.height].map((one) => one / devicePixelRatio);
  card.remove();
  done([words, size ?? null, room, own ?? null, pixels ?? null]);
});
"""
"""What a card has of a frame that is `side` pixels wide and high, with these objects, or without any key for them."""
NEWEST_EPISODE = """
const row = document.querySelector(".camera:not([hidden]) .episodes li");
return row && row.checkVisibility() && [...row.children].map((part) => part.textContent);
"""
PROPORTIONS = """
return Object.fromEntries([...document.querySelectorAll(".camera:not([hidden])")].map((card) => {
  const [canvas, stage] = ["canvas", ".stage"].map((part) => card.querySelector(part).getBoundingClientRect());
  const inside = canvas.width <= stage.width + 0.5 && canvas.height <= stage.height + 0.5;
  return [card.dataset.camera, [canvas.width / canvas.height, inside]];
}));
"""
"""By camera: the proportions of its picture on the screen, and whether that is within the room for it."""
EPISODES = """
const [events, done] = arguments;
import("/static/history.js").then(({ History }) => {
  const history = new History();
  for (const event of events) history.add(event);
  const seconds = (moment) => moment === null ? null : (moment - Date.parse("2026-01-01")) / 1000;
  done(history.episodes.map(({ kind, text, start, end }) => [kind, text, seconds(start), seconds(end)]));
});
"""
WIDER_THAN_THE_SCREEN = """
return [...document.querySelectorAll("body, body *")].filter((element) =>
  element.checkVisibility() && !element.closest(".switcher, .visually-hidden, .strip")
  && element.getBoundingClientRect().right > innerWidth + 0.5
).map((element) => element.outerHTML.slice(0, 80));
"""


@pytest.fixture(scope="module")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where Chromium saves files."""
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def chromium_browser(downloads: Path) -> Iterator[WebDriver]:
    """One for all tests."""
    with chromium(downloads) as browser:
        yield browser


@pytest.fixture(scope="module")
def webkit_browser() -> Iterator[WebDriver]:
    """One for all tests."""
    with webkit() as browser:
        yield browser


@pytest.fixture(params=["chromium", "webkit"])
def browser(request: pytest.FixtureRequest) -> WebDriver:
    """Each browser."""
    found: WebDriver = request.getfixturevalue(f"{request.param}_browser")
    return found


@pytest.fixture(scope="module")
def weights() -> Path:
    """The demonstration model's, which tells frames of drawn scenes apart."""
    return DEMO_BUNDLE


@pytest.fixture(scope="module")
def address(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A page with eight cameras, and one that is not there."""
    cameras = "".join(camera(name, fps=RATE, width=SIDE, height=SIDE) for name in MOVING)
    port = unused_port()
    folder = tmp_path_factory.mktemp("eight")
    with serving(cameras + camera(AWAY, "v4l2:/dev/video-none"), port, weights, folder):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def address_of_shapes(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A page with eight cameras of all proportions."""
    cameras = "".join(camera(name, fps=5, width=width, height=height) for name, (width, height) in SHAPES.items())
    port = unused_port()
    with serving(cameras, port, weights, tmp_path_factory.mktemp("shapes")):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def page(browser: WebDriver, address: str) -> Page:
    """The page with all its cameras, in each browser."""
    return Page(browser, address)


@pytest.fixture
def chromium_page(chromium_browser: WebDriver, address: str) -> Iterator[Page]:
    """The same in Chromium, which can be given any size."""
    resize(chromium_browser, 1440, 900)
    yield Page(chromium_browser, address)
    resize(chromium_browser, 1440, 900)


def drawn(count: int) -> list[Pixels]:
    """The first frames of a camera, which can be drawn again: uint8, SIDE x SIDE x 3, BGR."""
    frames = Synthetic("", width=SIDE, height=SIDE, fps=RATE).frames()
    return [frame.pixels.copy() for frame in islice(frames, count)]


def nearest(picture: Pixels, sequence: int, frames: Sequence[Pixels]) -> int:
    """The number of the frame that a picture is most like, of those around one number."""
    near = range(max(0, sequence - NEAR), sequence + NEAR + 1)
    return min(near, key=lambda number: int(np.abs(picture.astype(int) - frames[number]).sum()))


def predicted(page: Page, name: str) -> dict[str, Any]:
    """The newest prediction of a camera, by the API."""
    with urlopen(f"{page.address}/api/v1/cameras/{name}") as answer:
        prediction: dict[str, Any] = json.load(answer)["prediction"]
        return prediction


def labels_of(frames: Iterable[Pixels]) -> Iterator[list[str]]:
    """What the model calls each of them, the best first."""
    model = open_model(ModelSettings(weights=str(DEMO_BUNDLE), runtime="litert"), progress=False)
    fill, tensor, predictor = model.new_preprocessor(), model.new_tensor(), model.new_predictor()
    for frame in frames:
        fill(frame, tensor)
        yield [score.label for score in predictor.decode(predictor.infer(tensor)).scores]


def violations(page: Page) -> list[tuple[str, list[str]]]:
    """What axe-core finds on the page: its rules, with the elements."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: make page-tools")
    page.browser.execute_script(AXE.read_text(encoding="utf-8"))
    found = page.browser.execute_async_script("axe.run().then(arguments[0])")
    return [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]]


def test_every_picture_is_shown_with_its_own_labels(page: Page) -> None:
    """Protects what the page is for: picture, number and labels are of one frame, at every moment."""
    page.open("#camera=front")
    page.wait_until_live("front")
    shown = page.browser.execute_async_script(FRAMES_SHOWN, FRAMES)
    frames = drawn(max(sequence for sequence, _, _ in shown) + NEAR + 1)
    labels = list(labels_of(frames[sequence] for sequence, _, _ in shown))
    assert len(set(map(tuple, labels))) > 1
    for (sequence, data, text), expected in zip(shown, labels, strict=True):
        pixels = np.array(data).reshape(SIDE, SIDE, 4)[:, :, 2::-1]
        assert nearest(pixels, sequence, frames) == sequence, f"another picture than that of frame {sequence}"
        assert text.splitlines()[::2] == expected, f"other labels than those of frame {sequence}"
    assert [one[0] for one in shown] == sorted({one[0] for one in shown}), "an older frame after a newer one"


def test_boxes_lie_over_the_picture(page: Page) -> None:
    """Protects what a detector sees: a box where it is in the picture, its label above, in the screen's own pixels."""
    page.open()
    page.wait_until_live("front")
    box = [24, 32, 48, 56]
    dog = {"class_id": DOG_ID, "label": "dog", "confidence": 0.91, "box": box}
    words, size, room, own, pixels = page.browser.execute_async_script(OBJECTS_SHOWN, SIDE, [dog])
    assert words == "Picture of probe: dog 1"
    assert [own[side] for side in ("x", "y")] == pytest.approx([room[side] for side in ("x", "y")], abs=0.6)
    assert [own[side] for side in ("width", "height")] == pytest.approx(size, abs=1)
    assert room["width"] == pytest.approx(250, abs=1)
    scale = math.sqrt(len(pixels) / 4) / SIDE
    canvas = np.array(pixels, np.uint8).reshape(round(SIDE * scale), -1, 4)
    coloured = (canvas[:, :, 2::-1] == colour_of(DOG_ID)).all(axis=2) & (canvas[:, :, 3] == 255)
    left, top, right, bottom = (round(side * scale) for side in box)
    assert coloured[top + 2 : bottom - 2, left].all()
    assert coloured[bottom - 1, left + 2 : right - 2].all()
    rows, columns = (np.flatnonzero(coloured.any(axis=axis)) for axis in (1, 0))
    assert (columns[0], rows[-1] + 1) == pytest.approx((left, bottom), abs=1)
    assert 10 < top - rows[0] < 40, "the label"
    assert canvas[top + 10 : bottom - 10, left + 10 : right - 10].max() == 0, "the object"


def test_a_classifier_has_no_canvas_for_boxes(page: Page) -> None:
    """Protects pages of classifiers: nothing lies over their pictures, and no objects are told of."""
    page.open()
    page.wait_until_live("front")
    words, size, *_ = page.browser.execute_async_script(OBJECTS_SHOWN, SIDE, None)
    assert (words, size) == ("Picture of probe", None)


def test_all_eight_cameras_move(page: Page) -> None:
    """Protects every camera from the limit of six connections that browsers keep."""
    page.open()
    page.wait_until_live(*MOVING)
    before = page.cards
    page.wait_for(lambda: all(page.cards[name].sequence > before[name].sequence + 5 for name in MOVING), "newer frames")


def test_camera_that_is_away_says_why(page: Page) -> None:
    """Protects the daemon's own words with their remedy: they stand where the picture would be."""
    page.open()
    page.wait_for(lambda: AWAY in page.cards, "cameras")
    page.wait_for(lambda: page.cards[AWAY].condition == "away", "camera that is away")
    with urlopen(f"{page.address}/api/v1/cameras/{AWAY}") as answer:
        error = json.load(answer)["error"]
    assert ";" in error
    assert page.cards[AWAY].veil == f"Camera away {error}"
    assert page.cards[AWAY].label == "camera away"


def test_last_minutes_are_told(page: Page) -> None:
    """Protects who looks too late: what happened before the page was opened stands in its list, with the time."""
    page.open(f"#camera={AWAY}")
    page.wait_for(lambda: page.browser.execute_script(NEWEST_EPISODE), "list")
    time, _, words, length = page.browser.execute_script(NEWEST_EPISODE)
    assert re.fullmatch(r"\d\d:\d\d:\d\d", time)
    assert words.startswith("camera away: /dev/video-none: ")
    assert length.startswith("for ")


def test_events_become_episodes(chromium_page: Page) -> None:
    """Protects the list and the strip: each beginning with its own end, also where the other one is not known."""
    chromium_page.open()
    label, watch = {"label": "water bottle", "class_id": 898}, {"watch": "bottle"}
    events = [
        {"event": "stopped", "time": "2026-01-01T00:00:01Z", "label": "tench", "class_id": 0},
        {"event": "started", "time": "2026-01-01T00:00:02Z", **label},
        {"event": "started", "time": "2026-01-01T00:00:03Z", **watch},
        {"event": "stopped", "time": "2026-01-01T00:00:04Z", **label},
        {"event": "camera_down", "time": "2026-01-01T00:00:05Z", "error": "no such camera; plug it in"},
        {"event": "camera_up", "time": "2026-01-01T00:00:06Z"},
        {"event": "started", "time": "2026-01-01T00:00:07Z", **label},
    ]
    assert chromium_page.browser.execute_async_script(EPISODES, events) == [
        ["label", "water bottle", 7, None],
        ["away", "no such camera; plug it in", 5, 6],
        ["watch", "bottle", 3, None],
        ["label", "water bottle", 2, 4],
    ]


def test_keyboard_enlarges_a_camera_and_returns(page: Page) -> None:
    """Protects who uses no mouse: Enter enlarges the camera that has the focus, Escape returns to it."""
    page.open()
    page.wait_until_live(*MOVING)
    page.browser.execute_script("document.querySelector('[data-camera=door] .view .name').focus()")
    page.press(Keys.ENTER)
    page.wait_for(lambda: [card.camera for card in page.cards.values() if card.is_visible] == ["door"], "large camera")
    assert page.browser.switch_to.active_element.text == "door"
    page.press(Keys.ESCAPE)
    page.wait_for(lambda: all(card.is_visible for card in page.cards.values()), "all cameras")
    assert (page.browser.switch_to.active_element.get_attribute("href") or "").endswith("#camera=door")


def test_page_comes_back_with_the_daemon(browser: WebDriver, weights: Path, tmp_path: Path, free_port: int) -> None:
    """Protects who leaves the page open: it says that the daemon is gone, marks the picture as old, and goes on."""
    page = Page(browser, f"http://127.0.0.1:{free_port}")
    config = camera("front", fps=10)
    with serving(config, free_port, weights, tmp_path) as program:
        page.open()
        page.wait_until_live("front")
        program.stop()
    page.wait_for(lambda: "The daemon does not answer." in page.text("#notice"), "word about it")
    assert "Trying again" in page.text("#notice")
    assert page.cards["front"].condition == "old"
    assert page.text("#connection") == "Not connected"
    with serving(config, free_port, weights, tmp_path):
        page.wait_until_live("front")
        assert page.text("#connection") == "Live"
        assert not page.part("#notice").is_displayed()


def test_page_asks_for_the_token(browser: WebDriver, weights: Path, tmp_path: Path, free_port: int) -> None:
    """Protects the log-in: nothing is shown without the token, a wrong one is refused, the right one opens the page."""
    file = tmp_path / "token"
    file.write_text(TOKEN, encoding="ascii")
    file.chmod(stat.S_IRUSR)
    with serving(camera("front", fps=10), free_port, weights, tmp_path, auth="token", token_file=str(file)):
        page = Page(browser, f"http://127.0.0.1:{free_port}")
        page.open()
        page.wait_for(lambda: page.part("#login").is_displayed(), "form")
        assert not page.cards
        page.log_in("wrong")
        page.wait_for(lambda: page.text("#refusal") == "This is not the token.", "refusal")
        page.log_in(TOKEN)
        page.wait_until_live("front")
        assert not page.part("#login").is_displayed()


def test_page_waits_for_its_turn(browser: WebDriver, weights: Path, tmp_path: Path, free_port: int) -> None:
    """Protects who comes when too many look already: the page says so, and tries again when it is told to."""
    with serving(camera("front", fps=10), free_port, weights, tmp_path):
        page = Page(browser, f"http://127.0.0.1:{free_port}")
        with ExitStack() as others:
            for _ in range(MOST_VIEWERS):
                others.enter_context(connect(f"ws://127.0.0.1:{free_port}/api/v1/live")).recv()
            page.open()
            page.wait_for(lambda: "There are too many viewers." in page.text("#notice"), "word about them")
        page.part("#retry").click()
        page.wait_until_live("front")


def test_pictures_that_are_turned_off_leave_the_labels(
    browser: WebDriver, weights: Path, tmp_path: Path, free_port: int
) -> None:
    """Protects who shows labels and no pictures: they go on, nothing is left to save, and the page says so."""
    with serving(camera("front", fps=10), free_port, weights, tmp_path, pictures=False):
        page = Page(browser, f"http://127.0.0.1:{free_port}")
        page.open()
        page.wait_until_live("front")
        assert "Pictures are turned off" in str(page.part("#about").get_property("textContent"))
        assert not page.part("canvas").is_displayed()
        assert not page.part(".save").is_displayed()
        assert page.text(".predictions")


@pytest.fixture(scope="module")
def table_address(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A page with a group of three cameras, one of which is not there, and two cameras of none around it."""
    groups = {"door": "", "left": "table", "right": "table", "yard": ""}
    cameras = [camera(name, fps=8, width=SIDE, height=SIDE, group=group) for name, group in groups.items()]
    cameras.append(camera(AWAY, "v4l2:/dev/video-none", group="table"))
    port = unused_port()
    folder = tmp_path_factory.mktemp("table")
    with serving("".join(cameras), port, weights, folder):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def table(browser: WebDriver, table_address: str) -> Page:
    """That page, in each browser."""
    return Page(browser, table_address)


def test_group_is_drawn_at_once(table: Page) -> None:
    """Protects who looks at one thing from several sides: the frames of one moment appear together."""
    table.open()
    table.wait_until_live("left", "right")
    drawn = table.browser.execute_async_script(DRAWN_TOGETHER, 20)
    assert drawn.count(["left", "right"]) > 10  # on a busy machine one may have no frame of a moment


def test_group_says_how_near_and_who_is_missing(table: Page) -> None:
    """Protects from believing that all are there: the heading names the group, its skew, and the camera that is not."""
    table.open()
    table.wait_until_live("left", "right")
    heading = table.part(".group > header")
    table.wait_for(lambda: f"without {AWAY}" in heading.text, "word about the camera that is away")
    assert re.search(r"table\s+in step within \d+ ms, without attic", heading.text)
    assert table.cards[AWAY].condition == "away"
    region = table.part("section.group")
    assert region.accessible_name == "Group table"
    members = "return [...document.querySelectorAll('.group .camera')].map((card) => card.dataset.camera)"
    assert table.browser.execute_script(members) == ["left", "right", AWAY]


def test_one_camera_of_a_group_goes_on_alone(table: Page) -> None:
    """Protects the large view: a camera of a group moves there by itself, and with the others again afterwards."""
    table.open("#camera=left")
    table.wait_until_live("left")
    before = table.cards
    table.wait_for(lambda: table.cards["left"].sequence > before["left"].sequence + 5, "newer frames")
    assert [card.camera for card in table.cards.values() if card.is_visible] == ["left"]
    assert not table.part(".group > header").is_displayed()
    assert table.cards["right"].sequence == before["right"].sequence
    table.press(Keys.ESCAPE)
    table.wait_until_live("left", "right", "door")
    assert ["left", "right"] in table.browser.execute_async_script(DRAWN_TOGETHER, 5)


def test_camera_that_is_missing_keeps_its_picture_and_says_so(
    browser: WebDriver, weights: Path, tmp_path: Path, free_port: int
) -> None:
    """Protects from an old picture among new ones: a camera of the group that gives no more is marked."""
    page = Page(browser, f"http://127.0.0.1:{free_port}")
    video = write_video(tmp_path / "short.avi", frames=250)  # ten seconds
    config = "".join(camera(name, fps=8, group="table") for name in ("left", "right"))
    with serving(config + camera("short", str(video), group="table"), free_port, weights, tmp_path):
        page.open()
        page.wait_until_live("left", "right")
        page.wait_for(lambda: page.cards["short"].condition == "missing", "word about the camera")
        assert page.cards["short"].veil.startswith("Missing in its group ")
        assert page.cards["short"].sequence >= 0
        page.wait_until_live("left", "right")


def test_hidden_page_asks_for_nothing(chromium_page: Page) -> None:
    """Protects network and processor from tabs that nobody sees; who comes back sees the newest frame."""
    chromium_page.open("#camera=front")
    chromium_page.wait_until_live("front")
    chromium_page.browser.execute_script(COUNT_CREDITS)
    chromium_page.browser.minimize_window()
    chromium_page.wait_for(lambda: chromium_page.browser.execute_script("return document.hidden"), "hidden page")
    asked = chromium_page.browser.execute_script("return window.credits")
    shown = chromium_page.cards["front"].sequence
    chromium_page.wait_for(lambda: predicted(chromium_page, "front")["sequence"] > shown + 20, "frames for nobody")
    assert chromium_page.browser.execute_script("return window.credits") == asked
    missed = predicted(chromium_page, "front")["sequence"]
    chromium_page.browser.set_window_rect(0, 0, 1440, 900)
    chromium_page.wait_for(lambda: chromium_page.cards["front"].sequence >= missed, "newest frame")


def test_saved_frame_is_the_one_that_is_shown(chromium_page: Page, downloads: Path) -> None:
    """Protects the button: it saves the JPEG as it came, under the camera's name and the frame's number."""
    chromium_page.open()
    chromium_page.wait_until_live(*MOVING)
    chromium_page.part("[data-camera=garden] .save").click()
    chromium_page.wait_for(lambda: list(downloads.glob("garden-*.jpg")), "file")
    (saved,) = downloads.glob("garden-*.jpg")
    picture = cv2.imread(str(saved))
    assert picture is not None
    assert picture.shape == (SIDE, SIDE, 3)
    sequence = int(saved.stem.removeprefix("garden-"))
    assert nearest(np.asarray(picture, np.uint8), sequence, drawn(sequence + NEAR + 1)) == sequence


@pytest.mark.parametrize("width", [320, 820, 1440])
def test_group_fits_and_axe_finds_nothing(chromium_page: Page, table_address: str, width: int) -> None:
    """Protects every size from scrolling sideways, and who reads a group with a screen reader."""
    page = Page(chromium_page.browser, table_address)
    resize(page.browser, width, 900)
    page.open()
    page.wait_until_live("left", "right")
    assert page.browser.execute_script(WIDER_THAN_THE_SCREEN) == []
    assert page.browser.execute_script("return document.documentElement.scrollWidth") == width
    assert violations(page) == []


@pytest.mark.parametrize(("width", "height"), [(320, 568), (390, 844), (844, 390), (820, 1180), (1440, 900)])
def test_nothing_is_wider_than_the_screen(chromium_page: Page, width: int, height: int) -> None:
    """Protects every size from scrolling sideways, with all cameras and with one."""
    resize(chromium_page.browser, width, height)
    for fragment, shown in VIEWS.items():
        chromium_page.open(fragment)
        chromium_page.wait_until_shown(shown)
        assert chromium_page.browser.execute_script(WIDER_THAN_THE_SCREEN) == []
        assert chromium_page.browser.execute_script("return document.documentElement.scrollWidth") == width


def test_pictures_keep_their_proportions(browser: WebDriver, address_of_shapes: str) -> None:
    """Protects cameras that are not 4:3: nothing is stretched or cut off, small beside the others or large."""
    page = Page(browser, address_of_shapes)
    for fragment, names in [("", list(SHAPES)), *((f"#camera={name}", [name]) for name in ("wide", "upright"))]:
        page.open(fragment)
        for name in names:
            browser.execute_script(f"document.querySelector('[data-camera={name}]')?.scrollIntoView()")
            page.wait_until_live(name)
        found = browser.execute_script(PROPORTIONS)
        for name in names:
            width, height = SHAPES[name]
            proportions, is_inside = found[name]
            assert is_inside, name
            assert proportions == pytest.approx(width / height, rel=0.02), name


def test_eight_cameras_fit_a_screen(chromium_page: Page, address_of_shapes: str) -> None:
    """Protects who watches them all: on a desktop's screen nothing has to be scrolled."""
    page = Page(chromium_page.browser, address_of_shapes)
    page.open()
    page.wait_until_live(*SHAPES)
    assert page.browser.execute_script("return document.documentElement.scrollHeight") == 900


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("fragment", VIEWS)
def test_axe_finds_nothing(chromium_page: Page, scheme: str, fragment: str) -> None:
    """Protects who reads with a screen reader or needs contrast, in both colour schemes."""
    resize(chromium_page.browser, 1440, 900, scheme)
    chromium_page.open(fragment)
    chromium_page.wait_until_shown(VIEWS[fragment])
    assert violations(chromium_page) == []

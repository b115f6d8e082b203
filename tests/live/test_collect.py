"""The page that takes pictures, in real browsers, served by a real daemon."""

import json
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

import cv2
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver

from tests.live.browsers import chromium, webkit
from tests.live.page import Page, camera, serving
from tests.live.test_page import TOKEN, violations
from tests.running import unused_port
from tests.waiting import eventually


class Collector(NamedTuple):
    """The page, and where its pictures go."""

    page: Page
    folder: Path

    def open(self) -> None:
        """Load it, and wait until it shows the camera."""
        self.page.open("collect")
        self.page.wait_for(lambda: self.page.part(".camera").get_dom_attribute("data-condition") == "live", "frames")

    def add(self, label: str) -> None:
        """Name a class."""
        self.page.part("#label").send_keys(label, Keys.ENTER)
        self.page.wait_for(lambda: self.page.text("#record") == f"Take pictures of {label}", "class")

    @property
    def rows(self) -> dict[str, int]:
        """How many pictures the page says that each class has."""
        rows = self.page.browser.execute_script(
            "return [...document.querySelectorAll('#classes label')].map((row) => [...row.children].map("
            "(part) => part.textContent))"
        )
        return {name: int(count.split()[0]) for _, name, count in rows}

    @property
    def files(self) -> dict[str, int]:
        """How many pictures there are."""
        return {path.name: len(list(path.glob("*.jpg"))) for path in self.folder.iterdir()}

    def wait_for_pictures(self, label: str, count: int) -> None:
        """Wait until the page tells so many of a class."""
        self.page.wait_for(lambda: self.rows[label] >= count, f"{count} pictures")

    def wait_until_still(self) -> None:
        """Wait until no more pictures come to the disk."""
        seen: list[dict[str, int]] = [{}]

        def stands_still() -> bool:
            seen.append(self.files)
            return seen[-1] == seen[-2]

        eventually(stands_still, "end of pictures", every=1.5)

    def hold(self, key: str) -> None:
        """Press a key and keep it down."""
        ActionChains(self.page.browser).key_down(key).perform()

    def release(self, key: str) -> None:
        """Let it go, and wait for the word that it has ended."""
        ActionChains(self.page.browser).key_up(key).perform()
        self.page.wait_for(self.is_idle, "end")

    def is_idle(self) -> bool:
        """Whether nothing is recorded, and the counts are those on the disk."""
        pressed = self.page.part("#record").get_dom_attribute("aria-pressed")
        return pressed == "false" and self.rows.items() >= self.files.items()


@pytest.fixture(scope="module", params=["chromium", "webkit"])
def browser(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    """Each browser."""
    with chromium(tmp_path_factory.mktemp("downloads")) if request.param == "chromium" else webkit() as found:
        yield found


@pytest.fixture
def collector(browser: WebDriver, both_programs: Path, tmp_path: Path) -> Iterator[Collector]:
    """The page of a daemon that wants its token."""
    folder, token, port = tmp_path / "data", tmp_path / "token", unused_port()
    token.touch(0o600)
    token.write_text(TOKEN, encoding="ascii")
    # Slow enough that each picture is another.
    cameras = camera("front", fps=10, width=320, height=240) + camera("side", fps=10, width=64, height=96)
    with serving(cameras, port, both_programs, tmp_path, token_file=str(token), collect=str(folder)):
        page = Page(browser, f"http://127.0.0.1:{port}")
        page.open()
        browser.delete_all_cookies()  # of the daemon before, whose token is the same
        page.open()
        page.wait_for(lambda: page.part("#login").is_displayed(), "form")
        page.log_in(TOKEN)
        page.wait_for(lambda: page.part("#to-collect").is_displayed(), "link")
        yield Collector(page, folder)


def test_two_classes_are_collected(collector: Collector) -> None:
    """Protects what the page is for: holding the space bar takes pictures, releasing ends it, the counts are true."""
    collector.page.part("#to-collect").click()
    collector.open()
    assert not collector.page.part("#record").is_enabled()
    for label in ("cup", "a glass of water"):
        collector.add(label)
        collector.hold(Keys.SPACE)
        collector.wait_for_pictures(label, 3)
        assert collector.page.text("#record") == f"Taking pictures of {label}"
        collector.release(Keys.SPACE)
    counts = collector.files
    assert counts == collector.rows
    assert min(counts.values()) >= 3
    assert all(cv2.imread(str(path)).shape == (240, 320, 3) for path in collector.folder.rglob("*.jpg"))  # type: ignore[union-attr]
    assert collector.page.text("#train") == f"pi-classifier train {collector.folder} --output own.bundle"

    collector.page.part("#delete").click()
    collector.page.wait_for(lambda: "Deleted" in collector.page.text("#burst"), "word about the end of them")
    collector.page.wait_for(lambda: collector.rows == {"cup": counts["cup"]}, "counts")
    assert collector.files == {"cup": counts["cup"]}


def test_space_bar_writes_a_space_in_a_name(collector: Collector) -> None:
    """Protects who types: in the field a space is a space; a name that cannot be a class is refused in words."""
    collector.open()
    collector.add("cup")
    collector.page.part("#label").send_keys("water glass")
    assert collector.page.part("#label").get_property("value") == "water glass"
    collector.page.part("#label").clear()
    collector.add("unknown")
    collector.hold(Keys.SPACE)
    collector.page.wait_for(lambda: "stands for what is none of the classes" in collector.page.text("#burst"), "word")
    collector.release(Keys.SPACE)
    assert collector.files == {}


def test_button_is_held_by_a_pointer_and_pressed_by_a_program(collector: Collector) -> None:
    """Protects who has no keyboard: the button is held, and what only clicks, as a screen reader does, clicks twice."""
    collector.open()
    collector.add("cup")
    button = collector.page.part("#record")
    ActionChains(collector.page.browser).click_and_hold(button).perform()
    collector.wait_for_pictures("cup", 2)
    ActionChains(collector.page.browser).release(button).perform()
    collector.page.wait_for(collector.is_idle, "end")
    before = collector.rows["cup"]
    collector.page.browser.execute_script("arguments[0].click()", button)
    collector.wait_for_pictures("cup", before + 2)
    collector.page.browser.execute_script("arguments[0].click()", button)
    collector.page.wait_for(collector.is_idle, "end")


def test_page_that_goes_away_records_no_more(collector: Collector) -> None:
    """Protects the disk: where the page is left while the key is down, pictures end within seconds."""
    collector.open()
    collector.add("cup")
    collector.hold(Keys.SPACE)
    collector.wait_for_pictures("cup", 2)
    collector.page.browser.get("about:blank")
    collector.open()
    collector.page.wait_for(lambda: collector.rows == collector.files, "counts that stay")
    ActionChains(collector.page.browser).key_up(Keys.SPACE).perform()
    collector.wait_until_still()


def test_pictures_of_another_page_are_counted(collector: Collector) -> None:
    """Protects the counts: those that another page still has taken, until it is heard no more, are shown here, too."""
    collector.open()
    began = collector.page.browser.execute_async_script(
        "const [path, asked, done] = arguments;"
        'fetch(path, {method: "POST", headers: {"Content-Type": "application/json"}, body: asked})'
        ".then((answer) => done(answer.status))",
        "api/v1/collect/burst",
        json.dumps({"camera": "front", "label": "cup", "keep_similar": True}),
    )
    assert began == HTTPStatus.CREATED
    collector.open()
    collector.wait_until_still()
    assert collector.files["cup"] > 0
    collector.page.wait_for(lambda: collector.rows == collector.files, "all of them")


def test_page_is_accessible(collector: Collector) -> None:
    """Protects those who see or handle a page differently: axe-core finds nothing, before, while and afterwards."""
    collector.open()
    assert violations(collector.page) == []
    collector.add("cup")
    collector.hold(Keys.SPACE)
    collector.wait_for_pictures("cup", 2)
    assert violations(collector.page) == []
    collector.release(Keys.SPACE)
    assert violations(collector.page) == []
    assert collector.page.part("#burst").get_dom_attribute("role") == "status"

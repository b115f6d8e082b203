"""The live page of a real daemon, as somebody sees it in a browser."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

from selenium.common.exceptions import StaleElementReferenceException, TimeoutException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from tests.running import Program
from tests.waiting import DEADLINE_SECONDS

T = TypeVar("T")

CARDS = """
return [...document.querySelectorAll(".camera")].map((card) => [
  card.dataset.camera, card.dataset.condition, Number(card.dataset.sequence ?? -1),
  card.querySelector(".state .label")?.textContent ?? "", card.querySelector(".veil").textContent,
  card.checkVisibility(),
]);
"""


class Card(NamedTuple):
    """One camera on the page."""

    camera: str
    condition: str
    """live, old, away, awaited or missing."""
    sequence: int
    """Of the frame that is shown; -1: none is."""
    label: str
    """What it is said to show."""
    veil: str
    """The words over the picture."""
    is_visible: bool


class Page:
    """The page in a browser."""

    def __init__(self, browser: WebDriver, address: str) -> None:
        self.browser = browser
        self.address = address

    def open(self, fragment: str = "") -> None:
        """Load it anew."""
        self.browser.get("about:blank")
        self.browser.get(f"{self.address}/{fragment}")

    @property
    def cards(self) -> dict[str, Card]:
        """All cameras, by name."""
        return {card[0]: Card(*card) for card in self.browser.execute_script(CARDS)}

    def part(self, selector: str) -> WebElement:
        """The element that a CSS selector finds."""
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        """What can be read in an element."""
        return self.part(selector).text

    def press(self, key: str) -> None:
        """Press a key where the focus is."""
        self.browser.switch_to.active_element.send_keys(key)

    def log_in(self, token: str) -> None:
        """Fill in the form and send it by the keyboard."""
        field = self.part("#token")
        field.clear()
        field.send_keys(token, Keys.ENTER)

    def wait_for(self, condition: Callable[[], T], what: str) -> T:
        """The first truth that `condition` tells; `what` it is that has to happen."""
        wait = WebDriverWait(self.browser, DEADLINE_SECONDS, 0.1, [StaleElementReferenceException])
        try:
            return wait.until(lambda _: condition())
        except TimeoutException:
            raise AssertionError(
                f"no {what} within {DEADLINE_SECONDS} s: {self.cards} {self.part('body').get_property('innerText')!r}"[
                    :900
                ]
            ) from None

    def wait_until_shown(self, camera: str) -> None:
        """Wait until there is a frame of this camera, or the reason why there is none."""
        self.wait_for(lambda: camera in self.cards and self.cards[camera].condition in ("live", "away"), camera)

    def wait_until_live(self, *cameras: str) -> None:
        """Wait until a frame of each of these is shown."""

        def conditions() -> list[str]:
            cards = self.cards
            return [cards[name].condition if name in cards else "" for name in cameras]

        self.wait_for(lambda: set(conditions()) == {"live"}, "live frames")


@contextmanager
def serving(
    config: str, port: int, weights: str | Path, folder: Path, labels: str = "", **more: str | bool
) -> Iterator[Program]:
    """A daemon that serves its page, while the context lasts.

    Args:
        config: of its cameras, as TOML.
        port: of the page.
        weights: as `[model]` has them; a bundle starts at once.
        labels: a file of them, for weights that come from elsewhere.
        folder: takes its configuration.
        more: of `[web]`.
    """
    file = folder / "config.toml"
    web = _table("[web]", {"listen": f"127.0.0.1:{port}", **more})
    model = _table("[model]", {"runtime": "litert", "weights": str(weights), "labels": labels})
    file.write_text(web + model + _table("[metrics]", {"listen": ""}) + config, encoding="utf-8")
    program = Program(
        [sys.executable, "-m", "pi_classifier", "run", "--config", str(file)],
        {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "PYTHONWARNINGS": "error"},
        DEADLINE_SECONDS,
    )
    try:
        program.wait_for(lambda: any(" fps | " in line for line in program.lines), "predictions")
        yield program
    finally:
        program.kill()


def camera(name: str, source: str = "synthetic:", **values: str | float) -> str:
    """A `[[camera]]`."""
    return _table("[[camera]]", {"name": name, "source": source, **values})


def _table(head: str, values: Mapping[str, str | float | bool]) -> str:
    return "\n".join([head, *(f"{key} = {json.dumps(value)}" for key, value in values.items())]) + "\n"

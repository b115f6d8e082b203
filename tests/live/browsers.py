"""Real browsers: Chromium, and WebKitGTK, which is the nearest to Safari. Their windows have room for eight cameras."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service as ChromiumService
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.webkitgtk.options import Options as WebKitOptions
from selenium.webdriver.webkitgtk.service import Service as WebKitService

from tests.running import Program
from tests.waiting import DEADLINE_SECONDS

CHROMIUM_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--window-size=1440,1000",
)
MINI_BROWSERS = tuple(Path("/usr/lib").glob("*/webkit2gtk-4.1/MiniBrowser"))
SCREEN = "1440x1000x24"


@contextmanager
def chromium(downloads: Path) -> Iterator[WebDriver]:
    """Chromium without a window. `downloads`: the folder where it saves files."""
    driver = _found("chromedriver", "chromium-driver")
    options = webdriver.ChromeOptions()
    options.page_load_strategy = "eager"
    for flag in CHROMIUM_FLAGS:
        options.add_argument(flag)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    browser = webdriver.Chrome(options=options, service=ChromiumService(driver))
    try:
        yield browser
    finally:
        browser.quit()


@contextmanager
def webkit() -> Iterator[WebDriver]:
    """WebKitGTK's own browser, on a screen of its own."""
    driver = _found("WebKitWebDriver", "webkit2gtk-driver")
    mini_browser = next(iter(MINI_BROWSERS), None)
    if not mini_browser:
        pytest.skip("MiniBrowser is not installed: apt install webkit2gtk-driver")
    options = WebKitOptions()
    options.binary_location = str(mini_browser)
    options.add_argument("--automation")
    screen = Program([_found("Xvfb", "xvfb"), "-displayfd", "1", "-screen", "0", SCREEN], os.environ, DEADLINE_SECONDS)
    try:
        display = f":{screen.wait_for_line('')}"
        browser = webdriver.WebKitGTK(
            options=options, service=WebKitService(driver, env={**os.environ, "DISPLAY": display})
        )
        try:
            browser.set_window_size(1440, 1000)
            yield browser
        finally:
            browser.quit()
    finally:
        screen.kill()


def resize(browser: WebDriver, width: int, height: int, scheme: str = "light", scale: float = 1) -> None:
    """Give Chromium's page a size in CSS pixels, and a colour scheme."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": width < 1000}
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    # Its type stub knows no commands beyond WebDriver's.
    command = browser.execute_cdp_cmd
    command("Emulation.setDeviceMetricsOverride", metrics)
    command("Emulation.setEmulatedMedia", {"features": features})


def _found(program: str, package: str) -> str:
    path = shutil.which(program)
    if not path:
        pytest.skip(f"{program} is not installed: apt install {package}")
    return path

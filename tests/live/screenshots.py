"""Takes pictures of the live page, for people to look at: every size, dark and light, and each special state.

    make screenshots ARGS="--output FOLDER [--weights WEIGHTS] [--source URI]..."
    make screenshots ARGS="--output FOLDER --detector FILE --pictures FOLDER [--labels FILE]"

Sources become cameras, in turn until there are enough; without one it is a drawn scene. One that comes to an end
should last a minute. With a detector it is four RTSP cameras, which show the first pictures of a folder.
"""

import argparse
import itertools
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver

from tests.live.browsers import chromium, resize
from tests.live.page import Page, camera, serving
from tests.live.scenes import NAMES as SCENES
from tests.live.scenes import served
from tests.running import unused_port

SIZES = {"phone": (390, 844, 2), "phone-landscape": (844, 390, 2), "tablet": (820, 1180, 1), "desktop": (1440, 900, 1)}
"""CSS pixels, and device pixels in one of them."""
NAMES = ("front", "door", "garden", "workbench", "bird-table", "garage", "hall", "yard")
WATCH = '[[watch]]\nname = "bottle"\nlabels = ["water bottle", "pop bottle"]\n'
TOKEN = "not-much-of-a-secret"  # noqa: S105 - of a daemon that lives for a second
PICTURES = 8
PAST_SECONDS = 8.0
"""After so long there is something to look back on."""
REDRAWN_SECONDS = 0.7


class Photographer:
    """Takes pictures of pages of real daemons."""

    def __init__(self, browser: WebDriver, output: Path, weights: str, sources: Sequence[str]) -> None:
        self._browser = browser
        self._output = output
        self._weights = weights
        self._sources = sources

    def take_cameras(self, count: int) -> None:
        """So many cameras; of several also the first one large; then without the daemon."""
        with self._serving(self._cameras(count) + WATCH) as page:
            page.open()
            page.wait_until_live(NAMES[0])
            time.sleep(PAST_SECONDS)
            self._take(f"{count}-cameras")
            if count > 1:
                page.open(f"#camera={NAMES[0]}")
                page.wait_until_live(NAMES[0])
                self._take(f"{count}-cameras-one-large")
        page.wait_for(lambda: page.part("#notice").is_displayed(), "word about the daemon's end")
        self._take(f"{count}-cameras-daemon-gone")

    def take_camera_away(self) -> None:
        """Beside one that is there."""
        with self._serving(self._cameras(1) + camera("attic", "v4l2:/dev/video-none")) as page:
            page.open()
            page.wait_until_live(NAMES[0])
            self._take("camera-away")

    def take_no_pictures(self) -> None:
        """Labels alone."""
        with self._serving(self._cameras(2) + WATCH, pictures=False) as page:
            page.open()
            page.wait_until_live(NAMES[0])
            self._take("no-pictures")

    def take_collecting(self, folder: Path) -> None:
        """The page that takes pictures, while it does and afterwards. `folder`: takes the classes."""
        with self._serving(self._cameras(2), collect=str(folder / "classes")) as page:
            page.open("collect")
            page.part("#label").send_keys("cup", Keys.ENTER)
            page.wait_for(lambda: page.part("#record").is_enabled(), "class")
            ActionChains(self._browser).key_down(Keys.SPACE).perform()
            page.wait_for(lambda: page.text("#burst").startswith("2 pictures"), "pictures")
            self._take("collecting")
            ActionChains(self._browser).key_up(Keys.SPACE).perform()
            page.wait_for(lambda: page.part("#delete").is_displayed(), "end")
            self._take("collected")

    def take_log_in(self, folder: Path) -> None:
        """The form, with a token refused. `folder`: takes the token."""
        file = folder / "token"
        file.write_text(TOKEN, encoding="ascii")
        file.chmod(0o600)
        with self._serving(self._cameras(1), token_file=str(file)) as page:
            page.open()
            page.wait_for(lambda: page.part("#login").is_displayed(), "form")
            page.log_in("wrong")
            page.wait_for(lambda: page.text("#refusal"), "refusal")
            self._take("log-in")

    def take_detector(self, pictures: Sequence[Path], labels: str) -> None:
        """What a detector finds: on four cameras, and on the first one large."""
        with (
            tempfile.TemporaryDirectory() as folder,
            served(pictures, Path(folder)) as scenes,
            self._serving(scenes.config, labels) as page,
        ):
            page.open()
            page.wait_until_live(*SCENES)
            time.sleep(PAST_SECONDS)
            self._take("detector")
            page.open(f"#camera={SCENES[0]}")
            page.wait_until_live(SCENES[0])
            self._take("detector-one-large")

    @contextmanager
    def _serving(self, config: str, labels: str = "", **web: str | bool) -> Iterator[Page]:
        port = unused_port()
        weights, place = self._weights, tempfile.TemporaryDirectory()
        with place as folder, serving(config, port, weights, Path(folder), labels, **web):
            yield Page(self._browser, f"http://127.0.0.1:{port}")

    def _cameras(self, count: int) -> str:
        sources = itertools.cycle(self._sources)
        return "".join(camera(name, next(sources), width=640, height=480, fps=15) for name in NAMES[:count])

    def _take(self, name: str) -> None:
        for (size, (width, height, scale)), scheme in itertools.product(SIZES.items(), ("light", "dark")):
            resize(self._browser, width, height, scheme, scale)
            time.sleep(REDRAWN_SECONDS)
            file = self._output / f"{name}-{size}-{scheme}.png"
            self._browser.save_screenshot(str(file))
            sys.stdout.write(f"{file}\n")


def main() -> None:
    """Take all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="the folder that takes the pictures")
    parser.add_argument("--weights", default="default", help="as in [model] weights (default: %(default)s)")
    parser.add_argument("--source", action="append", help="as in [[camera]] source (default: synthetic:)")
    parser.add_argument("--detector", help="an .onnx or .tflite file, in the place of everything else")
    parser.add_argument("--labels", default="", help="of the detector, where it has none in it")
    parser.add_argument("--pictures", type=Path, help="the folder of what the detector looks at")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    if arguments.detector:
        if not arguments.pictures:
            parser.error("--detector wants --pictures")
        pictures = sorted(arguments.pictures.glob("*.jpg"))[:PICTURES]
        with tempfile.TemporaryDirectory() as folder, chromium(Path(folder)) as browser:
            Photographer(browser, arguments.output, arguments.detector, []).take_detector(pictures, arguments.labels)
        return
    with tempfile.TemporaryDirectory() as folder, chromium(Path(folder)) as browser:
        sources = arguments.source or ["synthetic:"]
        photographer = Photographer(browser, arguments.output, arguments.weights, sources)
        for count in (1, 2, 8):
            photographer.take_cameras(count)
        photographer.take_camera_away()
        photographer.take_no_pictures()
        photographer.take_collecting(Path(folder))
        photographer.take_log_in(Path(folder))


if __name__ == "__main__":
    main()

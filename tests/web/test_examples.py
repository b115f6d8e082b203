"""docs/api.md: every example in it, as it is written."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from pi_classifier.config.schema import WebSettings
from pi_classifier.detection.limits import Limits
from pi_classifier.detection.opening import Wishes, open_detector
from tests.conftest import ROOT
from tests.detection.files import seeing
from tests.runtimes.onnx.files import written
from tests.waiting import DEADLINE_SECONDS, eventually
from tests.web.conftest import TOKEN
from tests.web.site import Site, running

EXAMPLES = [
    pytest.param(language, text, id=text.split("/v1/")[-1][:40].replace("\n", " "))
    for language, text in re.findall(r"```(sh|python)\n(.*?)```", (ROOT / "docs" / "api.md").read_text(), re.DOTALL)
    if "export PI=" not in text
]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> WebSettings:
    """With a token, and a folder for own classes."""
    file = tmp_path_factory.mktemp("token") / "token"
    file.touch(0o600)
    file.write_text(TOKEN)
    folder = file.with_name("classes")
    folder.mkdir()
    return WebSettings(token_file=str(file), collect=str(folder))


@pytest.fixture(scope="module")
def front(settings: WebSettings) -> Iterator[Site]:
    """A site with a camera of that name."""
    with running(settings=settings) as site:
        eventually(lambda: site.sink.predictions, "a prediction")
        yield site


@pytest.fixture(scope="module")
def detecting(settings: WebSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The same with a detector."""
    file = written(seeing(), tmp_path_factory.mktemp("detector"))
    with running(settings=settings, model=open_detector(file, Wishes(), Limits(), threads=1)) as site:
        yield site


@pytest.mark.parametrize(("language", "example"), EXAMPLES)
def test_example_works_as_written(front: Site, detecting: Site, language: str, example: str, tmp_path: Path) -> None:
    """Protects who copies from the page: each example ends well and prints or writes what it promises."""
    if language == "sh" and not shutil.which("curl"):
        pytest.skip("curl is not installed: apt install curl")
    Image.new("RGB", (64, 48), (200, 100, 50)).save(tmp_path / "photo.jpg")
    command = {"sh": ["bash", "-euc", example], "python": [sys.executable, "-c", example]}[language]
    environment = {
        "PATH": os.environ["PATH"],
        "PI": (detecting if "/detect" in example else front).url,
        "TOKEN": TOKEN,
        "NO_PROXY": "*",
    }
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, timeout=DEADLINE_SECONDS, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    files = b"".join(file.read_bytes() for file in tmp_path.glob("front.*"))
    assert done.stdout or files or "/healthz" in example
    assert "front." not in example or b"\xff\xd8" in files


def test_there_are_examples_of_every_call(front: Site) -> None:
    """Protects the page from calls that it forgets, but for those of the live page itself."""
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    with front.client(Authorization=f"Bearer {TOKEN}") as client:
        paths = client.get("/api/v1/openapi.json").json()["paths"]
    assert [path for path in paths if path.replace("{camera}", "front") not in page] == ["/login"]

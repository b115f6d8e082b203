"""Sites that several tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pi_classifier.config.schema import WebSettings
from tests.web.site import Site, running

TOKEN = "correct-horse-battery"  # noqa: S105


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """One that everybody on this machine may see."""
    with running() as one:
        yield one


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    """A token, in a file that is fit for it."""
    file = tmp_path / "token"
    file.touch(0o600)
    file.write_text(f"{TOKEN}\n")
    return file


@pytest.fixture
def guarded(token_file: Path) -> Iterator[Site]:
    """A site that wants the token, with all that can be turned on."""
    folder = token_file.parent / "data"
    folder.mkdir()
    with running(settings=WebSettings(token_file=str(token_file), collect=str(folder))) as one:
        yield one

"""Schemathesis asks a real daemon whatever its OpenAPI document allows, and what it does not."""

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.conftest import ROOT
from tests.live.page import camera, serving
from tests.running import unused_port
from tests.waiting import DEADLINE_SECONDS

DOCUMENT = ROOT / "pi_classifier" / "web" / "openapi.json"
CONFIG = ROOT / "tests" / "live" / "schemathesis.toml"
SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
EXAMPLES = 25
"""Of each operation, at least."""
TOKEN = "not-much-of-a-secret"  # noqa: S105
OPEN = ("/healthz", "/login")
ENDLESS = ("stream", "events", "live")
"""Operations whose answers have no end."""


@pytest.fixture
def address(both_programs: Path, tmp_path: Path) -> Iterator[str]:
    """A daemon that wants the token."""
    file = tmp_path / "token"
    file.write_text(TOKEN, encoding="ascii")
    file.chmod(stat.S_IRUSR)
    port = unused_port()
    web = {"auth": "token", "token_file": str(file), "collect": str(tmp_path / "data")}
    with serving(camera("front", fps=20), port, both_programs, tmp_path, **web):
        yield f"http://127.0.0.1:{port}"


def schemathesis(folder: Path, *arguments: str | Path) -> None:
    """Ask the same questions each time; all that is not as the document says fails, with how to ask it again."""
    done = subprocess.run(
        [SCHEMATHESIS, *arguments, "--continue-on-failure", "--no-color",
         "--max-examples", str(EXAMPLES), "--generation-deterministic",
         # Wrong tokens: after five of them all others are refused, too.
         "--generation-with-security-parameters", "false"],
        cwd=folder, env={"PATH": os.environ["PATH"], "HOME": str(folder), "NO_PROXY": "*"},
        capture_output=True, text=True, timeout=3 * DEADLINE_SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_answers_are_as_the_document_says(address: str, tmp_path: Path) -> None:
    """Protects who writes a client by the document: what it allows is taken, anything else refused as it says."""
    left_out = [f"--exclude-operation-id={operation}" for operation in (*ENDLESS, "logIn")]
    # What becomes of wrong tokens is asked in tests/web.
    options = ("--header", f"Authorization: Bearer {TOKEN}", "--exclude-checks", "ignored_auth", *left_out)
    schemathesis(tmp_path, "--config-file", CONFIG, "run", f"{address}/api/v1/openapi.json", *options)


def test_without_the_token_nothing_is_told(address: str, tmp_path: Path) -> None:
    """Protects what is guarded: whatever is asked of it, in any method, without the token the answer is 401."""
    report = tmp_path / "asked.har"
    schemathesis(tmp_path, "run", DOCUMENT, "--url", address, "--report-har-path", report)
    entries = json.loads(report.read_text(encoding="utf-8"))["log"]["entries"]
    asked = [(urlsplit(one["request"]["url"]).path, one["request"]["method"], one["response"]["status"])
             for one in entries]  # fmt: skip
    assert [one for one in asked if one[0] not in OPEN and one[2] != 401] == []
    guarded = [path for path in json.loads(DOCUMENT.read_text(encoding="utf-8"))["paths"] if path not in OPEN]
    patterns = [re.compile(re.escape(path).replace(r"\{camera\}", "[^/]*")) for path in guarded]
    assert all(any(pattern.fullmatch(path) for path, _, _ in asked) for pattern in patterns)
